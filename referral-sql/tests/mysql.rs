//! MySQL or MariaDB keeps every promise of the contract, where a server is named.
#![cfg(feature = "mysql")]

use referral_sql::harness::MySqlHarness;
use referral_testkit::conformance;

conformance!(MySqlHarness::from_env());
