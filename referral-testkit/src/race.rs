//! Many at once, from one barrier.

use std::future::Future;
use std::sync::Arc;

use tokio::sync::Barrier;

/// Runs so many futures from one barrier; their results, in the order of racers.
pub(crate) async fn race<T, F>(racers: usize, run: impl Fn(usize) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let barrier = Arc::new(Barrier::new(racers));
    let racers: Vec<_> = (0..racers)
        .map(|racer| {
            let (barrier, run) = (barrier.clone(), run(racer));
            tokio::spawn(async move {
                barrier.wait().await;
                run.await
            })
        })
        .collect();
    let mut results = Vec::new();
    for racer in racers {
        match racer.await {
            Ok(result) => results.push(result),
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }
    results
}
