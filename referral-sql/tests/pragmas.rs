//! Tests how SQLite is opened, what is refused, and how failures are reported.
#![cfg(feature = "sqlite")]
#![allow(clippy::unwrap_used)] // to clippy, helpers are no tests

mod common;

use std::str::FromStr;

use common::{link, response, uuid};
use referral_core::ResponseId;
use referral_core::store::{Change, Changeset, Outcome, Read, Store, StoreErrorKind};
use referral_core::store::{Record, Version};
use referral_sql::SqliteStore;
use referral_sql::harness::{SqliteHarness, sqlite_file};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions, SqliteSynchronous};

async fn pragma(pool: &SqlitePool, name: &'static str) -> String {
    let sql = sqlx::AssertSqlSafe(format!("SELECT CAST({name} AS TEXT) FROM pragma_{name}"));
    sqlx::query_scalar(sql).fetch_one(pool).await.unwrap()
}

#[tokio::test]
async fn the_writer_is_one_connection_that_is_durable() {
    let (store, _folder) = SqliteHarness::new().scratch().await;
    let pool = store.pool();
    assert_eq!(pool.options().get_max_connections(), 1);
    assert_eq!(pragma(pool, "journal_mode").await, "wal");
    assert_eq!(pragma(pool, "synchronous").await, "2");
    assert_eq!(pragma(pool, "cache_size").await, "-65536");
    assert_eq!(pragma(pool, "journal_size_limit").await, "67108864");
    assert!(store.facts().durable && store.facts().shared);
    assert_eq!(store.facts().name, "sqlite");
}

#[tokio::test]
async fn memory_is_refused_because_each_connection_would_see_its_own() {
    for address in
        [":memory:", "sqlite::memory:", "sqlite://?mode=memory", "sqlite:file:x?mode=memory&cache=shared"]
    {
        let error = SqliteStore::open(address).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Invalid, "{address}: {error}");
    }
    let options = SqliteConnectOptions::from_str("sqlite::memory:").unwrap();
    let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await.unwrap();
    assert_eq!(SqliteStore::from_pool(pool).await.unwrap_err().kind(), StoreErrorKind::Invalid);
}

#[tokio::test]
async fn a_pool_of_the_hosts_is_taken_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let options = SqliteConnectOptions::new()
        .filename(folder.path().join("host.db"))
        .create_if_missing(true)
        .synchronous(SqliteSynchronous::Normal);
    let pool = SqlitePool::connect_with(options).await.unwrap();
    let store = SqliteStore::from_pool(pool).await.unwrap();
    store.migrate().await.unwrap();
    assert!(
        !store.facts().durable,
        "with synchronous=NORMAL a loss of power takes back what was acknowledged"
    );
    let insert = Changeset::new([Change::Insert(link(1).into())]);
    assert_eq!(store.commit(&[insert]).await.remove(0).unwrap(), Outcome::Applied);
    assert!(store.get(&[link(1).id.into()]).await.unwrap().iter().all(Option::is_some));
}

#[tokio::test]
async fn what_cannot_be_opened_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let missing = SqliteStore::open(folder.path().join("no/such/folder/x.db")).await.unwrap_err();
    assert_eq!(missing.kind(), StoreErrorKind::Unavailable, "{missing}");
    assert!(missing.to_string().ends_with("no/such/folder/x.db"), "{missing}");
    let source = std::error::Error::source(&missing).unwrap();
    assert!(source.to_string().contains("unable to open") && source.source().is_none(), "{source}");

    let mistaken = SqliteStore::open("postgres://ada:secret@localhost/referral").await.unwrap_err();
    assert!(!format!("{mistaken} {mistaken:?}").contains("secret"), "{mistaken:?}");

    let text = folder.path().join("text.db");
    std::fs::write(&text, "this is no database, and long enough to be looked at as one. ".repeat(200))
        .unwrap();
    let garbage = SqliteStore::open(&text).await.unwrap_err();
    assert_eq!(garbage.kind(), StoreErrorKind::Corrupt, "{garbage}");
    assert!(garbage.to_string().ends_with("text.db"), "{garbage}");

    let url = SqliteStore::open("sqlite:x.db?no_such_option=1").await.unwrap_err();
    assert_eq!(url.kind(), StoreErrorKind::Invalid, "{url}");

    let (store, _folder) = SqliteHarness::new().scratch().await;
    store.close().await;
    let closed = store.get(&[link(1).id.into()]).await.unwrap_err();
    assert_eq!(closed.kind(), StoreErrorKind::Unavailable, "{closed}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_on_one_file_wait_for_each_other() {
    let (store, scratch) = SqliteHarness::new().scratch().await;
    // A second handle has its own writer, as another process would.
    let other = SqliteStore::open(sqlite_file(&scratch)).await.unwrap();
    let write = async |store: SqliteStore, from: u64| {
        for number in from..from + 60 {
            let insert = Changeset::new([Change::Insert(response(number).into())]);
            assert_eq!(store.commit(&[insert]).await.remove(0).unwrap(), Outcome::Applied);
        }
    };
    let racing = tokio::spawn(write(other.clone(), 100));
    write(store.clone(), 0).await;
    racing.await.unwrap();
    let ids: Vec<_> = (0..160).map(|number| ResponseId::from_uuid(uuid(number)).into()).collect();
    assert_eq!(store.get(&ids).await.unwrap().iter().flatten().count(), 120);

    // The lock is held for longer than the store waits. Nothing is written, the store reports that, and it
    // recovers.
    let held = other.begin().await.unwrap();
    let insert = Changeset::new([Change::Insert(response(999).into())]);
    let waiting = {
        let (store, insert) = (store.clone(), insert.clone());
        tokio::spawn(async move { store.commit(&[insert]).await.remove(0) })
    };
    tokio::time::sleep(std::time::Duration::from_millis(2_600)).await;
    held.rollback().await.unwrap();
    assert_eq!(waiting.await.unwrap().unwrap(), Outcome::Applied, "it goes on when the lock is free");
}

#[tokio::test]
async fn a_row_that_this_library_did_not_write_is_an_error_and_not_a_record() {
    let (store, _folder) = SqliteHarness::new().scratch().await;
    let insert = Changeset::new([Change::Insert(link(1).into()), Change::Insert(link(2).into())]);
    store.commit(&[insert]).await.remove(0).unwrap();
    sqlx::query("UPDATE referral_link SET status = 'sleepy' WHERE label = 'label 1'")
        .execute(store.pool())
        .await
        .unwrap();
    let error = store.get(&[link(1).id.into()]).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Corrupt);
    assert!(std::error::Error::source(&error).unwrap().to_string().contains("status"), "{error:?}");
    assert_eq!(store.get(&[link(2).id.into()]).await.unwrap(), [Some(Record::from(link(2)))]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_who_goes_away_leaves_whole_changesets_and_a_working_store() {
    let (store, _folder) = SqliteHarness::new().scratch().await;
    for number in 0..200_u64 {
        let batch = [Changeset::new([
            Change::Insert(response(2 * number).into()),
            Change::Insert(response(2 * number + 1).into()),
        ])];
        let commit = store.commit(&batch);
        // The commit is dropped after a different time in each round, at whatever point it has reached.
        let _ = tokio::time::timeout(std::time::Duration::from_micros(number * 10), commit).await;
    }
    let ids: Vec<_> = (0..400).map(|number| ResponseId::from_uuid(uuid(number)).into()).collect();
    // This commit waits until all earlier ones are done.
    let last = Changeset::new([Change::Insert(link(1).into())]);
    assert_eq!(store.commit(&[last]).await.remove(0).unwrap(), Outcome::Applied);
    let found = store.get(&ids).await.unwrap();
    assert!(found.chunks(2).all(|pair| pair.iter().flatten().count() != 1), "a changeset was torn");
}

fn insert(record: impl Into<Record>) -> Changeset {
    Changeset::new([Change::Insert(record.into())])
}

#[tokio::test]
async fn a_full_disk_is_told_as_full_and_the_store_recovers() {
    let (store, _folder) = SqliteHarness::new().scratch().await;
    // The limit holds for this connection only. The store closes it after the failure and opens one without a
    // limit.
    let pages: i64 = sqlx::query_scalar("PRAGMA page_count").fetch_one(store.pool()).await.unwrap();
    let limit = sqlx::AssertSqlSafe(format!("PRAGMA max_page_count = {pages}"));
    sqlx::raw_sql(limit).execute(store.pool()).await.unwrap();
    let batch: Vec<_> = (0..256).map(|number| insert(response(number))).collect();
    for answer in store.commit(&batch).await {
        assert_eq!(answer.unwrap_err().kind(), StoreErrorKind::Full);
    }
    let ids: Vec<_> = (0..256).map(|number| response(number).id.into()).collect();
    assert_eq!(store.get(&ids).await.unwrap().iter().flatten().count(), 0, "nothing was written");
    for answer in store.commit(&batch).await {
        assert_eq!(answer.unwrap(), Outcome::Applied);
    }
}

#[tokio::test]
async fn what_the_database_refuses_fails_alone() {
    let (store, _folder) = SqliteHarness::new().scratch().await;
    sqlx::raw_sql(
        "CREATE TRIGGER no BEFORE INSERT ON referral_link WHEN NEW.label = 'label 2'
         BEGIN SELECT RAISE(ABORT, 'no'); END",
    )
    .execute(store.pool())
    .await
    .unwrap();
    let answers = store.commit(&[insert(link(1)), insert(link(2)), insert(link(3))]).await;
    let kinds: Vec<_> = answers.into_iter().map(|answer| answer.map_err(|error| error.kind())).collect();
    assert_eq!(kinds, [Ok(Outcome::Applied), Err(StoreErrorKind::Other), Ok(Outcome::Applied)]);
    let found = store.get(&[1, 2, 3].map(|number| link(number).id.into())).await.unwrap();
    assert_eq!(found.iter().map(Option::is_some).collect::<Vec<_>>(), [true, false, true]);
}

/// COMMIT itself fails here, and it is certain that nothing is stored.
#[tokio::test]
async fn what_a_constraint_of_the_hosts_refuses_at_the_end_fails_alone() {
    let (store, _folder) = SqliteHarness::new().scratch().await;
    store.commit(&[insert(link(1))]).await.remove(0).unwrap();
    sqlx::raw_sql(
        "CREATE TABLE host (link BLOB REFERENCES referral_link (id) DEFERRABLE INITIALLY DEFERRED) STRICT;
         INSERT INTO host SELECT id FROM referral_link",
    )
    .execute(store.pool())
    .await
    .unwrap();
    let delete = Changeset::new([Change::Delete { id: link(1).id.into(), was: Version::FIRST }]);
    let answers = store.commit(&[insert(link(2)), delete, insert(link(3))]).await;
    let kinds: Vec<_> = answers.into_iter().map(|answer| answer.map_err(|error| error.kind())).collect();
    assert_eq!(kinds, [Ok(Outcome::Applied), Err(StoreErrorKind::Other), Ok(Outcome::Applied)]);
    let found = store.get(&[1, 2, 3].map(|number| link(number).id.into())).await.unwrap();
    assert!(found.iter().all(Option::is_some), "{found:?}");
}

#[tokio::test]
async fn when_all_patience_is_gone_it_is_contended_and_nothing_is_written() {
    let (store, scratch) = SqliteHarness::new().scratch().await;
    let options =
        SqliteConnectOptions::new().filename(sqlite_file(&scratch)).busy_timeout(std::time::Duration::ZERO);
    let impatient = SqliteStore::from_pool(SqlitePool::connect_with(options).await.unwrap()).await.unwrap();
    let held = store.begin().await.unwrap();
    let error = impatient.commit(&[insert(link(1))]).await.remove(0).unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Contended, "{error:?}");
    assert!(error.is_retryable() && std::error::Error::source(&error).is_some());
    assert_eq!(impatient.begin().await.unwrap_err().kind(), StoreErrorKind::Contended);
    held.rollback().await.unwrap();
    assert_eq!(store.get(&[link(1).id.into()]).await.unwrap(), [None]);
    assert_eq!(impatient.commit(&[insert(link(1))]).await.remove(0).unwrap(), Outcome::Applied);
}
