//! The rules of the contract of a store. Each has a number, and the conformance suite says for each which cases hold a
//! store to it and which broken stores prove those cases.
//!
#![doc = include_str!("rules.md")]

/// The rules as Markdown. Each stands in a line of its own, `- **1.1** Its sentences.`, below the heading of its part.
pub const RULES: &str = include_str!("rules.md");
