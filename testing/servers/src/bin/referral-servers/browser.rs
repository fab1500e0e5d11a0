//! The browser for the storefront's test. The test starts the driver itself; here it is only found.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use referral_servers::Missing;

use crate::list::List;
use crate::run::Run;

/// Where the test reads the driver's path.
pub(crate) const VARIABLE: &str = "REFERRAL_CHROMEDRIVER";

/// Finds a driver and a browser, lists them, and gives a driver for the test.
pub(crate) fn provide(run: &Run, list: &mut List) -> Option<PathBuf> {
    let missing = |why: &str| Missing {
        why: why.to_owned(),
        remedy: "apt-get install chromium chromium-driver".to_owned(),
        log: String::new(),
    };
    let named = std::env::var_os(VARIABLE).filter(|named| !named.is_empty()).map(PathBuf::from);
    let driver = named.or_else(|| which::which("chromedriver").ok());
    let browsers = ["chromium", "chromium-browser", "google-chrome"];
    let browser = browsers.iter().find_map(|name| which::which(name).ok());
    let (Some(driver), Some(browser)) = (driver, browser) else {
        run.unless_ending(|| list.skipped("browser", &missing("no chromedriver and chromium on PATH")));
        return None;
    };
    let wrapped = wrap(run, &driver);
    let version = version(run, &browser);
    run.unless_ending(|| match wrapped {
        Ok(wrapped) => {
            list.ran("browser", &format!("{version} through {}", driver.display()));
            Some(wrapped)
        }
        Err(error) => {
            list.skipped("browser", &missing(&format!("no folder for it ({error})")));
            None
        }
    })
}

fn version(run: &Run, browser: &Path) -> String {
    let output = Command::new(browser).arg("--version").env("TMPDIR", run.folder().tmp()).output();
    let said =
        output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default();
    if said.is_empty() { browser.display().to_string() } else { said }
}

/// The same driver, but what the browser would write to the user's home goes into the run's folder.
fn wrap(run: &Run, driver: &Path) -> io::Result<PathBuf> {
    let tmp = run.folder().tmp();
    let script = format!(
        "#!/bin/sh\nexport XDG_CONFIG_HOME={} XDG_CACHE_HOME={}\nexec {} \"$@\"\n",
        quoted(&tmp.join("config")),
        quoted(&tmp.join("cache")),
        quoted(driver),
    );
    let path = run.folder().path().join("chromedriver");
    fs::write(&path, script)?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
    Ok(path)
}

/// A path as one word of the shell.
fn quoted(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', r"'\''"))
}
