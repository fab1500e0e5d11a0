//! The runtime that a command waits in.

use crate::failure::Failure;

/// Waits for this work.
pub(super) fn wait(work: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    // The runtime has one thread, so that its end interrupts no work. MongoDB's driver still talks to the server when
    // it is dropped, and would panic in a runtime of several threads that has ended.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(Failure::Runtime)?.block_on(work)
}
