//! Opens a store, states its facts, and offers what a host needs besides reading and writing.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use referral_core::store::{
    Changeset, CounterKey, CounterPrefix, CounterRange, Index, Outcome, Prefix, Range, Read, Record,
    RecordId, Store, StoreError, StoreErrorKind, StoreFacts, UniqueKey, check_counters, check_keys,
    check_points,
};
use sqlx::{Pool, Transaction};

use crate::backend::{Backend, Durability};
use crate::error::{in_memory, lost_read, lost_task};
use crate::join::JoinedStore;
use crate::lease::{Lease, TransactionGuard, deadline, in_time};
use crate::pools::Pools;
use crate::retry::retried;
use crate::snapshot::at_one_moment;
use crate::{commit, migrate, read};

/// [`SqlStore`] on SQLite.
#[cfg(feature = "sqlite")]
pub type SqliteStore = SqlStore<sqlx::Sqlite>;
/// [`SqlStore`] on PostgreSQL.
#[cfg(feature = "postgres")]
pub type PostgresStore = SqlStore<sqlx::Postgres>;
/// [`SqlStore`] on MySQL and MariaDB.
#[cfg(feature = "mysql")]
pub type MySqlStore = SqlStore<sqlx::MySql>;

/// How long an attempt may take, unless set otherwise.
const TIMEOUT: Duration = Duration::from_secs(5);
/// How long a whole migration may take, unless set otherwise.
const MIGRATION_TIMEOUT: Duration = Duration::from_secs(600);

/// A store in an SQL database. Clones share the connections.
///
/// No call waits for ever, even if the server stops answering. One attempt at a read or a commit may take five
/// seconds, including the wait for a connection ([`SqlStore::with_timeout`]). A whole migration may take ten
/// minutes ([`SqlStore::with_migration_timeout`]). After that the call fails with `Unavailable`, or with
/// `UnknownOutcome` if COMMIT had been sent. The connection is then closed, and its place in the pool is free at
/// once. These limits do not apply to SQLite, which needs no network. It waits two seconds for another process and
/// tries that up to eight times. It waits fifteen seconds for the one connection that writes.
///
/// A tokio runtime is needed. Every transaction runs in its own task and goes on if its caller is dropped.
///
/// One read call shows one moment. Most calls are one statement. A `get` of records of several kinds, and a `find` of keys
/// of several kinds or of more than a few keys, are several statements; they run in a transaction with one snapshot, which
/// costs two round trips more.
pub struct SqlStore<B: Backend> {
    pub(crate) pools: Arc<Pools<B>>,
}

impl<B: Backend> Clone for SqlStore<B> {
    fn clone(&self) -> Self {
        Self { pools: self.pools.clone() }
    }
}

impl<B: Backend> fmt::Debug for SqlStore<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqlStore").field("backend", &B::STORE).finish_non_exhaustive()
    }
}

impl<B: Backend> SqlStore<B> {
    /// Makes a store on the host's own pool.
    ///
    /// On SQLite, configure the pool with a write-ahead log, `synchronous=FULL` and a busy timeout, or use
    /// [`SqlStore::with_pools`] with a write pool of one connection.
    ///
    /// # Errors
    /// `Unavailable` if the database does not answer; `Invalid` for an in-memory SQLite.
    pub async fn from_pool(pool: Pool<B>) -> Result<Self, StoreError> {
        Self::with_pools(pool.clone(), pool).await
    }

    /// Makes a store on two pools of the host's, one to write and one to read. Both must lead to the same database.
    /// The read pool must see commits of the write pool at once, so it must not be a replica.
    ///
    /// # Errors
    /// The same as those of [`SqlStore::from_pool`].
    pub async fn with_pools(write: Pool<B>, read: Pool<B>) -> Result<Self, StoreError> {
        let look = || async {
            let deadline = deadline::<B>(TIMEOUT);
            let mut connection = Lease::take(&write, deadline).await?;
            let seen = in_time(deadline, async { Ok(B::inspect(&mut connection).await?) }).await;
            connection.done(seen)
        };
        let durability = retried::<B, _, _>(look).await.map_err(|error| error.into_error::<B>("open"))?;
        let durable = match durability {
            Durability::Durable => true,
            Durability::Relaxed => false,
            Durability::InMemory => return Err(in_memory::<B>()),
        };
        let pools = Pools::new(write, read, TIMEOUT, MIGRATION_TIMEOUT, durable);
        Ok(Self { pools: Arc::new(pools) })
    }

    /// Sets how long one attempt at a read or a commit may take, including the wait for a connection. It is five
    /// seconds unless set. The pool's own `acquire_timeout` may end the wait for a connection earlier.
    ///
    /// A transaction that fails because of a deadlock or a serialization conflict is tried up to eight times. An
    /// attempt that runs out of time is not tried again: if COMMIT was not sent yet, the error is `Unavailable` and
    /// nothing is stored; otherwise it is `UnknownOutcome`. A joined store has this limit for each of its calls. It
    /// has no effect on SQLite.
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        self.with_timeouts(timeout, self.pools.migration_timeout)
    }

    /// Sets how long [`SqlStore::migrate`] may take, including the wait for other processes that migrate. It is ten
    /// minutes unless set. It has no effect on SQLite.
    #[must_use]
    pub fn with_migration_timeout(self, timeout: Duration) -> Self {
        self.with_timeouts(self.pools.timeout, timeout)
    }

    fn with_timeouts(&self, timeout: Duration, migration_timeout: Duration) -> Self {
        Self { pools: Arc::new(self.pools.with_timeouts(timeout, migration_timeout)) }
    }

    /// Makes the tables, or brings them to this version of the library. Opening a store never does this.
    ///
    /// It does nothing if nothing is missing. It may be interrupted, run again, and run by several processes at
    /// once, of which one does the work. The table `_referral_migrations` lists what was done.
    ///
    /// # Errors
    /// `Corrupt` if a newer library migrated the database; `Unavailable` if it takes longer than
    /// [`SqlStore::with_migration_timeout`] allows; any error of the database.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        let (connect, through) = (self.pools.deadline(), deadline::<B>(self.pools.migration_timeout));
        let task = tokio::spawn(migrate::migrate(self.pools.write.clone(), connect, through));
        task.await.unwrap_or_else(|lost| Err(lost_task::<B>("migrate", lost)))
    }

    /// Returns version and name of each migration that the database has, oldest first. The list is empty if
    /// [`SqlStore::migrate`] never ran. To see what a migration did, call this before and after it.
    ///
    /// # Errors
    /// Failures of the database.
    pub async fn migrations(&self) -> Result<Vec<(i64, String)>, StoreError> {
        migrate::migrations(&self.pools.write).await
    }

    /// Begins a transaction that can be [joined](Self::join).
    ///
    /// On SQLite this takes the one connection that writes, at once (`BEGIN IMMEDIATE`). Other writes of this store
    /// wait until the transaction ends. So keep it short, and write through the joined store only.
    ///
    /// The transaction belongs to the host. Put a timeout around your own statements and around the commit. If the
    /// server stops answering there, sqlx loses the connection's place in the pool when the transaction is dropped.
    /// Calls of a joined store have a limit and lose no place.
    ///
    /// # Errors
    /// `Unavailable` if no connection becomes free in time or the server does not answer in time; any error of the
    /// database.
    pub async fn begin(&self) -> Result<Transaction<'static, B>, StoreError> {
        let (pool, timeout) = (self.pools.write.clone(), self.pools.timeout);
        // In its own task, because a `begin` that is dropped before it is done can leave an open transaction in the
        // pool.
        let task = tokio::spawn(async move { TransactionGuard::begin(&pool, timeout).await });
        let begun = task.await.map_err(|lost| lost_read::<B>("begin", lost))?;
        let begun = begun.map_err(|error| error.into_error::<B>("begin"))?;
        let lost = || StoreError::new(StoreErrorKind::Other, B::STORE, "begin", "the transaction was lost");
        begun.into_inner().ok_or_else(lost)
    }

    /// Makes a store inside a transaction of the host's, with every read and write. What it writes is stored when
    /// the host commits.
    ///
    /// On SQLite, begin the transaction with [`SqlStore::begin`], or with `BEGIN IMMEDIATE` on a pool of your own
    /// for the same file.
    #[must_use]
    pub fn join(&self, transaction: Transaction<'static, B>) -> JoinedStore<B> {
        JoinedStore::new(self.pools.clone(), transaction)
    }

    /// Returns the pool that writes use.
    #[must_use]
    pub fn pool(&self) -> &Pool<B> {
        &self.pools.write
    }

    /// Waits for running calls, but no longer than one attempt may take, and closes all connections. Later calls
    /// fail with `Unavailable`.
    pub async fn close(&self) {
        let closed = async {
            tokio::join!(self.pools.read.close(), self.pools.write.close());
            Ok(())
        };
        // Connections that are still in use are closed when their call is done.
        in_time(self.pools.deadline(), closed).await.ok();
    }
}

/// Runs a read on its own connection, and again after a transient failure. It is a macro because no bound can say
/// that the future of a closure over a borrowed connection is `Send`.
macro_rules! reading {
    ($store:ident, $operation:literal, $connection:ident => $read:expr) => {{
        let pools = &$store.pools;
        let attempt = || {
            pools.in_time(|deadline| async move {
                let mut $connection = pools.connection(&pools.read, deadline).await?;
                let found = $read.await;
                $connection.done(found)
            })
        };
        retried::<B, _, _>(attempt).await.map_err(|error| error.into_error::<B>($operation))
    }};
}

#[async_trait]
impl<B: Backend> Read for SqlStore<B> {
    async fn get(&self, ids: &[RecordId]) -> Result<Vec<Option<Record>>, StoreError> {
        check_points("get", ids.len())?;
        if read::gets_several_times(ids) {
            let ids: Arc<[RecordId]> = ids.into();
            return at_one_moment(&self.pools, "get", move |connection| {
                let ids = ids.clone();
                Box::pin(async move { read::get::<B>(connection, &ids).await })
            })
            .await;
        }
        reading!(self, "get", connection => read::get::<B>(&mut connection, ids))
    }

    async fn find(&self, keys: &[UniqueKey]) -> Result<Vec<Option<Record>>, StoreError> {
        check_keys(keys)?;
        if read::looks_up_several_times(keys) {
            let keys: Arc<[UniqueKey]> = keys.into();
            return at_one_moment(&self.pools, "find", move |connection| {
                let keys = keys.clone();
                Box::pin(async move { read::find::<B>(connection, &keys).await })
            })
            .await;
        }
        reading!(self, "find", connection => read::find::<B>(&mut connection, keys))
    }

    async fn page(
        &self,
        index: Index,
        prefix: &Prefix,
        range: &Range,
        limit: u32,
    ) -> Result<Vec<Record>, StoreError> {
        index.check(prefix, limit)?;
        reading!(self, "page", connection => read::page::<B>(&mut connection, index, prefix, range, limit))
    }

    async fn counters(
        &self,
        prefix: &CounterPrefix,
        range: &CounterRange,
    ) -> Result<Vec<(CounterKey, i64)>, StoreError> {
        check_counters(prefix, range)?;
        reading!(self, "counters", connection => read::counters::<B>(&mut connection, prefix, range))
    }
}

#[async_trait]
impl<B: Backend> Store for SqlStore<B> {
    fn facts(&self) -> StoreFacts {
        self.pools.facts()
    }

    async fn commit(&self, batch: &[Changeset]) -> Vec<Result<Outcome, StoreError>> {
        commit::commit(&self.pools, batch).await
    }
}
