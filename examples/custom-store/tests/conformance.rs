//! The store keeps every promise of the contract.

use custom_store::RedbStore;
use referral_testkit::{FolderHarness, conformance};

conformance!(FolderHarness::of("redb", |folder| RedbStore::open(folder.join("referral.redb"))));
