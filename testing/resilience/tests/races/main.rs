//! R3, R5, R6 and R7 with their full figures: a bounded counter, a visitor that turns out to be a user, generated codes,
//! and get-or-create, each under as many racers as the figure asks for.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // to clippy, helpers are no tests

mod bounds;
mod codes;
mod links;
mod observer;
mod visitors;

use std::sync::Arc;

use referral_core::store::Store;
use referral_core::visit::Method;
use referral_core::{Builder, KeyRing, Referrals, Visit};
use referral_resilience::run::number;
use referral_resilience::yielding::Yielding;

/// How many race for one thing; `REFERRAL_RESILIENCE_RACERS` makes it fewer or more.
fn racers() -> usize {
    usize::try_from(number("REFERRAL_RESILIENCE_RACERS", 1_000)).unwrap()
}

fn facade(store: Arc<dyn Store>) -> Builder<Yielding> {
    over(Yielding::over(store))
}

fn over(store: Yielding) -> Builder<Yielding> {
    Referrals::builder(store, KeyRing::generate().unwrap(), "https://shop.example")
}

fn visit() -> Visit {
    Visit::new(Method::Get, "/r/code").with_agent("Mozilla/5.0")
}
