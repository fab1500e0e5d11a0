//! Where time and ids come from. Core depends on the machine in no other place.

mod clock;
mod ids;

pub use clock::{Clock, ManualClock, SystemClock};
pub use ids::{IdSource, RandomIds, SequentialIds};
