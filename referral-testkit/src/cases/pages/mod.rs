//! Pages: every index, in order, from any place, in both directions.

mod order;
mod place;
mod prefixes;

pub use order::*;
pub use prefixes::*;
