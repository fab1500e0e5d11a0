//! Calls that are dropped at each of their awaits in turn.

use std::future::{Future, poll_fn};
use std::task::Poll;

/// More polls than any call needs. A call that is not done by then never will be.
const ENDLESS: usize = 100_000;

/// Polls a future at most so often, and then drops it.
pub(crate) async fn drop_after<F: Future>(polls: usize, future: F) -> Option<F::Output> {
    let mut future = Box::pin(future);
    let mut left = polls;
    poll_fn(move |context| match future.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => {
            left -= 1;
            if left == 0 { Poll::Ready(None) } else { Poll::Pending }
        }
    })
    .await
}

/// How often a call may be polled before it is dropped: once, twice, three times … until one that was given so
/// much completed by itself; and all of it again, because the next time it is interrupted elsewhere.
#[derive(Debug)]
pub(crate) struct Sweeps {
    polls: usize,
    left: usize,
}

impl Sweeps {
    /// At least so many calls, in whole sweeps.
    pub(crate) const fn of(calls: usize) -> Self {
        Self { polls: 1, left: calls }
    }

    /// For the next call; `None` when it is enough.
    pub(crate) const fn polls(&self) -> Option<usize> {
        if self.left == 0 && self.polls == 1 { None } else { Some(self.polls) }
    }

    /// What became of it.
    pub(crate) fn ended(&mut self, completed: bool) {
        self.left = self.left.saturating_sub(1);
        self.polls = if completed { 1 } else { self.polls + 1 };
        assert!(self.polls < ENDLESS, "a call that is polled {ENDLESS} times is still not done");
    }
}
