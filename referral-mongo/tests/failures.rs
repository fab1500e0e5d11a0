//! Tests what the store does when a server fails: when connections are cut, a primary steps down, or answers get
//! lost.
//!
//! They need a server with `enableTestCommands`. On another server they are skipped, or fail in strict mode.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // to clippy, helpers are no tests

use std::sync::Arc;

use referral_core::Code;
use referral_core::store::{
    Bounds, Change, Changeset, Conflict, CounterKey, CounterPrefix, CounterRange, Family, Outcome, Read,
    Store, StoreErrorKind,
};
use referral_core::store::{KeyPart, Version};
use referral_core::{Alias, AliasId, LinkId, Tenant, Timestamp};
use referral_mongo::MongoStore;
use referral_mongo::harness::MongoHarness;
use referral_mongo::mongodb::bson::{Document, doc};
use referral_testkit::Scratch;
use tokio::sync::Mutex;
use uuid::Uuid;

/// A fail point makes the commands of all tests fail, so only one test at a time may set one.
static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

fn counter() -> CounterKey {
    CounterKey::new(Tenant::default(), Family::LinkUses, [KeyPart::NONE, KeyPart::NONE])
}

/// A changeset that inserts an alias and counts.
fn changeset(number: u128) -> Changeset {
    let alias = Alias {
        id: AliasId::from_uuid(Uuid::from_u128(number)),
        tenant: Tenant::default(),
        version: Version::FIRST,
        created_at: Timestamp::from_millis(1),
        code: Code::new(format!("code-{number}")).unwrap(),
        link: LinkId::from_uuid(Uuid::from_u128(7)),
        case_exact: false,
    };
    let count = Change::Count { counter: counter(), add: 1, within: Bounds::ANY };
    Changeset::new([Change::Insert(alias.into()), count])
}

async fn counted(store: &MongoStore) -> i64 {
    let prefix = CounterPrefix { tenant: Tenant::default(), family: Family::LinkUses, parts: Vec::new() };
    let found = store.counters(&prefix, &CounterRange::first(9)).await.unwrap();
    found.first().map_or(0, |(_, value)| *value)
}

/// Makes the next `times` of these commands fail as `how` says. It is `false` if the server has no fail points.
async fn fail(store: &MongoStore, times: i32, commands: &[&str], how: Document) -> bool {
    let mut data = doc! { "failCommands": commands.to_vec(), "appName": "referral-failures" };
    data.extend(how);
    set(store, doc! { "times": times }, data).await
}

async fn set(store: &MongoStore, mode: Document, data: Document) -> bool {
    let command = doc! { "configureFailPoint": "failCommand", "mode": mode, "data": data };
    let admin = store.database().client().database("admin");
    let done = admin.run_command(command).await;
    if let Err(error) = &done {
        referral_testkit::skip("a server with fail points", &format!("give it enableTestCommands ({error})"));
    }
    done.is_ok()
}

/// A store whose commands fail. Those of other clients do not.
async fn store() -> Option<(MongoStore, Scratch)> {
    let (_, scratch) = MongoHarness::from_env().scratch().await?;
    let (name, url) = Scratch::split(scratch.address()).unwrap();
    let mut options = referral_mongo::mongodb::options::ClientOptions::parse(url).await.unwrap();
    options.app_name = Some("referral-failures".to_owned());
    options.server_selection_timeout = Some(std::time::Duration::from_secs(5));
    options.heartbeat_freq = Some(std::time::Duration::from_millis(500));
    let client = referral_mongo::mongodb::Client::with_options(options).unwrap();
    let store = MongoStore::with_client(client, name).await.unwrap();
    store.get(&[]).await.unwrap();
    Some((store, scratch))
}

/// Commits one changeset while this many commands fail, and checks that it is applied exactly once.
async fn survives(commands: &[&str], how: Document, times: i32) {
    let _one = ONE_AT_A_TIME.lock().await;
    let Some((store, _scratch)) = store().await else { return };
    if !fail(&store, times, commands, how).await {
        return;
    }
    let answer = store.commit(&[changeset(1)]).await.remove(0);
    off(&store).await;
    assert_eq!(answer.unwrap(), Outcome::Applied);
    assert_eq!(counted(&store).await, 1);
    let again = store.commit(&[changeset(1)]).await.remove(0).unwrap();
    assert!(
        matches!(again, Outcome::Conflict { index: 0, conflict: Conflict::Stale { now: Some(_), .. } }),
        "{again:?}"
    );
    assert_eq!(counted(&store).await, 1);
}

#[tokio::test]
async fn a_connection_that_is_cut_before_the_commit_is_replaced() {
    survives(&["insert"], doc! { "closeConnection": true }, 1).await;
}

#[tokio::test]
async fn a_connection_that_is_cut_at_the_commit_is_replaced() {
    survives(&["commitTransaction"], doc! { "closeConnection": true }, 3).await;
}

#[tokio::test]
async fn a_primary_that_steps_down_before_the_commit_is_waited_for() {
    let labels = vec!["TransientTransactionError"];
    survives(&["insert"], doc! { "errorCode": 10107, "errorLabels": labels }, 1).await;
}

#[tokio::test]
async fn a_primary_that_steps_down_at_the_commit_is_asked_again() {
    survives(&["commitTransaction"], doc! { "errorCode": 10107 }, 1).await;
}

#[tokio::test]
async fn a_write_conflict_is_run_again() {
    let labels = vec!["TransientTransactionError"];
    survives(&["insert", "update"], doc! { "errorCode": 112, "errorLabels": labels }, 3).await;
}

#[tokio::test]
async fn a_commit_whose_answer_stays_unknown_says_so() {
    let _one = ONE_AT_A_TIME.lock().await;
    let Some((store, _scratch)) = store().await else { return };
    let labels = vec!["UnknownTransactionCommitResult"];
    if !fail(&store, 1_000, &["commitTransaction"], doc! { "errorCode": 91, "errorLabels": labels }).await {
        return;
    }
    let answer = store.commit(&[changeset(1)]).await.remove(0);
    off(&store).await;
    assert_eq!(answer.unwrap_err().kind(), StoreErrorKind::UnknownOutcome);
    // If the first commit was applied, the second one conflicts with the inserted alias. If not, it is applied now.
    // Both count once.
    let again = store.commit(&[changeset(1)]).await.remove(0).unwrap();
    assert!(matches!(again, Outcome::Applied | Outcome::Conflict { index: 0, .. }), "{again:?}");
    assert_eq!(counted(&store).await, 1);
}

/// The driver repeats a commit by itself when the answer is lost. A server that was restarted in between and has
/// forgotten the transaction answers the same as one that never committed it.
#[tokio::test]
async fn a_commit_of_a_transaction_that_the_server_does_not_know_is_of_unknown_outcome() {
    let _one = ONE_AT_A_TIME.lock().await;
    let Some((store, _scratch)) = store().await else { return };
    let labels = vec!["TransientTransactionError"];
    if !fail(&store, 1, &["commitTransaction"], doc! { "errorCode": 251, "errorLabels": labels }).await {
        return;
    }
    let answer = store.commit(&[changeset(1)]).await.remove(0);
    off(&store).await;
    assert_eq!(answer.unwrap_err().kind(), StoreErrorKind::UnknownOutcome);
    assert_eq!(store.commit(&[changeset(1)]).await.remove(0).unwrap(), Outcome::Applied);
    assert_eq!(counted(&store).await, 1);
}

#[tokio::test]
async fn a_server_that_refuses_everything_is_unavailable_and_then_well_again() {
    let _one = ONE_AT_A_TIME.lock().await;
    let Some((store, _scratch)) = store().await else { return };
    if !fail(&store, 1_000, &["find", "insert", "update"], doc! { "errorCode": 11600 }).await {
        return;
    }
    let store = Arc::new(store);
    let read = store.get(&[AliasId::from_uuid(Uuid::from_u128(1)).into()]).await;
    let write = store.commit(&[changeset(1)]).await.remove(0);
    off(&store).await;
    for error in [read.unwrap_err(), write.unwrap_err()] {
        assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{error}");
    }
    assert_eq!(store.commit(&[changeset(1)]).await.remove(0).unwrap(), Outcome::Applied);
    assert_eq!(counted(&store).await, 1);
}

async fn off(store: &MongoStore) {
    let command = doc! { "configureFailPoint": "failCommand", "mode": "off" };
    store.database().client().database("admin").run_command(command).await.unwrap();
}
