//! Codes: what stands in the URL of a link, and where they come from.
//!
//! A [`Code`](crate::Code) always follows the grammar `[A-Za-z0-9_-]{1,64}`, so every code that a
//! generator or a person makes can be routed. Whether a code is free is decided by the
//! unique keys of the store: a [`CodeGenerator`] proposes, and is asked again with the
//! next attempt number if its proposal was taken.
//!
//! | Generator | Codes | For |
//! | --- | --- | --- |
//! | [`RandomCode`] | `k7m2xq9vtb` | the default: nothing to guess, nothing to mistype |
//! | [`Slug`] | `summer-sale` | links whose label is public anyway |
//! | [`PerOwner`] | `ada`, `ada-2` | personal links |
//! | a closure | anything | the rest |

mod generator;
mod per_owner;
mod random;
mod reserved;
mod slug;

pub use generator::{CodeGenerator, GeneratorError};
pub use per_owner::PerOwner;
pub use random::{AlphabetError, RandomCode, UNAMBIGUOUS};
pub use reserved::ReservedWords;
pub use slug::Slug;

#[doc = include_str!("../../../docs/code-generator.md")]
pub mod guide {}

#[cfg(test)]
mod tests;
