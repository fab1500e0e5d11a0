//! Opens these stores for the conformance suite, and for any other test that needs its own database.
//!
//! ```
//! # #[cfg(feature = "postgres")]
//! # mod tests {
//! use referral_sql::harness::PostgresHarness;
//!
//! referral_testkit::conformance!(PostgresHarness::from_env());
//! # }
//! ```
#![allow(clippy::expect_used, reason = "the suite makes a failure of the case out of a panic here")]

#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
mod breakage;
#[cfg(any(feature = "postgres", feature = "mysql"))]
mod server;
#[cfg(feature = "sqlite")]
mod sqlite;

pub use crate::explain::Question;
pub use crate::schema::{index_name, table_name, unique_name};
#[cfg(feature = "mysql")]
#[cfg_attr(docsrs, doc(cfg(feature = "mysql")))]
pub use server::MySqlHarness;
#[cfg(feature = "postgres")]
#[cfg_attr(docsrs, doc(cfg(feature = "postgres")))]
pub use server::PostgresHarness;
#[cfg(any(feature = "postgres", feature = "mysql"))]
pub use server::{Server, ServerHarness};
#[cfg(feature = "sqlite")]
#[cfg_attr(docsrs, doc(cfg(feature = "sqlite")))]
pub use sqlite::{SqliteHarness, sqlite_file};
