//! Opening a store, what it promises, and what the host does with it beside reading and writing.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use referral_core::store::{Changeset, Outcome, Store, StoreError, StoreErrorKind, StoreFacts};
use sqlx::{Pool, Transaction};

use crate::backend::Backend;
use crate::error::Fault;
use crate::join::JoinedStore;
use crate::lease::{Deadline, Held, Lease, deadline, in_time};
use crate::retry::retried;
use crate::{commit, schema};

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
/// COMMIT had been sent; the connection is closed, and its place in the pool is free at once. SQLite has no line: it
/// waits two seconds for another process, tried up to eight times, and fifteen for its one writer.
///
/// Needs a tokio runtime: every transaction runs in a task of its own, and goes on when its caller goes away.
pub struct SqlStore<B: Backend> {
    pub(crate) inner: Arc<Inner<B>>,
}

pub(crate) struct Inner<B: Backend> {
    pub(crate) write: Pool<B>,
    pub(crate) read: Pool<B>,
    pub(crate) timeout: Duration,
    migration_timeout: Duration,
    durable: bool,
    migrated: AtomicBool,
}

impl<B: Backend> Clone for SqlStore<B> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone() }
    }
}

impl<B: Backend> fmt::Debug for SqlStore<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqlStore").field("backend", &B::STORE).finish_non_exhaustive()
    }
}

impl<B: Backend> Inner<B> {
    /// Looks once whether the tables are the right ones; afterwards it is known.
    pub(crate) async fn check(&self, connection: &mut B::Connection) -> Result<(), Fault> {
        if !self.migrated.load(Ordering::Acquire) {
            schema::check::<B>(connection).await?;
            self.migrated.store(true, Ordering::Release);
        }
        Ok(())
    }

    /// By when something that begins now has to be through.
    pub(crate) fn deadline(&self) -> Deadline {
        deadline::<B>(self.timeout)
    }

    /// Runs one attempt, which is told its deadline.
    pub(crate) async fn in_time<T, F>(&self, attempt: impl FnOnce(Deadline) -> F) -> Result<T, Fault>
    where
        F: Future<Output = Result<T, Fault>>,
    {
        let deadline = self.deadline();
        in_time(deadline, attempt(deadline)).await
    }

    /// A connection of a pool, on a database with the right tables.
    pub(crate) async fn connection(&self, pool: &Pool<B>, deadline: Deadline) -> Result<Lease<B>, Fault> {
        let mut connection = Lease::take(pool, deadline).await?;
        if let Err(fault) = self.check(&mut connection).await {
            connection.done(Err(fault))?;
        }
        Ok(connection)
    }

    pub(crate) fn facts(&self) -> StoreFacts {
        StoreFacts { name: B::STORE, durable: self.durable, shared: true, batch: 256 }
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
            let seen = in_time(deadline, async { Ok(B::inspect(&mut connection).await??) }).await;
            connection.done(seen)
        };
        let durable = retried::<B, _, _>(look).await.map_err(|fault| fault.into_error::<B>("open"))?;
        let migrated = AtomicBool::new(false);
        let (timeout, migration_timeout) = (TIMEOUT, MIGRATION_TIMEOUT);
        let inner = Inner { write, read, timeout, migration_timeout, durable, migrated };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// This store, with another limit to how long one attempt at a read or a commit may take, the wait for a
    /// connection included; five seconds unless set. The pool's own `acquire_timeout` may end that wait earlier.
    ///
    /// An attempt that met others (deadlock, serialization) is made up to eight times. One that ran out of time is
    /// not made again: before COMMIT was sent, the error is `Unavailable` and nothing is stored; from then on it
    /// is `UnknownOutcome`. A joined store has this limit for each of its calls. SQLite has no use for it.
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        self.with_timeouts(timeout, self.inner.migration_timeout)
    }

    /// This store, with another limit to how long [`SqlStore::migrate`] may take, the wait for others who migrate
    /// included; ten minutes unless set. SQLite has no use for it.
    #[must_use]
    pub fn with_migration_timeout(self, timeout: Duration) -> Self {
        self.with_timeouts(self.inner.timeout, timeout)
    }

    fn with_timeouts(&self, timeout: Duration, migration_timeout: Duration) -> Self {
        let Inner { write, read, durable, migrated, .. } = self.inner.as_ref();
        let (write, read, durable) = (write.clone(), read.clone(), *durable);
        let migrated = AtomicBool::new(migrated.load(Ordering::Acquire));
        Self { inner: Arc::new(Inner { write, read, timeout, migration_timeout, durable, migrated }) }
    }

    /// Makes the tables, or brings them to this version of the library. Never done on opening.
    ///
    /// Does nothing where nothing is missing. May be interrupted, run again, and run by several processes at once:
    /// one does the work. Keeps its books in `_referral_migrations`.
    ///
    /// # Errors
    /// `Corrupt` where the database was migrated by a newer library; `Unavailable` where it takes longer than
    /// [`SqlStore::with_migration_timeout`] says; faults.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        let (connect, through) = (self.inner.deadline(), deadline::<B>(self.inner.migration_timeout));
        let task = tokio::spawn(schema::migrate(self.inner.write.clone(), connect, through));
        task.await.unwrap_or_else(|lost| Err(lost_task::<B>("migrate", lost)))
    }

    /// Version and name of each migration that the database has, oldest first; none where [`SqlStore::migrate`] never
    /// ran. To tell what it did, ask before and after.
    ///
    /// # Errors
    /// Faults.
    pub async fn migrations(&self) -> Result<Vec<(i64, String)>, StoreError> {
        schema::migrations(&self.inner.write).await
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
    /// `Unavailable` where no connection becomes free, or the server does not answer, in time; faults.
    pub async fn begin(&self) -> Result<Transaction<'static, B>, StoreError> {
        let (pool, timeout) = (self.inner.write.clone(), self.inner.timeout);
        // In a task of its own: a `begin` that is dropped half-way can leave an open transaction in the pool.
        let task = tokio::spawn(async move { Held::begin(&pool, timeout).await });
        let begun = task.await.map_err(|lost| lost_task::<B>("begin", lost))?;
        let begun = begun.map_err(|fault| fault.into_error::<B>("begin"))?;
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
        JoinedStore::new(self.inner.clone(), transaction)
    }

    /// The pool that writes go through.
    #[must_use]
    pub fn pool(&self) -> &Pool<B> {
        &self.inner.write
    }

    /// Waits for what is running, but no longer than an attempt may take, and closes all connections; whoever calls
    /// later gets `Unavailable`.
    pub async fn close(&self) {
        let closed = async {
            tokio::join!(self.inner.read.close(), self.inner.write.close());
            Ok(())
        };
        // What is still running then is closed when it is through.
        in_time(self.inner.deadline(), closed).await.ok();
    }
}

/// The task of a transaction was lost: it panicked, or the runtime is going down.
pub(crate) fn lost_task<B: Backend>(operation: &'static str, lost: tokio::task::JoinError) -> StoreError {
    StoreError::new(StoreErrorKind::UnknownOutcome, B::STORE, operation, "the task of the transaction was lost")
        .with_source(lost)
}

#[async_trait]
impl<B: Backend> Store for SqlStore<B> {
    fn facts(&self) -> StoreFacts {
        self.inner.facts()
    }

    async fn commit(&self, batch: &[Changeset]) -> Vec<Result<Outcome, StoreError>> {
        commit::commit(&self.inner, batch).await
    }
}
