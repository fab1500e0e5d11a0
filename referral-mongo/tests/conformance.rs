//! The store keeps every promise of the contract. The tests run if a server is named.

use referral_mongo::harness::MongoHarness;
use referral_testkit::conformance;

conformance!(MongoHarness::from_env());
