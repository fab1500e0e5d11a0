//! Every index gives its records in order, from any place and in both directions.

mod order;
mod place;
mod prefixes;

pub use order::*;
pub use prefixes::*;
