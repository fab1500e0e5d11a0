//! Two real browsers: one belongs to the owner of a link, the other to whom it brings.
//!
//! Needs Chromium and its driver (Debian: `chromium`, `chromium-driver`). `REFERRAL_CHROMEDRIVER` names another
//! driver. Without one the test says so and passes; with `REFERRAL_TESTKIT_STRICT=1` it fails instead.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "a test fails by a panic, and its helpers are nobody's API"
)]

mod common;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use common::Shop;
use fantoccini::{Client, ClientBuilder, Locator};
use serde_json::json;
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(30);

fn strict() -> bool {
    std::env::var("REFERRAL_TESTKIT_STRICT").is_ok_and(|value| value == "1")
}

/// The driver, or why there is none.
fn find_driver() -> Result<PathBuf, String> {
    if let Some(named) = std::env::var_os("REFERRAL_CHROMEDRIVER") {
        let named = PathBuf::from(named);
        return if named.exists() { Ok(named) } else { Err(format!("{} does not exist", named.display())) };
    }
    let usual = Path::new("/usr/bin/chromedriver");
    if usual.exists() {
        return Ok(usual.to_owned());
    }
    Err("there is no chromedriver (apt-get install chromium chromium-driver)".to_owned())
}

/// A driver on a port of its own. Dropping it ends it and its browsers.
struct Driver {
    child: Child,
    url: String,
}

impl Driver {
    fn start(program: &Path) -> Self {
        let mut command = Command::new(program);
        command.arg("--port=0").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        // A group of its own, so that whatever the driver started can be ended with it.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        // "ChromeDriver was started successfully on port 40481."
        let line =
            lines.find(|line| line.contains("started successfully on port")).expect("a driver that starts");
        let port = line.trim_end_matches('.').rsplit(' ').next().unwrap().to_owned();
        // Whatever else it says must not fill the pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, url: format!("http://127.0.0.1:{port}") }
    }

    async fn browser(&self) -> Browser {
        let profile = tempfile::tempdir().unwrap();
        let mut arguments: Vec<String> = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-quic",
            "--window-size=1280,900",
        ]
        .map(str::to_owned)
        .into();
        arguments.push(format!("--user-data-dir={}", profile.path().display()));
        let mut capabilities = serde_json::Map::new();
        capabilities.insert("goog:chromeOptions".into(), json!({ "args": arguments }));
        let mut builder = ClientBuilder::new(hyper_util::client::legacy::connect::HttpConnector::new());
        let client = builder.capabilities(capabilities).connect(&self.url).await.unwrap();
        Browser { client, _profile: profile }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let group = format!("-{}", self.child.id());
        let _ = Command::new("kill").args(["-TERM", "--", &group]).status();
        let _ = self.child.wait();
    }
}

/// One browser with a profile of its own, as of another person.
struct Browser {
    client: Client,
    _profile: TempDir,
}

impl Browser {
    async fn open(&self, url: &str) {
        self.client.goto(url).await.unwrap();
    }

    /// The first element of a selector, as soon as it is there.
    async fn see(&self, css: &str) -> fantoccini::elements::Element {
        let found = self.client.wait().at_most(PATIENCE).for_element(Locator::Css(css)).await;
        found.unwrap_or_else(|error| panic!("{css}: {error}"))
    }

    async fn text(&self, css: &str) -> String {
        self.see(css).await.text().await.unwrap()
    }

    async fn fill(&self, css: &str, text: &str) {
        let field = self.see(css).await;
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    async fn click(&self, css: &str) {
        self.see(css).await.click().await.unwrap();
    }

    async fn path(&self) -> String {
        self.client.current_url().await.unwrap().path().to_owned()
    }

    async fn cookie(&self, name: &str) -> bool {
        self.client.get_named_cookie(name).await.is_ok()
    }
}

#[tokio::test]
async fn an_owner_sees_who_came_through_a_link_in_another_browser() {
    let driver = match find_driver() {
        Ok(driver) => driver,
        Err(why) if strict() => panic!("{why}, and REFERRAL_TESTKIT_STRICT=1"),
        Err(why) => {
            println!("SKIPPED: {why}");
            return;
        }
    };
    let shop = Shop::open();
    let driver = Driver::start(&driver);
    let (owner, other) = (driver.browser().await, driver.browser().await);

    // The owner signs up, and takes a link on a product's page.
    owner.open(&shop.url).await;
    owner.click("header a[href='/signup']").await;
    owner.fill("#username", "ada").await;
    owner.click("main form button").await;
    assert_eq!(owner.text(".notice").await, "Welcome! You have an account. Take a link and pass it on.");
    assert!(owner.cookie("__Host-session").await, "secure cookies work on 127.0.0.1");
    owner.open(&format!("{}/products/7", shop.url)).await;
    owner.click(".share form button").await;
    let url = owner.see(".share input[readonly]").await.prop("value").await.unwrap().unwrap();
    assert!(url.starts_with(&format!("{}/r/", shop.url)), "{url}");

    // The other browser opens it, lands on the product, and signs up.
    other.open(&url).await;
    assert_eq!(other.path().await, "/products/7");
    assert!(other.text(".invited").await.contains("ada sent you here."));
    assert!(other.cookie("__Host-referral").await);
    other.click(".invited a[href='/signup']").await;
    assert_eq!(other.text("h1").await, "ada invited you");
    other.fill("#username", "grace").await;
    other.click("main form button").await;
    assert!(other.text(".notice").await.contains("Welcome"));
    assert!(!other.cookie("__Host-referral").await, "the token is used up");

    // The owner sees that it was grace who clicked, looked and signed up.
    owner.open(&format!("{}/me", shop.url)).await;
    let rows = owner.client.find_all(Locator::Css(".responses tbody tr")).await.unwrap();
    let mut said = Vec::new();
    for row in rows {
        said.push(row.text().await.unwrap().replace('\n', " "));
    }
    assert_eq!(said.len(), 3, "{said:?}");
    for (row, action) in
        said.iter().zip(["Signed up", "Looked at a product: Market basket", "Clicked on referral link"])
    {
        assert!(row.contains("grace") && row.contains(action) && row.contains("Market basket"), "{row}");
    }
    assert!(owner.text(".counts").await.contains("click"));
    // Her own page says that nobody came through her links.
    assert!(other.text("#responses").await.contains("Who came"));
    assert!(other.client.find_all(Locator::Css(".responses tbody tr")).await.unwrap().is_empty());

    owner.client.close().await.unwrap();
    other.client.close().await.unwrap();
}
