//! SQLite keeps every promise of the contract.
#![cfg(feature = "sqlite")]

use referral_sql::harness::SqliteHarness;
use referral_testkit::conformance;

conformance!(SqliteHarness::new());
