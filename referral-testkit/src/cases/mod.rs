//! The cases: one module for each part of the contract, and one ordinary function for each promise.

pub mod backend;
pub mod cancellation;
pub mod changesets;
pub mod counters;
pub mod durability;
pub mod facade;
pub mod keys;
pub mod model;
pub mod pages;
pub mod patches;
pub mod points;
pub mod races;
pub mod records;
pub mod unique;
