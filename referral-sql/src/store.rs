//! Opening a store, what it promises, and what the host does with it beside reading and writing.

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
use crate::error::{in_memory, lost_task};
use crate::join::JoinedStore;
use crate::lease::{Lease, TransactionGuard, deadline, in_time};
use crate::pools::Pools;
use crate::retry::retried;
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

/// How long an attempt may take, unless told otherwise.
const TIMEOUT: Duration = Duration::from_secs(5);
/// How long all of migrating may take, unless told otherwise.
const MIGRATION_TIMEOUT: Duration = Duration::from_secs(600);

/// A store in an SQL database. Clones share the connections.
///
/// No call waits for ever, also not for a server that went away without a word: an attempt at a read or a commit has
/// five seconds ([`SqlStore::with_timeout`]), with the wait for a connection; all of migrating ten minutes
/// ([`SqlStore::with_migration_timeout`]). Whoever is not answered by then gets `Unavailable`, or `UnknownOutcome` if
/// COMMIT had been sent; the connection is closed, and its place in the pool is free at once. SQLite is
/// reached over no network, so these limits do not apply to it: it waits two seconds for another process, tries that up
/// to eight times, and waits fifteen seconds for the one connection that writes.
///
/// Needs a tokio runtime: every transaction runs in a task of its own, and goes on when its caller goes away.
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
    /// A store on the host's own pool.
    ///
    /// On SQLite give the pool write-ahead log, `synchronous=FULL` and a busy timeout, or use
    /// [`SqlStore::with_pools`] with one connection that writes.
    ///
    /// # Errors
    /// `Unavailable` where the database does not answer; `Invalid` for an in-memory SQLite.
    pub async fn from_pool(pool: Pool<B>) -> Result<Self, StoreError> {
        Self::with_pools(pool.clone(), pool).await
    }

    /// A store on two pools of the host's: one to write, one to read. Both must lead to the same database, and what
    /// is committed through the first must be seen at once through the second: no replica.
    ///
    /// # Errors
    /// As [`SqlStore::from_pool`].
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

    /// This store, with another limit to how long one attempt at a read or a commit may take, the wait for a
    /// connection included; five seconds unless set. The pool's own `acquire_timeout` may end that wait earlier.
    ///
    /// An attempt that met others (deadlock, serialization) is made up to eight times. One that ran out of time is
    /// not made again: before COMMIT was sent, the error is `Unavailable` and nothing is stored; from then on it
    /// is `UnknownOutcome`. A joined store has this limit for each of its calls. SQLite has no use for it.
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        self.with_timeouts(timeout, self.pools.migration_timeout)
    }

    /// This store, with another limit to how long [`SqlStore::migrate`] may take, the wait for others who migrate
    /// included; ten minutes unless set. SQLite has no use for it.
    #[must_use]
    pub fn with_migration_timeout(self, timeout: Duration) -> Self {
        self.with_timeouts(self.pools.timeout, timeout)
    }

    fn with_timeouts(&self, timeout: Duration, migration_timeout: Duration) -> Self {
        Self { pools: Arc::new(self.pools.with_timeouts(timeout, migration_timeout)) }
    }

    /// Makes the tables, or brings them to this version of the library. Never done on opening.
    ///
    /// Does nothing where nothing is missing. May be interrupted, run again, and run by several processes at once:
    /// one does the work. What was done is kept in `_referral_migrations`.
    ///
    /// # Errors
    /// `Corrupt` where the database was migrated by a newer library; `Unavailable` where it takes longer than
    /// [`SqlStore::with_migration_timeout`] says; and failures of the database.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        let (connect, through) = (self.pools.deadline(), deadline::<B>(self.pools.migration_timeout));
        let task = tokio::spawn(migrate::migrate(self.pools.write.clone(), connect, through));
        task.await.unwrap_or_else(|lost| Err(lost_task::<B>("migrate", lost)))
    }

    /// Version and name of each migration that the database has, oldest first; none where [`SqlStore::migrate`] never
    /// ran. To tell what it did, ask before and after.
    ///
    /// # Errors
    /// Failures of the database.
    pub async fn migrations(&self) -> Result<Vec<(i64, String)>, StoreError> {
        migrate::migrations(&self.pools.write).await
    }

    /// Begins a transaction that can be [joined](Self::join).
    ///
    /// On SQLite this takes the one connection that writes, at once (`BEGIN IMMEDIATE`): until it ends, other
    /// writes of this store wait, so keep it short, and write through the joined store only.
    ///
    /// From here on the transaction is the host's, and so are its limits: put a timeout around its own statements
    /// and its commit. Should the server fall silent there, sqlx loses the connection's place in the pool when the
    /// transaction is dropped. Calls of a joined store are bounded, and lose none.
    ///
    /// # Errors
    /// `Unavailable` where no connection becomes free, or the server does not answer, in time; and failures of the database.
    pub async fn begin(&self) -> Result<Transaction<'static, B>, StoreError> {
        let (pool, timeout) = (self.pools.write.clone(), self.pools.timeout);
        // In a task of its own: a `begin` that is dropped half-way can leave an open transaction in the pool.
        let task = tokio::spawn(async move { TransactionGuard::begin(&pool, timeout).await });
        let begun = task.await.map_err(|lost| lost_task::<B>("begin", lost))?;
        let begun = begun.map_err(|error| error.into_error::<B>("begin"))?;
        let lost = || StoreError::new(StoreErrorKind::Other, B::STORE, "begin", "the transaction was lost");
        begun.into_inner().ok_or_else(lost)
    }

    /// A store inside a transaction of the host's, with every read and write; what it does is stored when the host
    /// commits.
    ///
    /// On SQLite begin the transaction with [`SqlStore::begin`], or with `BEGIN IMMEDIATE` on a pool of the host's
    /// own for the same file.
    #[must_use]
    pub fn join(&self, transaction: Transaction<'static, B>) -> JoinedStore<B> {
        JoinedStore::new(self.pools.clone(), transaction)
    }

    /// The pool that writes go through.
    #[must_use]
    pub fn pool(&self) -> &Pool<B> {
        &self.pools.write
    }

    /// Waits for what is running, but no longer than an attempt may take, and closes all connections; whoever calls
    /// later gets `Unavailable`.
    pub async fn close(&self) {
        let closed = async {
            tokio::join!(self.pools.read.close(), self.pools.write.close());
            Ok(())
        };
        // What is still running then is closed when it is through.
        in_time(self.pools.deadline(), closed).await.ok();
    }
}

/// Runs a read on a connection of its own, and again where others were in the way. A macro, because no bound can say
/// that the future of a closure over a borrowed connection may be sent to another thread.
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
        reading!(self, "get", connection => read::get::<B>(&mut connection, ids))
    }

    async fn find(&self, keys: &[UniqueKey]) -> Result<Vec<Option<Record>>, StoreError> {
        check_keys(keys)?;
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
