//! Every index gives its records in order, from any place and in both directions.

mod edges;
mod order;
mod place;
mod prefixes;

pub use edges::*;
pub use order::*;
pub use prefixes::*;
