//! Connections on loan from a pool, of which none is lost however silent the server is.
//!
//! sqlx takes a connection back in a task that first asks the server whether it is well. A server that went away
//! without a word never answers, the task waits for ever, and the connection's place in the pool is lost with it
//! (launchbadge/sqlx#4349). So nothing of ours is given back without a deadline.

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

/// By when an attempt has to be through; `None` where there is no network connection that could fall silent.
pub(crate) type Deadline = Option<Instant>;

/// The deadline of what begins now; none for a database in this process, and where the clock cannot say it.
pub(crate) fn deadline<B: Backend>(timeout: Duration) -> Deadline {
    if B::REMOTE { Instant::now().checked_add(timeout) } else { None }
}

/// What a future gives, unless it takes too long.
pub(crate) async fn in_time<T>(
    deadline: Deadline,
    work: impl Future<Output = Result<T, DbError>>,
) -> Result<T, DbError> {
    match deadline {
        Some(deadline) => timeout_at(deadline, work).await.unwrap_or(Err(DbError::TimedOut)),
        None => work.await,
    }
}

/// A connection that is back in its pool by the deadline, or thrown away. In both cases its place is free again.
pub(crate) struct Lease<B: Backend> {
    connection: PoolConnection<B>,
    deadline: Deadline,
    discarded: bool,
    /// Whether nothing is left to be answered.
    answered: bool,
}

impl<B: Backend> Lease<B> {
    pub(crate) async fn take(pool: &Pool<B>, deadline: Deadline) -> Result<Self, DbError> {
        let connection = in_time(deadline, async { Ok(pool.acquire().await?) }).await?;
        Ok(Self { connection, deadline, discarded: false, answered: false })
    }

    /// Takes note of how the work with the connection ended. A lease that is dropped before this leaves a statement
    /// half answered.
    pub(crate) fn done<T>(&mut self, result: Result<T, DbError>) -> Result<T, DbError> {
        self.answered = result.as_ref().err().is_none_or(DbError::is_answered);
        result
    }

    /// Has the connection closed instead of used again.
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
            // With a farewell, for which sqlx waits five seconds at most.
            return self.connection.close_on_drop();
        }
        let Some(deadline) = self.deadline else { return };
        let back = self.connection.return_to_pool();
        match Handle::try_current() {
            Ok(runtime) if deadline > Instant::now() && (self.answered || !B::LEAVES_ANSWERS) => {
                drop(runtime.spawn(timeout_at(deadline, back)))
            }
            // A return that never begins closes the connection and frees its place.
            _ => drop(back),
        }
    }
}

/// A transaction that is given to its owner, or undone without a trace in the pool.
pub(crate) struct TransactionGuard<B: Backend> {
    transaction: Option<Transaction<'static, B>>,
    /// How long a rollback may take; nothing where the server is silent already.
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

    /// Drops it after a failure. A server that was silent is not waited for again.
    pub(crate) fn undo_after(mut self, silent: bool) {
        if silent {
            self.timeout = Duration::ZERO;
        }
    }
}

impl<B: Backend> Drop for TransactionGuard<B> {
    /// By a rollback if the server answers in time, else with the connection.
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

/// Rolls a transaction back and gives its connection back to the pool, or throws it away if that takes too long.
/// Blocks.
fn undo<B: Backend>(transaction: Transaction<'static, B>, timeout: Duration) {
    let Ok(runtime) = Builder::new_current_thread().enable_time().build() else {
        return close(transaction);
    };
    let tasks = runtime.metrics();
    runtime.block_on(async {
        let undone = tokio::time::timeout(timeout, async {
            // Whatever comes of it, the connection is tested when it is given back, in a task of this runtime.
            drop(transaction.rollback().await);
            while tasks.num_alive_tasks() > 0 {
                tokio::time::sleep(TICK).await;
            }
        });
        drop(undone.await);
    });
    // A task that did not come to its end does now.
    runtime.shutdown_background();
}

/// How often it is looked whether a connection is back.
const TICK: Duration = Duration::from_millis(1);

/// Drops what holds a connection without asking the server anything: the connection is closed, its place free.
///
/// A transaction does not let go of its connection, and when dropped has it given back in a task, without a
/// deadline. A task that never runs closes the connection; so the drop happens in a runtime that ends at once.
fn close<T>(held: T) {
    let Ok(runtime) = Builder::new_current_thread().build() else { return mem::drop(held) };
    {
        let _here = runtime.enter();
        mem::drop(held);
    }
    runtime.shutdown_background();
}
