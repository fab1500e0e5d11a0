//! How often and how long the store tries again before it says `Contended`.

use std::future::Future;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};

use crate::backend::Backend;
use crate::error::DbError;

const ATTEMPTS: usize = 8;
const FIRST: Duration = Duration::from_millis(2);
const LONGEST: Duration = Duration::from_millis(250);

/// Runs an attempt until it works, fails in a way that a retry cannot help, or has failed eight times. The first
/// wait is 2 ms. Each further wait is twice as long, up to 250 ms. Jitter keeps two transactions that conflicted
/// from meeting again.
pub(crate) async fn retried<B, T, F>(attempt: impl FnMut() -> F) -> Result<T, DbError>
where
    B: Backend,
    F: Future<Output = Result<T, DbError>>,
{
    let waits = ExponentialBuilder::default()
        .with_min_delay(FIRST)
        .with_max_delay(LONGEST)
        .with_max_times(ATTEMPTS - 1)
        .with_jitter();
    attempt.retry(waits).when(DbError::is_transient::<B>).await
}
