//! Where time and ids come from: the only places in which core meets the world.

mod clock;
mod ids;

pub use clock::{Clock, ManualClock, SystemClock};
pub use ids::{IdSource, RandomIds, SequentialIds};
