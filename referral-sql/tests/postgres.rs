//! PostgreSQL keeps every promise of the contract. The tests run if a server is named.
#![cfg(feature = "postgres")]
#![allow(clippy::unwrap_used)] // to clippy, helpers are no tests

mod common;

use common::link;
use referral_core::store::{Change, Changeset, Outcome, Store, StoreErrorKind};
use referral_sql::harness::PostgresHarness;
use referral_sql::{PostgresStore, SqlStore};
use referral_testkit::conformance;

conformance!(PostgresHarness::from_env());

fn insert(number: u64) -> Changeset {
    Changeset::new([Change::Insert(link(number).into())])
}

/// Makes COMMIT fail with a given code, by a deferred constraint trigger.
#[tokio::test]
async fn a_commit_that_may_have_taken_hold_is_not_run_again() {
    let Some((store, _scratch)) = PostgresHarness::from_env().scratch().await else { return };
    sqlx::raw_sql(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
         $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = substr(NEW.label, 7); END $$;
         CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON referral_link DEFERRABLE INITIALLY DEFERRED
         FOR EACH ROW WHEN (length(NEW.label) > 7) EXECUTE FUNCTION refuse()",
    )
    .execute(store.pool())
    .await
    .unwrap();
    // statement_completion_unknown
    for answer in store.commit(&[insert(40_003), insert(1)]).await {
        assert_eq!(answer.unwrap_err().kind(), StoreErrorKind::UnknownOutcome);
    }
    // serialization_failure, at every attempt
    let contended = store.commit(&[insert(40_001)]).await.remove(0).unwrap_err();
    assert_eq!(contended.kind(), StoreErrorKind::Contended);
    // check_violation
    let answers = store.commit(&[insert(1), insert(23_514), insert(2)]).await;
    let kinds: Vec<_> = answers.into_iter().map(|answer| answer.map_err(|error| error.kind())).collect();
    assert_eq!(kinds, [Ok(Outcome::Applied), Err(StoreErrorKind::Other), Ok(Outcome::Applied)]);
    store.close().await;
}

#[tokio::test]
async fn it_is_durable_as_far_as_the_server_is() {
    let harness = PostgresHarness::from_env();
    let Some(_scratch) = harness.make().await else { return };
    let url = harness.url().unwrap();
    let options: sqlx::postgres::PgConnectOptions = url.parse().unwrap();
    let durable = async |options| {
        let pool = sqlx::PgPool::connect_with(options).await.unwrap();
        SqlStore::from_pool(pool).await.unwrap().facts().durable
    };
    let mut connection = sqlx::postgres::PgPool::connect(url).await.unwrap().acquire().await.unwrap();
    let fsync: String = sqlx::query_scalar("SHOW fsync").fetch_one(&mut *connection).await.unwrap();
    assert_eq!(durable(options.clone().options([("synchronous_commit", "on")])).await, fsync == "on");
    assert!(!durable(options.options([("synchronous_commit", "off")])).await);
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_named_without_its_password() {
    let error = PostgresStore::open("postgres://ada:secret@127.0.0.1:1/shop").await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{error:?}");
    assert!(error.to_string().ends_with("shop on 127.0.0.1:1"), "{error}");
    assert!(!format!("{error:?}").contains("secret"), "{error:?}");
}
