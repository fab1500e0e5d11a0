//! Readers while others write: what they are given is what was committed, whole, and what fits.

mod beside;
mod field;
mod fits;
mod moments;
mod refused;
mod whole;

pub use fits::*;
pub use moments::*;
pub use refused::*;
pub use whole::*;
