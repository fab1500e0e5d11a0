//! The examples of the guides as doc tests: one page of the documentation, one module here.
//!
//! They stand in a crate of their own because a page shows the core, a store and the HTTP layer together, and no
//! published crate depends on all three.

/// The guide.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/guide.md")]
pub mod guide {}

/// For people who come from Django.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/from-django.md")]
pub mod from_django {}
