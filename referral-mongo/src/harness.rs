//! What the conformance suite opens these stores with, and any other test that wants a database of its own.
//!
//! ```
//! # mod tests {
//! use referral_mongo::harness::MongoHarness;
//!
//! referral_testkit::conformance!(MongoHarness::from_env());
//! # }
//! ```
#![allow(clippy::expect_used, reason = "the suite makes a failure of the case out of a panic here")]

use std::fmt;
use std::time::Duration;

use mongodb::Client;
use mongodb::options::ClientOptions;
use referral_core::store::{StoreError, StoreErrorKind};
use referral_testkit::{Guard, Harness, Opened, Scratch, async_trait, server_from_env, skip};

use crate::MongoStore;
use crate::error::{Failure, NAME};

/// The address of the server of [`MongoHarness::from_env`].
pub const VARIABLE: &str = "REFERRAL_TEST_MONGODB_URL";
const SETUP: &str = "set REFERRAL_TEST_MONGODB_URL to a replica set on which databases may be made, or in Referral's \
    own repository run scripts/test, which starts a throw-away one";
/// Set where the server is thrown away as a whole, so that nobody needs to wait until it has dropped a database.
const KEEP: &str = "REFERRAL_TEST_MONGODB_KEEP";

/// How long it looks for a server, unless the address says otherwise.
const SELECTION: Duration = Duration::from_secs(5);
/// Else, after a server that says "not the primary", the driver waits ten seconds before it looks again.
const HEARTBEAT: Duration = Duration::from_millis(500);

/// Opens each store in a database of its own on one server, dropped with its guard.
#[derive(Clone)]
pub struct MongoHarness {
    url: Option<String>,
    keep: bool,
}

impl MongoHarness {
    /// On the server of an address. The database that it names is left alone.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: Some(url.into()), keep: false }
    }

    /// On the server that `REFERRAL_TEST_MONGODB_URL` names; without it, every case is skipped. With
    /// `REFERRAL_TEST_MONGODB_KEEP` set, nothing is dropped.
    #[must_use]
    pub fn from_env() -> Self {
        Self { url: server_from_env(VARIABLE), keep: std::env::var_os(KEEP).is_some() }
    }

    /// The address of the server, if there is one.
    #[must_use]
    pub fn url(&self) -> Option<&str> {
        self.url.as_deref()
    }

    /// A new database, without indexes: a name, which the server knows with the first collection in it. `None`
    /// where no server is named: this says so.
    ///
    /// # Panics
    /// Where a server is missing and `REFERRAL_TESTKIT_STRICT=1`.
    pub async fn make(&self) -> Option<Scratch> {
        let scratch = self.place();
        if scratch.is_none() {
            skip(NAME, SETUP);
        }
        scratch
    }

    fn place(&self) -> Option<Scratch> {
        let scratch = Scratch::on_server(NAME, self.url()?, Scratch::fresh_name(), |url, name| async move {
            let client = client(&url).await?;
            let dropped = client.database(&name).drop().await;
            client.shutdown().immediate(true).await;
            dropped.map_err(|error| Failure::from(error).into_error("remove"))
        });
        Some(if self.keep { scratch.kept() } else { scratch })
    }

    /// A store in a database of [`MongoHarness::make`], with connections of its own.
    ///
    /// # Errors
    /// As [`MongoStore::open`].
    pub async fn at(&self, scratch: &Scratch) -> Result<MongoStore, StoreError> {
        at(scratch.address()).await
    }

    /// An empty store with its indexes, and what removes it. `None` where no server is named: this says so.
    ///
    /// # Panics
    /// Where none can be opened, and where a server is missing and `REFERRAL_TESTKIT_STRICT=1`.
    pub async fn scratch(&self) -> Option<(MongoStore, Scratch)> {
        let scratch = self.make().await?;
        Some(self.fresh(scratch).await.expect("a store in a database of its own"))
    }

    /// Opens a store and removes it, so that what keeps every case from running is told once.
    ///
    /// # Errors
    /// `Unavailable` where no server answers; faults where a database cannot be made or dropped.
    pub async fn check(&self) -> Result<(), StoreError> {
        let scratch =
            self.place().ok_or_else(|| StoreError::new(StoreErrorKind::Unavailable, NAME, "open", SETUP))?;
        let (store, scratch) = self.fresh(scratch).await?;
        drop(store);
        scratch.remove()
    }

    /// A store with its indexes in a new database.
    async fn fresh(&self, scratch: Scratch) -> Result<(MongoStore, Scratch), StoreError> {
        let store = match self.at(&scratch).await {
            Ok(store) => store,
            Err(error) => {
                // Nothing was made, and a server that is not there need not be asked to remove it.
                drop(scratch.kept());
                return Err(error);
            }
        };
        store.migrate().await?;
        Ok((store, scratch))
    }
}

impl fmt::Debug for MongoHarness {
    /// Without the address, in which there may be a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MongoHarness").field("keep", &self.keep).finish_non_exhaustive()
    }
}

async fn client(url: &str) -> Result<Client, StoreError> {
    let mut options = ClientOptions::parse(url).await.map_err(|error| {
        let message = "the address of the database is not understood";
        StoreError::new(StoreErrorKind::Invalid, NAME, "open", message).with_source(error)
    })?;
    options.server_selection_timeout.get_or_insert(SELECTION);
    options.heartbeat_freq.get_or_insert(HEARTBEAT);
    Client::with_options(options).map_err(|error| Failure::from(error).into_error("open"))
}

async fn at(address: &str) -> Result<MongoStore, StoreError> {
    let (name, url) = Scratch::split(address).ok_or_else(|| {
        StoreError::new(StoreErrorKind::Invalid, NAME, "open", "no address of this harness")
    })?;
    // The suite has a thousand callers at once, on a machine that does other things as well.
    Ok(MongoStore::with_client(client(url).await?, name).await?.with_timeout(Duration::from_secs(60)))
}

#[async_trait]
impl Harness for MongoHarness {
    fn name(&self) -> &str {
        NAME
    }

    fn setup(&self) -> &str {
        SETUP
    }

    async fn open(&self) -> Option<Opened> {
        let scratch = self.place()?;
        let (store, scratch) = self.fresh(scratch).await.expect("a store in a database of its own");
        Some(Opened::new(store, scratch))
    }

    async fn reopen(&self, guard: Guard) -> Option<Opened> {
        let scratch = Scratch::from_guard(guard)?;
        Some(Opened::new(self.at(&scratch).await.expect("the database opens again"), scratch))
    }

    fn address(&self, guard: &Guard) -> Option<String> {
        Some(Scratch::of(guard)?.address().to_owned())
    }

    async fn attach(&self, address: &str) -> Option<Opened> {
        Some(Opened::new(at(address).await.expect("the parent's database opens"), ()))
    }
}
