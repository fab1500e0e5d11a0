//! The reference store keeps every promise.

use referral_testkit::{MemoryHarness, conformance};

conformance!(MemoryHarness);
