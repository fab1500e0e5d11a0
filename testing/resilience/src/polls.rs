//! Futures that are dropped at an await point.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

/// What a future gives if it is done by its `polls`th poll; else it is dropped there, and the answer is `None`.
pub async fn dropped_after<T>(polls: usize, future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    let mut left = polls;
    poll_fn(|cx| {
        left = left.saturating_sub(1);
        match future.as_mut().poll(cx) {
            Poll::Ready(done) => Poll::Ready(Some(done)),
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}
