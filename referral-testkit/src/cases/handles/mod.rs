//! Several handles on the same data, many callers of one handle, and the runtimes that they are called from.

mod callers;
mod ends;
mod sees;

pub use callers::*;
pub use ends::*;
pub use sees::*;
