//! PostgreSQL keeps every promise of the contract, where a server is named.
#![cfg(feature = "postgres")]
#![allow(clippy::unwrap_used)] // to clippy, helpers are no tests

mod common;

use common::scratch::{self, Place};
use referral_testkit::{Guard, Harness, Opened, async_trait, conformance};

struct PostgresHarness;

#[async_trait]
impl Harness for PostgresHarness {
    fn name(&self) -> &str {
        "postgres"
    }

    fn setup(&self) -> &str {
        "set REFERRAL_TEST_POSTGRES_URL to a server on which schemas may be made"
    }

    async fn open(&self) -> Option<Opened> {
        let place = scratch::postgres().await?;
        let store = scratch::on_postgres(&place.url, &place.name).await;
        store.migrate().await.unwrap();
        Some(Opened::new(store, place))
    }

    async fn reopen(&self, guard: Guard) -> Option<Opened> {
        let place = guard.downcast::<Place>().ok()?;
        Some(Opened::new(scratch::on_postgres(&place.url, &place.name).await, *place))
    }

    fn address(&self, guard: &Guard) -> Option<String> {
        let place = guard.downcast_ref::<Place>()?;
        Some(format!("{} {}", place.url, place.name))
    }

    async fn attach(&self, address: &str) -> Option<Opened> {
        let (url, name) = address.split_once(' ')?;
        Some(Opened::new(scratch::on_postgres(url, name).await, ()))
    }
}

conformance!(PostgresHarness);
