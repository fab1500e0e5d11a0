//! The host may read the tables. They have typed columns with core's names, and the host's own tables can be joined
//! to them.
#![allow(clippy::unwrap_used)] // to clippy, helpers are no tests

mod common;

use common::{link, response, user, uuid};
use referral_core::store::{Change, Changeset, Outcome, Store};
use referral_core::{Response, ResponseId};
use referral_sql::SqlStore;
use referral_sql::backend::Backend;

/// The query of the guide, with the quotes of the database.
fn report(quote: char) -> String {
    format!(
        "SELECT users.name, COUNT(*) FROM users
         JOIN referral_response r ON r.{quote}user{quote} = users.name
         JOIN referral_link l ON l.id = r.link
         WHERE l.owner = 'ada' AND r.action = 'RESPONDED' AND r.counted = 1 AND r.created_at >= 0
         GROUP BY users.name ORDER BY users.name"
    )
}

/// Ada's link, with two clicks of bob's and one of Eve's.
async fn fill<B: Backend>(store: &SqlStore<B>) {
    let came = |number, name: &str| Response {
        id: ResponseId::from_uuid(uuid(number)),
        user: Some(user(name)),
        ..response(number)
    };
    let came = [came(1, "bob"), came(2, "bob"), came(3, "Eve")];
    let inserts = came.into_iter().map(|response| Change::Insert(response.into()));
    let changes = Changeset::new(std::iter::once(Change::Insert(link(1).into())).chain(inserts));
    assert_eq!(store.commit(&[changes]).await.remove(0).unwrap(), Outcome::Applied);
}

macro_rules! joins {
    ($store:expr, $quote:literal, $name:literal) => {{
        let store = $store;
        fill(&store).await;
        let users = concat!("CREATE TABLE users (name ", $name, " PRIMARY KEY)");
        sqlx::raw_sql(users).execute(store.pool()).await.unwrap();
        sqlx::raw_sql("INSERT INTO users VALUES ('bob'), ('Eve'), ('eve')")
            .execute(store.pool())
            .await
            .unwrap();
        let sql = sqlx::AssertSqlSafe(report($quote));
        let found: Vec<(String, i64)> = sqlx::query_as(sql).fetch_all(store.pool()).await.unwrap();
        assert_eq!(found, [("Eve".to_owned(), 1), ("bob".to_owned(), 2)]);
    }};
}

#[cfg(feature = "sqlite")]
#[tokio::test]
async fn a_host_joins_its_tables_to_ours_on_sqlite() {
    let (store, _scratch) = referral_sql::harness::SqliteHarness::new().scratch().await;
    joins!(store, '"', "TEXT");
}

#[cfg(feature = "postgres")]
#[tokio::test]
async fn a_host_joins_its_tables_to_ours_on_postgres() {
    let harness = referral_sql::harness::PostgresHarness::from_env();
    let Some((store, _scratch)) = harness.scratch().await else { return };
    joins!(store.clone(), '"', "TEXT COLLATE \"C\"");
    store.close().await;
}

#[cfg(feature = "mysql")]
#[tokio::test]
async fn a_host_joins_its_tables_to_ours_on_mysql() {
    let harness = referral_sql::harness::MySqlHarness::from_env();
    let Some((store, _scratch)) = harness.scratch().await else { return };
    joins!(store.clone(), '`', "VARCHAR(191) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin");
    store.close().await;
}
