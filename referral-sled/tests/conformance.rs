//! The store keeps every promise of the contract.

use referral_sled::harness::SledHarness;
use referral_testkit::conformance;

conformance!(SledHarness::new());
