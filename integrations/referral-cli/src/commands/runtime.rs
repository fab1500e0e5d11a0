//! The runtime that a command waits in.

use crate::failure::Failure;

/// Waits for this work.
pub(super) fn wait(work: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    // Of one thread: its end interrupts nobody half-way. MongoDB's driver, which says goodbye to the server when it is
    // dropped, would panic in another one.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(Failure::Runtime)?.block_on(work)
}
