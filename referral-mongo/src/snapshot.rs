//! Reads that need several commands, in a transaction that shows one moment.
//!
//! The driver's snapshot sessions would do without the commit at the end. But the program that stands in for mongod in
//! the tests accepts them and does not read one moment with them, so they could not be tested.

use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mongodb::ClientSession;

use crate::connection::Inner;
use crate::error::{self, Failure};
use crate::retry::{in_time, retried};
use crate::transaction::{begin, end_read};

/// The future of a read in a transaction.
pub(crate) type Reading<'s, T> = Pin<Box<dyn Future<Output = Result<T, Failure>> + Send + 's>>;

/// Runs a read in a transaction, in its own task, so that the transaction is ended even if the caller is dropped.
pub(crate) async fn at_one_moment<T, F>(
    inner: &Arc<Inner>,
    operation: &'static str,
    read: F,
) -> Result<T, Failure>
where
    T: Send + 'static,
    F: for<'s> Fn(&'s Inner, &'s mut ClientSession) -> Reading<'s, T> + Send + Sync + 'static,
{
    let inner = inner.clone();
    let task = tokio::spawn(async move { retried(inner.timeout, |left| attempt(&inner, &read, left)).await });
    task.await.unwrap_or_else(|lost| Err(error::lost_read(operation, lost).into()))
}

async fn attempt<T, F>(inner: &Inner, read: &F, timeout: Duration) -> Result<T, Failure>
where
    F: for<'s> Fn(&'s Inner, &'s mut ClientSession) -> Reading<'s, T>,
{
    let begun = Instant::now();
    let mut session = in_time(timeout, begin(inner)).await?;
    let left = || timeout.saturating_sub(begun.elapsed());
    let found = in_time(left(), read(inner, &mut session)).await;
    end_read(inner, session, found, left()).await
}
