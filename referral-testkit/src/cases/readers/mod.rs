//! Readers while others write: what they are given is what was committed, whole, and what fits.

mod beside;
mod fits;
mod moments;
mod refused;

pub use fits::*;
pub use moments::*;
pub use refused::*;
