//! Opening a store, what it promises, and what the host does with it beside reading and writing.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use referral_core::store::{Changeset, ErrorKind, Outcome, Store, StoreError, StoreFacts};
use sqlx::pool::PoolConnection;
use sqlx::{Pool, Transaction};

use crate::backend::Backend;
use crate::error::Fault;
use crate::join::JoinedStore;
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

/// A store in an SQL database. Clones share the connections.
///
/// Needs a tokio runtime: every transaction runs in a task of its own, and goes on when its caller goes away.
pub struct SqlStore<B: Backend> {
    pub(crate) inner: Arc<Inner<B>>,
}

pub(crate) struct Inner<B: Backend> {
    pub(crate) write: Pool<B>,
    pub(crate) read: Pool<B>,
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

    /// A connection of a pool, on a database with the right tables.
    pub(crate) async fn connection(&self, pool: &Pool<B>) -> Result<PoolConnection<B>, Fault> {
        let mut connection = pool.acquire().await?;
        self.check(&mut connection).await?;
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
            let mut connection = write.acquire().await?;
            Ok(B::inspect(&mut connection).await??)
        };
        let durable = retried::<B, _, _>(look).await.map_err(|fault| fault.into_error::<B>("open"))?;
        let inner = Inner { write, read, durable, migrated: AtomicBool::new(false) };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Makes the tables, or brings them to this version of the library. Never done on opening.
    ///
    /// Does nothing where nothing is missing. May be interrupted, run again, and run by several processes at once:
    /// one does the work. Keeps its books in `_referral_migrations`.
    ///
    /// # Errors
    /// `Corrupt` where the database was migrated by a newer library; faults.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        let task = tokio::spawn(schema::migrate(self.inner.write.clone()));
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
    /// # Errors
    /// `Unavailable` where no connection becomes free in time; faults.
    pub async fn begin(&self) -> Result<Transaction<'static, B>, StoreError> {
        let pool = self.inner.write.clone();
        // In a task of its own: a `begin` that is dropped half-way can leave an open transaction in the pool.
        let task = tokio::spawn(async move { pool.begin_with(B::BEGIN).await });
        match task.await {
            Ok(begun) => begun.map_err(|error| Fault::from(error).into_error::<B>("begin")),
            Err(lost) => Err(lost_task::<B>("begin", lost)),
        }
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

    /// Waits for what is running, and closes all connections; whoever calls later gets `Unavailable`.
    pub async fn close(&self) {
        self.inner.read.close().await;
        self.inner.write.close().await;
    }
}

/// The task of a transaction was lost: it panicked, or the runtime is going down.
pub(crate) fn lost_task<B: Backend>(operation: &'static str, lost: tokio::task::JoinError) -> StoreError {
    StoreError::new(ErrorKind::UnknownOutcome, B::STORE, operation, "the task of the transaction was lost")
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
