//! Many at once: exact counts, one winner, nobody stuck. Each round starts all racers from one barrier.

mod contest;
mod one_handle;
mod two_handles;

pub use one_handle::*;
pub use two_handles::*;
