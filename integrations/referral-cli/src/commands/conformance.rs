//! `referral conformance`
