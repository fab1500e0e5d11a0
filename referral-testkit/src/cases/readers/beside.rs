//! Writers that take their steps while readers read.

use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::{JoinHandle, yield_now};

/// How many read at once.
pub(super) const READERS: usize = 2;

/// What keeps a writer beside the readers.
pub(super) struct Pace {
    begun: watch::Receiver<usize>,
}

impl Pace {
    /// Waits until a read has begun since the last step, so that each step meets one.
    pub(super) async fn step(&mut self) {
        // Where no reader is left, one of them has failed, and the case does so as soon as the writers are done.
        let _ = self.begun.changed().await;
    }
}

/// Runs the writers, and repeats `read` on [`READERS`] tasks until the last writer is done, and once more on each.
///
/// # Panics
/// If one of them does.
pub(super) async fn beside<W, R>(
    writers: usize,
    write: impl Fn(usize, Pace) -> W,
    read: impl Fn(usize) -> R + Clone + Send + 'static,
) where
    W: Future<Output = ()> + Send + 'static,
    R: Future<Output = ()> + Send + 'static,
{
    let (begun, told) = watch::channel(0);
    let (done, is_done) = watch::channel(false);
    let begun = Arc::new(begun);
    let writers: Vec<_> =
        (0..writers).map(|writer| tokio::spawn(write(writer, Pace { begun: told.clone() }))).collect();
    let readers: Vec<JoinHandle<usize>> = (0..READERS)
        .map(|reader| {
            let (begun, is_done, read) = (begun.clone(), is_done.clone(), read.clone());
            tokio::spawn(async move {
                for reads in 1.. {
                    let last = *is_done.borrow();
                    begun.send_modify(|begun| *begun += 1);
                    read(reader).await;
                    if last {
                        return reads;
                    }
                    // Let the writers on, where neither reads nor writes ever wait.
                    yield_now().await;
                }
                0
            })
        })
        .collect();
    drop((begun, told));
    let mut written = Vec::new();
    for writer in writers {
        written.push(writer.await);
    }
    let _ = done.send(true);
    let mut reads = 0;
    for reader in readers {
        reads += reader.await.unwrap_or_else(|lost| std::panic::resume_unwind(lost.into_panic()));
    }
    for writer in written {
        writer.unwrap_or_else(|lost| std::panic::resume_unwind(lost.into_panic()));
    }
    assert!(reads > READERS, "the readers read {reads} times only, so that no read met a write");
}
