//! MySQL or MariaDB keeps every promise of the contract, where a server is named.
#![cfg(feature = "mysql")]
#![allow(clippy::unwrap_used)] // to clippy, helpers are no tests

mod common;

use common::scratch::{self, Place};
use referral_testkit::{Guard, Harness, Opened, async_trait, conformance};

struct MysqlHarness;

#[async_trait]
impl Harness for MysqlHarness {
    fn name(&self) -> &str {
        "mysql"
    }

    fn setup(&self) -> &str {
        "set REFERRAL_TEST_MYSQL_URL to a server on which databases may be made"
    }

    async fn open(&self) -> Option<Opened> {
        let place = scratch::mysql().await?;
        let store = scratch::on_mysql(&place.url, &place.name).await;
        store.migrate().await.unwrap();
        Some(Opened::new(store, place))
    }

    async fn reopen(&self, guard: Guard) -> Option<Opened> {
        let place = guard.downcast::<Place>().ok()?;
        Some(Opened::new(scratch::on_mysql(&place.url, &place.name).await, *place))
    }

    fn address(&self, guard: &Guard) -> Option<String> {
        let place = guard.downcast_ref::<Place>()?;
        Some(format!("{} {}", place.url, place.name))
    }

    async fn attach(&self, address: &str) -> Option<Opened> {
        let (url, name) = address.split_once(' ')?;
        Some(Opened::new(scratch::on_mysql(url, name).await, ()))
    }
}

conformance!(MysqlHarness);
