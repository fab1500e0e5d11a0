//! Opens these stores for the conformance suite, and for any other test that needs its own database.
//!
//! ```
//! # mod tests {
//! use referral_mongo::harness::MongoHarness;
//!
//! referral_testkit::conformance!(MongoHarness::from_env());
//! # }
//! ```
#![allow(clippy::expect_used, reason = "the suite makes a failure of the case out of a panic here")]

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::TryStreamExt as _;
use mongodb::Client;
use mongodb::bson::{Document, doc};
use mongodb::options::{ClientOptions, ServerAddress};
use referral_core::store::{Kind, StoreError, StoreErrorKind};
use referral_testkit::{Breakage, Guard, Harness, Line, Opened, Scratch, async_trait, server_from_env, skip};

use crate::MongoStore;
use crate::error::{Failure, NAME};
use crate::schema;

/// The environment variable that holds the address for [`MongoHarness::from_env`].
pub const VARIABLE: &str = "REFERRAL_TEST_MONGODB_URL";
const SETUP: &str = "set REFERRAL_TEST_MONGODB_URL to a replica set on which databases may be made, or in Referral's \
    own repository run scripts/test, which starts a throw-away one";
/// Set this variable if the whole server is thrown away, so that tests need not wait for databases to be dropped.
const KEEP: &str = "REFERRAL_TEST_MONGODB_KEEP";

/// How long the driver looks for a server, unless the address says otherwise.
const SELECTION: Duration = Duration::from_secs(5);
/// Without this, the driver waits ten seconds before it looks again after a server said "not the primary".
const HEARTBEAT: Duration = Duration::from_millis(500);

/// How long a call may take on a store whose backend is broken. The driver looks for a server that long.
const BROKEN_TIMEOUT: Duration = Duration::from_secs(1);

/// Opens each store in its own database on one server. The database is dropped with the guard.
#[derive(Clone)]
pub struct MongoHarness {
    url: Option<String>,
    keep: bool,
}

impl MongoHarness {
    /// Uses the server of an address. The database that the address names is not touched.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: Some(url.into()), keep: false }
    }

    /// Uses the server that `REFERRAL_TEST_MONGODB_URL` names. Without it, every case is skipped. If
    /// `REFERRAL_TEST_MONGODB_KEEP` is set, nothing is dropped.
    #[must_use]
    pub fn from_env() -> Self {
        Self { url: server_from_env(VARIABLE), keep: std::env::var_os(KEEP).is_some() }
    }

    /// The address of the server, if there is one.
    #[must_use]
    pub fn url(&self) -> Option<&str> {
        self.url.as_deref()
    }

    /// Names a new database. The server makes it with the first collection. It is `None` if no server is named; a
    /// line on standard output then says that the test is skipped.
    ///
    /// # Panics
    /// If no server is named and `REFERRAL_TESTKIT_STRICT=1`.
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

    /// Opens a store in a database of [`MongoHarness::make`], with its own connections.
    ///
    /// # Errors
    /// The same as those of [`MongoStore::open`].
    pub async fn at(&self, scratch: &Scratch) -> Result<MongoStore, StoreError> {
        at(scratch.address()).await
    }

    /// Opens an empty store with its indexes. The guard beside it drops the database. It is `None` if no server is
    /// named; a line on standard output then says that the test is skipped.
    ///
    /// # Panics
    /// If the store cannot be opened, or if no server is named and `REFERRAL_TESTKIT_STRICT=1`.
    pub async fn scratch(&self) -> Option<(MongoStore, Scratch)> {
        let scratch = self.make().await?;
        Some(self.fresh(scratch).await.expect("a store in a database of its own"))
    }

    /// Opens a store and removes it, so that a problem with the server is reported once and not by every case.
    ///
    /// # Errors
    /// `Unavailable` if no server answers; any error of the server if a database cannot be made or dropped.
    pub async fn check(&self) -> Result<(), StoreError> {
        let scratch =
            self.place().ok_or_else(|| StoreError::new(StoreErrorKind::Unavailable, NAME, "open", SETUP))?;
        let (store, scratch) = self.fresh(scratch).await?;
        drop(store);
        scratch.remove()
    }

    /// Opens a store with its indexes in a new database.
    async fn fresh(&self, scratch: Scratch) -> Result<(MongoStore, Scratch), StoreError> {
        let store = match self.at(&scratch).await {
            Ok(store) => store,
            Err(error) => {
                // Nothing was made, so a server that does not answer need not be asked to remove it.
                drop(scratch.kept());
                return Err(error);
            }
        };
        store.migrate().await?;
        Ok((store, scratch))
    }
}

impl fmt::Debug for MongoHarness {
    /// Leaves the address out, because it may contain a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MongoHarness").field("keep", &self.keep).finish_non_exhaustive()
    }
}

async fn options(url: &str) -> Result<ClientOptions, StoreError> {
    let mut options = ClientOptions::parse(url).await.map_err(|error| {
        let message = "the address of the database is not understood";
        StoreError::new(StoreErrorKind::Invalid, NAME, "open", message).with_source(error)
    })?;
    options.server_selection_timeout.get_or_insert(SELECTION);
    options.heartbeat_freq.get_or_insert(HEARTBEAT);
    Ok(options)
}

async fn client(url: &str) -> Result<Client, StoreError> {
    with_options(options(url).await?)
}

fn with_options(options: ClientOptions) -> Result<Client, StoreError> {
    Client::with_options(options).map_err(|error| Failure::from(error).into_error("open"))
}

/// The stores that can be broken, by their addresses.
static OPEN: Mutex<BTreeMap<String, Arc<Broken>>> = Mutex::new(BTreeMap::new());

/// What can break a store: a line to the server, and a second client that damages documents.
struct Broken {
    line: Line,
    client: Client,
    /// The documents that were damaged, by the name of their collection.
    damaged: Mutex<Vec<(String, Document)>>,
}

/// A client over a line to the server. It is `None` for several servers, for a socket and for TLS.
async fn over_a_line(url: &str) -> Result<Option<(Client, Line)>, StoreError> {
    let mut options = options(url).await?;
    let [ServerAddress::Tcp { host, port }] = options.hosts.as_slice() else { return Ok(None) };
    if options.tls.is_some() {
        return Ok(None);
    }
    let line = Line::to(format!("{host}:{}", port.unwrap_or(27017))).expect("a line to the server");
    let at = line.address();
    options.hosts = vec![ServerAddress::Tcp { host: at.ip().to_string(), port: Some(at.port()) }];
    // Otherwise the driver asks the server for its address, and goes there.
    (options.direct_connection, options.repl_set_name) = (Some(true), None);
    options.server_selection_timeout = Some(BROKEN_TIMEOUT);
    Ok(Some((with_options(options)?, line)))
}

impl Broken {
    /// Makes a field of every document of a collection what it cannot be.
    async fn damage(&self, name: &str, collection: String, field: &str) -> mongodb::error::Result<()> {
        let documents = self.client.database(name).collection::<Document>(&collection);
        let all: Vec<Document> = documents.find(doc! {}).await?.try_collect().await?;
        for document in all {
            if let Some(id) = document.get("_id").cloned() {
                documents
                    .update_one(doc! { "_id": id }, doc! { "$set": { field: { "damage": true } } })
                    .await?;
            }
            self.damaged().push((collection.clone(), document));
        }
        Ok(())
    }

    async fn mend(&self, name: &str) -> mongodb::error::Result<()> {
        self.line.mend();
        let damaged = std::mem::take(&mut *self.damaged());
        for (collection, document) in damaged {
            if let Some(id) = document.get("_id").cloned() {
                let documents = self.client.database(name).collection::<Document>(&collection);
                documents.replace_one(doc! { "_id": id }, document).await?;
            }
        }
        Ok(())
    }

    fn damaged(&self) -> std::sync::MutexGuard<'_, Vec<(String, Document)>> {
        self.damaged.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn at(address: &str) -> Result<MongoStore, StoreError> {
    let (name, url) = Scratch::split(address).ok_or_else(|| {
        StoreError::new(StoreErrorKind::Invalid, NAME, "open", "no address of this harness")
    })?;
    // The suite makes a thousand calls at once, perhaps on a busy machine.
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

    async fn open_breakable(&self) -> Option<Opened> {
        let scratch = self.place()?;
        let (name, url) = Scratch::split(scratch.address())?;
        let Some((over, line)) = over_a_line(url).await.expect("a client over a line") else {
            return self.open().await;
        };
        let store = MongoStore::with_client(over, name).await.expect("a store over a line");
        let store = store.with_timeout(BROKEN_TIMEOUT);
        store.migrate().await.expect("a store in a database of its own");
        let client = client(url).await.expect("a second client");
        let broken = Arc::new(Broken { line, client, damaged: Mutex::default() });
        OPEN.lock().unwrap_or_else(PoisonError::into_inner).insert(scratch.address().into(), broken.clone());
        Some(Opened::new(store, scratch.with(broken)))
    }

    async fn break_backend(&self, address: &str, breakage: Option<Breakage>) -> bool {
        let found = OPEN.lock().unwrap_or_else(PoisonError::into_inner).get(address).cloned();
        let (Some(broken), Some((name, _))) = (found, Scratch::split(address)) else { return false };
        let links = schema::collection_name(Kind::Link);
        match breakage {
            None => broken.mend(name).await.expect("the database is mended"),
            // The line is cut in the middle of a transaction, and at the first read.
            Some(Breakage::Writes) => broken.line.cut_before(&links),
            Some(Breakage::Reads) => broken.line.cut_before("find"),
            Some(Breakage::CommitAnswer) => broken.line.cut_after("commitTransaction"),
            Some(Breakage::Unreachable) => broken.line.cut(),
            Some(Breakage::DamagedRecords) => {
                broken.damage(name, links, "status").await.expect("the links are damaged");
            }
            Some(Breakage::DamagedNumbers) => {
                let numbers = schema::COUNTER.to_owned();
                broken.damage(name, numbers, "value").await.expect("the numbers are damaged");
            }
            // Only a server that runs tests can be told to be full. And where COMMIT is lost, the server keeps the transaction
            // and its locks for a minute, so nobody could see soon that the store works again.
            Some(_) => return false,
        }
        true
    }
}
