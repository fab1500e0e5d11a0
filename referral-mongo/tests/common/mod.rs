//! A database of a test's own on the server of `REFERRAL_TEST_MONGODB_URL`, dropped at the end.
#![allow(dead_code)] // each test file takes what it needs
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr)] // to clippy, helpers are no tests

use referral_mongo::MongoStore;
use referral_mongo::mongodb::Client;
use referral_mongo::mongodb::options::ClientOptions;
use uuid::Uuid;

pub(crate) const VARIABLE: &str = "REFERRAL_TEST_MONGODB_URL";
pub(crate) const SETUP: &str = "set REFERRAL_TEST_MONGODB_URL to a replica set on which databases may be made, or \
    run scripts/test, which starts a throw-away one";

/// The URL of a server to test on, if there is one.
pub(crate) fn url() -> Option<String> {
    std::env::var(VARIABLE).ok().filter(|url| !url.is_empty())
}

/// The URL of a server to test on; without one, says so, and in strict mode fails.
pub(crate) fn url_or_skip() -> Option<String> {
    let url = url();
    if url.is_none() {
        let strict = std::env::var("REFERRAL_TESTKIT_STRICT").is_ok_and(|strict| strict == "1");
        assert!(!strict, "{VARIABLE} is not set, and REFERRAL_TESTKIT_STRICT=1");
        eprintln!("skipped: {SETUP}");
    }
    url
}

/// Set where the server is thrown away as a whole, so that nobody needs to wait until it has dropped a database.
const KEEP: &str = "REFERRAL_TEST_MONGODB_KEEP";

/// A database, dropped with this.
pub(crate) struct Scratch {
    pub(crate) url: String,
    pub(crate) name: String,
}

impl Scratch {
    pub(crate) fn new(url: String) -> Self {
        Self { url, name: format!("referral_test_{}", Uuid::new_v4().simple()) }
    }

    /// A store on it, with connections of its own.
    pub(crate) async fn open(&self) -> MongoStore {
        open(&self.url, &self.name).await
    }
}

/// A store on a database of a server.
pub(crate) async fn open(url: &str, name: &str) -> MongoStore {
    MongoStore::with_client(client(url).await, name)
        .await
        .expect("the server of REFERRAL_TEST_MONGODB_URL answers")
}

pub(crate) async fn client(url: &str) -> Client {
    let mut options = ClientOptions::parse(url).await.unwrap();
    options.server_selection_timeout = Some(std::time::Duration::from_secs(5));
    // Else, after a fail point that says "not the primary", the driver waits ten seconds before it looks again.
    options.heartbeat_freq = Some(std::time::Duration::from_millis(500));
    Client::with_options(options).unwrap()
}

/// A migrated store, and the database it is in.
pub(crate) async fn migrated() -> Option<(MongoStore, Scratch)> {
    let scratch = Scratch::new(url_or_skip()?);
    let store = scratch.open().await;
    store.migrate().await.unwrap();
    Some((store, scratch))
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if std::env::var_os(KEEP).is_some() {
            return;
        }
        let (url, name) = (self.url.clone(), self.name.clone());
        // On a thread of its own: the runtime that this belongs to may be going down.
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async { client(&url).await.database(&name).drop().await })
        });
        if let Ok(Err(error)) = dropped.join() {
            eprintln!("the database {} stays behind: {error}", self.name);
        }
    }
}
