//! How often and how long the store tries again before it says `Contended`, and how long it waits for a server.

use std::time::{Duration, Instant};

use backon::{BackoffBuilder, ExponentialBuilder};

use crate::error::{Failure, Reason};

/// The most attempts at one transaction.
const ATTEMPTS: usize = 40;
/// No attempt begins later than this after the first one.
const PERSISTENCE: Duration = Duration::from_secs(8);
const FIRST: Duration = Duration::from_millis(2);
const LONGEST: Duration = Duration::from_millis(250);

/// How long a server may take for an attempt at a transaction, or for a read, unless set otherwise. The driver
/// itself waits for ever on a connection that died without being closed.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(10);
/// How long a whole migration may take, unless set otherwise.
pub(crate) const MIGRATION_TIMEOUT: Duration = Duration::from_secs(600);

/// The waits between attempts. The first is 2 ms, and each further one is twice as long, up to 250 ms. Jitter of up
/// to the same length is added, so that two transactions that conflicted do not meet again.
pub(crate) fn waits() -> impl Iterator<Item = Duration> {
    ExponentialBuilder::default()
        .with_min_delay(FIRST)
        .with_max_delay(LONGEST)
        .with_max_times(ATTEMPTS.saturating_sub(1))
        .with_jitter()
        .build()
}

/// Runs an attempt until it works, fails in a way that a retry cannot help, or the attempts or the time are used
/// up. Each attempt gets `timeout`. Time that was lost because no server accepted work is taken from it.
pub(crate) async fn retried<T, F>(
    timeout: Duration,
    mut attempt: impl FnMut(Duration) -> F,
) -> Result<T, Failure>
where
    F: Future<Output = Result<T, Failure>>,
{
    let (begun, mut waits) = (Instant::now(), waits());
    let mut left = timeout;
    loop {
        let failure = match attempt(left).await {
            Err(failure) if failure.is_transient() => failure,
            done => return done,
        };
        match waits.next() {
            Some(wait) if begun.elapsed() < PERSISTENCE => tokio::time::sleep(wait).await,
            _ => return Err(failure),
        }
        left = match failure.reason() {
            Reason::Unavailable => timeout.saturating_sub(begun.elapsed()),
            _ => timeout,
        };
        if left.is_zero() {
            return Err(failure);
        }
    }
}

/// Runs a future until the timeout.
pub(crate) async fn in_time<T>(
    timeout: Duration,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    tokio::time::timeout(timeout, work).await.unwrap_or(Err(Failure::Late))
}
