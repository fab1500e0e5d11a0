//! What stands in for MongoDB where there is none: Debian and PyPI have no mongod.
//!
//! SecantusDB is a program of its own (GPL-2.0), so nothing of it is linked or shipped.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::Missing;
use crate::home::Home;

pub(crate) const VERSION: &str = "0.7.0b3";

pub(crate) const REMEDY: &str = "put a mongod on PATH, or set REFERRAL_MONGOD to one, \
    or REFERRAL_TEST_MONGODB_URL to a replica set";

/// Installs it, if it is not yet, and gives its program. Processes that want it at once wait for each other.
pub(crate) fn install(home: &Home) -> Result<PathBuf, Missing> {
    let python = which::which("python3")
        .map_err(|_| Missing::new("no mongod, and no python3 for a stand-in", REMEDY))?;
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target");
    let folder = target.join(format!("secantus-{VERSION}"));
    install_into(&folder, &python, home).map_err(|error| {
        let why = format!("no mongod, and the stand-in SecantusDB {VERSION} cannot be installed: {error}");
        Missing::new(why, REMEDY).with_log(home.last_words())
    })?;
    Ok(folder.join("bin/secantusd-py"))
}

fn install_into(folder: &Path, python: &Path, home: &Home) -> io::Result<()> {
    let done = folder.join("installed");
    if done.exists() {
        return Ok(());
    }
    if let Some(target) = folder.parent() {
        fs::create_dir_all(target)?;
    }
    let lock = fs::File::create(folder.with_extension("lock"))?;
    lock.lock()?;
    if done.exists() {
        return Ok(());
    }
    // What an interrupted installation has left.
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    home.run(home.command(python)?.args(["-m", "venv"]).arg(folder))?;
    let pip = ["install", "--quiet", &format!("SecantusDB=={VERSION}")];
    home.run(home.command(&folder.join("bin/pip"))?.args(pip))?;
    fs::write(done, "")
}
