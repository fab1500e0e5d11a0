//! Readers while others write: what they see was committed, whole, and fits what they asked for.

mod field;
mod whole;

pub use whole::*;
