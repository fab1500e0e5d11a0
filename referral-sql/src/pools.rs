//! The connection pools of a store, and what is known about its database.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use referral_core::store::StoreFacts;
use sqlx::Pool;

use crate::backend::Backend;
use crate::error::DbError;
use crate::lease::{Deadline, Lease, deadline, in_time};
use crate::migrate;

/// Two pools to one database, and how long an attempt with one of their connections may take.
pub(crate) struct Pools<B: Backend> {
    pub(crate) write: Pool<B>,
    pub(crate) read: Pool<B>,
    pub(crate) timeout: Duration,
    pub(crate) migration_timeout: Duration,
    durable: bool,
    migrated: AtomicBool,
}

impl<B: Backend> Pools<B> {
    pub(crate) const fn new(
        write: Pool<B>,
        read: Pool<B>,
        timeout: Duration,
        migration_timeout: Duration,
        durable: bool,
    ) -> Self {
        Self { write, read, timeout, migration_timeout, durable, migrated: AtomicBool::new(false) }
    }

    /// The same pools with other limits.
    pub(crate) fn with_timeouts(&self, timeout: Duration, migration_timeout: Duration) -> Self {
        let migrated = AtomicBool::new(self.migrated.load(Ordering::Acquire));
        let (write, read) = (self.write.clone(), self.read.clone());
        Self { write, read, timeout, migration_timeout, durable: self.durable, migrated }
    }

    /// Checks that the tables are the right ones, and remembers a good result.
    pub(crate) async fn check(&self, connection: &mut B::Connection) -> Result<(), DbError> {
        if !self.migrated.load(Ordering::Acquire) {
            migrate::check::<B>(connection).await?;
            self.migrated.store(true, Ordering::Release);
        }
        Ok(())
    }

    /// The deadline of an attempt that begins now.
    pub(crate) fn deadline(&self) -> Deadline {
        deadline::<B>(self.timeout)
    }

    /// Runs one attempt, and gives it its deadline.
    pub(crate) async fn in_time<T, F>(&self, attempt: impl FnOnce(Deadline) -> F) -> Result<T, DbError>
    where
        F: Future<Output = Result<T, DbError>>,
    {
        let deadline = self.deadline();
        in_time(deadline, attempt(deadline)).await
    }

    /// Takes a connection from a pool, after checking that the tables are the right ones.
    pub(crate) async fn connection(&self, pool: &Pool<B>, deadline: Deadline) -> Result<Lease<B>, DbError> {
        let mut connection = Lease::take(pool, deadline).await?;
        if let Err(error) = self.check(&mut connection).await {
            connection.done(Err(error))?;
        }
        Ok(connection)
    }

    pub(crate) const fn facts(&self) -> StoreFacts {
        StoreFacts { name: B::STORE, durable: self.durable, shared: true, batch: 256 }
    }
}
