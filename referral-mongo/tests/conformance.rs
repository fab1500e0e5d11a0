//! The store keeps every promise of the contract.

#![allow(clippy::expect_used)] // to clippy, helpers are no tests

mod common;

use common::Scratch;
use referral_testkit::{Guard, Harness, Opened, async_trait, conformance};

struct Mongo;

#[async_trait]
impl Harness for Mongo {
    fn name(&self) -> &str {
        "mongodb"
    }

    fn setup(&self) -> &str {
        common::SETUP
    }

    async fn open(&self) -> Option<Opened> {
        let scratch = Scratch::new(common::url()?);
        let store = scratch.open().await;
        store.migrate().await.expect("the indexes");
        Some(Opened::new(store, scratch))
    }

    async fn reopen(&self, guard: Guard) -> Option<Opened> {
        let scratch = guard.downcast::<Scratch>().ok()?;
        let store = scratch.open().await;
        Some(Opened { store: std::sync::Arc::new(store), guard: scratch })
    }

    fn address(&self, guard: &Guard) -> Option<String> {
        let scratch = guard.downcast_ref::<Scratch>()?;
        Some(format!("{} {}", scratch.name, scratch.url))
    }

    async fn attach(&self, address: &str) -> Option<Opened> {
        let (name, url) = address.split_once(' ')?;
        Some(Opened::new(common::open(url, name).await, ()))
    }
}

conformance!(Mongo);
