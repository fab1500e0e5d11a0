//! The cases: one module for each part of the contract, and one ordinary function for each promise.

pub mod backend;
pub mod cancellation;
pub mod changesets;
pub mod counters;
pub mod crash;
pub mod durability;
pub mod facade;
pub mod handles;
pub mod histories;
pub mod keys;
pub mod model;
pub mod pages;
pub mod pairs;
pub mod patches;
pub mod points;
pub mod processes;
pub mod races;
pub mod reach;
pub mod readers;
pub mod records;
pub mod unique;
