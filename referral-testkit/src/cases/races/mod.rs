//! Many callers at once: exact counts, one winner, and nobody waits for ever. Each round starts all callers from
//! one barrier.

mod contest;
mod one_handle;
mod two_handles;

pub use one_handle::*;
pub(crate) use two_handles::handles;
pub use two_handles::*;
