//! Starts many tasks at once.

use std::any::Any;
use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::Barrier;

use crate::{notes, panics};

/// Starts this many tasks from one barrier, and gives their results in the order of the tasks.
///
/// # Panics
/// If one of them does.
pub async fn race<T, F>(racers: usize, run: impl Fn(usize) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let barrier = Arc::new(Barrier::new(racers));
    let tasks: Vec<_> = (0..racers)
        .map(|racer| {
            let (barrier, run) = (barrier.clone(), run(racer));
            tokio::spawn(async move {
                barrier.wait().await;
                run.await
            })
        })
        .collect();
    let mut results = Vec::with_capacity(racers);
    for task in tasks {
        results.push(task.await.unwrap_or_else(|lost| again(lost.into_panic())));
    }
    results
}

/// As [`race`], with a thread for each task, so that code without awaits runs at once as well.
///
/// # Panics
/// If one of them does.
pub async fn race_of_threads<T, F>(racers: usize, run: impl Fn(usize) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let barrier = Arc::new(std::sync::Barrier::new(racers));
    let threads: Vec<_> = (0..racers)
        .map(|racer| {
            let (barrier, run, runtime) = (barrier.clone(), run(racer), Handle::current());
            let notes = notes::current();
            std::thread::spawn(move || {
                notes::enter(notes);
                barrier.wait();
                runtime.block_on(run)
            })
        })
        .collect();
    let joined = tokio::task::spawn_blocking(move || {
        threads.into_iter().map(std::thread::JoinHandle::join).collect::<Vec<_>>()
    });
    let joined = joined.await.expect("the threads are waited for");
    joined.into_iter().map(|result| result.unwrap_or_else(|panic| again(panic))).collect()
}

/// Panics with the words of a racer, here, where the backtrace leads to whoever started the race.
fn again(panic: Box<dyn Any + Send>) -> ! {
    if panic.is::<String>() || panic.is::<&str>() {
        panic!("{}", panics::said(&*panic))
    }
    std::panic::resume_unwind(panic)
}
