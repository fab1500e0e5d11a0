//! Connections taken from a pool. None is lost, even if the server stops answering.
//!
//! sqlx takes a connection back in a task that first pings the server. If the server is gone without closing the
//! connection, it never answers. The task then waits for ever, and the connection's place in the pool is lost
//! (launchbadge/sqlx#4349). So we give no connection back without a deadline.

use std::future::Future;
use std::mem;
use std::ops::{Deref, DerefMut};
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::{Pool, Transaction};
use tokio::runtime::{Builder, Handle};
use tokio::time::{Instant, timeout_at};

use crate::backend::Backend;
use crate::error::DbError;

/// When an attempt must be done. It is `None` if there is no network connection that could fall silent.
pub(crate) type Deadline = Option<Instant>;

/// The deadline of an attempt that begins now. There is none for a database in this process, or if the time is too
/// far ahead for the clock.
pub(crate) fn deadline<B: Backend>(timeout: Duration) -> Deadline {
    if B::REMOTE { Instant::now().checked_add(timeout) } else { None }
}

/// Runs a future until the deadline.
pub(crate) async fn in_time<T>(
    deadline: Deadline,
    work: impl Future<Output = Result<T, DbError>>,
) -> Result<T, DbError> {
    match deadline {
        Some(deadline) => timeout_at(deadline, work).await.unwrap_or(Err(DbError::TimedOut)),
        None => work.await,
    }
}

/// A connection that is back in its pool by the deadline, or is closed. In both cases its place in the pool is free
/// again.
pub(crate) struct Lease<B: Backend> {
    connection: PoolConnection<B>,
    deadline: Deadline,
    discarded: bool,
    /// Whether the last statement was answered to its end.
    answered: bool,
}

impl<B: Backend> Lease<B> {
    pub(crate) async fn take(pool: &Pool<B>, deadline: Deadline) -> Result<Self, DbError> {
        let connection = in_time(deadline, async { Ok(pool.acquire().await?) }).await?;
        Ok(Self { connection, deadline, discarded: false, answered: false })
    }

    /// Notes how the work on the connection ended. A lease that is dropped before this counts as one with an unread
    /// answer.
    pub(crate) fn done<T>(&mut self, result: Result<T, DbError>) -> Result<T, DbError> {
        self.answered = result.as_ref().err().is_none_or(DbError::is_answered);
        result
    }

    /// Makes the connection close instead of going back to the pool.
    pub(crate) fn discard(&mut self) {
        self.discarded = true;
    }
}

impl<B: Backend> Deref for Lease<B> {
    type Target = B::Connection;

    fn deref(&self) -> &Self::Target {
        &self.connection
    }
}

impl<B: Backend> DerefMut for Lease<B> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.connection
    }
}

impl<B: Backend> Drop for Lease<B> {
    fn drop(&mut self) {
        if self.discarded {
            // This says goodbye to the server, for which sqlx waits at most five seconds.
            return self.connection.close_on_drop();
        }
        let Some(deadline) = self.deadline else { return };
        let back = self.connection.return_to_pool();
        match Handle::try_current() {
            Ok(runtime) if deadline > Instant::now() && (self.answered || !B::LEAVES_ANSWERS) => {
                drop(runtime.spawn(timeout_at(deadline, back)))
            }
            // If the return never begins, the connection is closed and its place is free.
            _ => drop(back),
        }
    }
}

/// Holds a transaction until its owner takes it. If nobody does, it is rolled back, and no place in the pool is
/// lost.
pub(crate) struct TransactionGuard<B: Backend> {
    transaction: Option<Transaction<'static, B>>,
    /// How long a rollback may take. It is zero if the server has already stopped answering.
    timeout: Duration,
}

impl<B: Backend> TransactionGuard<B> {
    pub(crate) const fn new(transaction: Transaction<'static, B>, timeout: Duration) -> Self {
        Self { transaction: Some(transaction), timeout }
    }

    pub(crate) async fn begin(pool: &Pool<B>, timeout: Duration) -> Result<Self, DbError> {
        let mut begun = Box::pin(pool.begin_with(B::BEGIN));
        match in_time(deadline::<B>(timeout), async { Ok(begun.as_mut().await?) }).await {
            Ok(transaction) => Ok(Self::new(transaction, timeout)),
            Err(error) => {
                if matches!(error, DbError::TimedOut) {
                    close(begun);
                }
                Err(error)
            }
        }
    }

    pub(crate) const fn get(&mut self) -> Option<&mut Transaction<'static, B>> {
        self.transaction.as_mut()
    }

    pub(crate) fn into_inner(mut self) -> Option<Transaction<'static, B>> {
        self.transaction.take()
    }

    /// Drops the transaction after a failure. If the server was silent, this does not wait for it again.
    pub(crate) fn undo_after(mut self, silent: bool) {
        if silent {
            self.timeout = Duration::ZERO;
        }
    }
}

impl<B: Backend> Drop for TransactionGuard<B> {
    /// Rolls back if the server answers in time. If not, it closes the connection.
    fn drop(&mut self) {
        let Some(transaction) = self.transaction.take() else { return };
        let timeout = self.timeout;
        match Handle::try_current() {
            Ok(_) if !B::REMOTE => drop(transaction),
            Ok(runtime) if !timeout.is_zero() => {
                drop(runtime.spawn_blocking(move || undo(transaction, timeout)));
            }
            _ => close(transaction),
        }
    }
}

/// Rolls a transaction back and gives its connection back to the pool. If that takes too long, the connection is
/// closed. This blocks the thread.
fn undo<B: Backend>(transaction: Transaction<'static, B>, timeout: Duration) {
    let Ok(runtime) = Builder::new_current_thread().enable_time().build() else {
        return close(transaction);
    };
    let tasks = runtime.metrics();
    runtime.block_on(async {
        let undone = tokio::time::timeout(timeout, async {
            // The result does not matter: sqlx tests the connection when it takes it back, in a task of this
            // runtime.
            drop(transaction.rollback().await);
            while tasks.num_alive_tasks() > 0 {
                tokio::time::sleep(TICK).await;
            }
        });
        drop(undone.await);
    });
    // Ends tasks that are still running.
    runtime.shutdown_background();
}

/// How often we check whether the connection is back.
const TICK: Duration = Duration::from_millis(1);

/// Drops what holds a connection, without asking the server anything. The connection is closed, and its place is
/// free.
///
/// A dropped transaction returns its connection in a background task without a deadline. If that task never runs,
/// the connection is closed. So we drop it in a runtime that ends at once.
fn close<T>(held: T) {
    let Ok(runtime) = Builder::new_current_thread().build() else { return mem::drop(held) };
    {
        let _here = runtime.enter();
        mem::drop(held);
    }
    runtime.shutdown_background();
}
