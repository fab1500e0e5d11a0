//! The cases: one module for each part of the contract, and one ordinary function for each promise.

pub mod cancellation;
pub mod changesets;
pub mod counters;
pub mod durability;
pub mod facade;
pub mod failures;
pub mod keys;
pub mod model;
pub mod pages;
pub mod patches;
pub mod points;
pub mod races;
pub mod readers;
pub mod records;
pub mod unique;
