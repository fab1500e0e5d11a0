//! Opens a store, states its facts, and offers what a host needs besides reading and writing.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use mongodb::bson::{Document, doc};
use mongodb::options::{ClientOptions, DatabaseOptions, ReadConcern, ReadPreference, SelectionCriteria};
use mongodb::{Client, Database};
use referral_core::store::{Changeset, Outcome, Store, StoreError, StoreErrorKind, StoreFacts};

use crate::connection::{Inner, durable};
use crate::error::{self, Failure, NAME, STANDALONE};
use crate::gate::Gate;
use crate::retry::{MIGRATION_TIMEOUT, TIMEOUT, in_time};
use crate::{commit, migrate, schema};

/// A store in a MongoDB database. Clones share the connections.
///
/// A tokio runtime is needed. Every transaction runs in its own task and goes on if its caller is dropped.
///
/// No call waits for ever, even if the server stops answering. A read, or one attempt at a commit, may take ten seconds
/// ([`MongoStore::with_timeout`]), and a whole migration ten minutes ([`MongoStore::with_migration_timeout`]). After that
/// the call fails with `Unavailable`, or with `UnknownOutcome` if the commit had been sent, and the driver closes the
/// connection. A commit may wait longer for other calls of this process that write the same documents, as long as the
/// server answers them.
#[derive(Clone)]
pub struct MongoStore {
    pub(crate) inner: Arc<Inner>,
}

/// How long the driver looks for a server, and for its answer to a new connection, unless the address says otherwise.
const SELECTION: Duration = Duration::from_secs(4);
/// The name of the database, if the address has none.
const DATABASE: &str = "referral";

impl MongoStore {
    /// Opens the database of an address: `mongodb://host/name?replicaSet=rs0`; without a name it is `referral`.
    ///
    /// Waits four seconds for a server, unless the address says `serverSelectionTimeoutMS` or `connectTimeoutMS`.
    /// It makes no collections: call [`MongoStore::migrate`].
    ///
    /// # Errors
    /// `Invalid` for text that is no address, and for a server that runs alone, because it has no transactions.
    /// `Unavailable` if no server answers.
    pub async fn open(url: impl AsRef<str>) -> Result<Self, StoreError> {
        let options = ClientOptions::parse(url.as_ref()).await;
        let mut options = options.map_err(|error| {
            let message = "the address of the database is not understood";
            StoreError::new(StoreErrorKind::Invalid, NAME, "open", message).with_source(error)
        })?;
        options.server_selection_timeout.get_or_insert(SELECTION);
        options.connect_timeout.get_or_insert(SELECTION);
        options.app_name.get_or_insert_with(|| "referral".to_owned());
        let database = options.default_database.clone().unwrap_or_else(|| DATABASE.to_owned());
        let client = Client::with_options(options).map_err(|e| Failure::from(e).into_error("open"))?;
        Self::with_client(client, &database).await
    }

    /// Makes a store on the host's own client, in this database.
    ///
    /// The store sets its own read concern, write concern and read preference, whatever the client has. Give the
    /// client a server selection timeout of a few seconds, because the driver's default is thirty.
    ///
    /// # Errors
    /// The same as those of [`MongoStore::open`].
    pub async fn with_client(client: Client, database: &str) -> Result<Self, StoreError> {
        let options = DatabaseOptions::builder()
            .read_concern(ReadConcern::majority())
            .write_concern(durable())
            .selection_criteria(SelectionCriteria::ReadPreference(ReadPreference::Primary))
            .build();
        let database = client.database_with_options(database, options);
        let hello = async { Ok(client.database("admin").run_command(doc! { "hello": 1 }).await?) };
        let hello = in_time(TIMEOUT, hello).await.map_err(|failure| failure.into_error("open"))?;
        if !has_transactions(&hello) {
            return Err(StoreError::new(StoreErrorKind::Invalid, NAME, "open", STANDALONE));
        }
        let writer = rand::random_range(0..schema::STRIPES);
        let (gate, migrated) = (Arc::new(Gate::default()), AtomicBool::new(false));
        let (timeout, migration_timeout) = (TIMEOUT, MIGRATION_TIMEOUT);
        let inner = Inner { client, database, writer, gate, timeout, migration_timeout, migrated };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Sets how long the server may take for a read or for one attempt at a commit. It is ten seconds unless set.
    ///
    /// An attempt that fails because of a write conflict is made again, up to forty times in eight seconds. An attempt
    /// that runs out of time is not: if its commit was not sent yet, the error is `Unavailable` and nothing is stored;
    /// otherwise it is `UnknownOutcome`. The client decides how long the driver looks for a server and for a connection
    /// (`serverSelectionTimeoutMS`, `connectTimeoutMS`); this limit ends that too.
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        self.with_timeouts(timeout, self.inner.migration_timeout)
    }

    /// Sets how long [`MongoStore::migrate`] may take. It is ten minutes unless set.
    #[must_use]
    pub fn with_migration_timeout(self, timeout: Duration) -> Self {
        self.with_timeouts(self.inner.timeout, timeout)
    }

    fn with_timeouts(&self, timeout: Duration, migration_timeout: Duration) -> Self {
        let Inner { client, database, writer, gate, migrated, .. } = self.inner.as_ref();
        let (client, database, writer, gate) = (client.clone(), database.clone(), *writer, gate.clone());
        let migrated = AtomicBool::new(migrated.load(Ordering::Acquire));
        let inner = Inner { client, database, writer, gate, timeout, migration_timeout, migrated };
        Self { inner: Arc::new(inner) }
    }

    /// Makes the collections and indexes, or brings them to this version of the library. Opening a store never does
    /// this.
    ///
    /// It does nothing if nothing is missing. It may be interrupted, run again, and run by several processes at once. What
    /// it has made is noted in the collection `referral_schema`.
    ///
    /// # Errors
    /// `Corrupt` if a newer library migrated the database, or if it has an index of one of these names in another shape;
    /// `Unavailable` if it takes longer than [`MongoStore::with_migration_timeout`] allows; any error of the database.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        let inner = self.inner.clone();
        let task =
            tokio::spawn(
                async move { in_time(inner.migration_timeout, migrate::migrate(&inner.database)).await },
            );
        match task.await {
            Ok(done) => done.map_err(|failure| failure.into_error("migrate")),
            Err(lost) => Err(error::lost("migrate", lost)),
        }
    }

    /// Returns the database, with the read and write concerns of this store.
    #[must_use]
    pub fn database(&self) -> &Database {
        &self.inner.database
    }
}

/// Whether the server belongs to a replica set or is the router of a sharded cluster.
fn has_transactions(hello: &Document) -> bool {
    hello.contains_key("setName") || hello.get_str("msg").is_ok_and(|said| said == "isdbgrid")
}

impl fmt::Debug for MongoStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MongoStore").field("database", &self.inner.database.name()).finish_non_exhaustive()
    }
}

#[async_trait]
impl Store for MongoStore {
    fn facts(&self) -> StoreFacts {
        StoreFacts { name: NAME, durable: true, shared: true, batch: 256 }
    }

    async fn commit(&self, batch: &[Changeset]) -> Vec<Result<Outcome, StoreError>> {
        commit::commit(&self.inner, batch).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_runs_alone_is_told_by_its_hello() {
        let alone = doc! { "isWritablePrimary": true, "maxWireVersion": 27, "ok": 1.0 };
        let member = doc! { "isWritablePrimary": true, "setName": "rs0", "ok": 1.0 };
        let router = doc! { "isWritablePrimary": true, "msg": "isdbgrid", "ok": 1.0 };
        assert!(!has_transactions(&alone));
        assert!(has_transactions(&member));
        assert!(has_transactions(&router));
    }

    #[test]
    fn the_refusal_names_the_command_that_helps() {
        assert!(STANDALONE.contains("--replSet rs0") && STANDALONE.contains("rs.initiate()"));
    }

    #[tokio::test]
    async fn an_address_that_is_none_is_invalid() {
        let error = MongoStore::open("not an address").await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Invalid);
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_is_unavailable() {
        let url = "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=200&connectTimeoutMS=200";
        let error = MongoStore::open(url).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    }
}
