//! A store inside the host's own transaction.
#![cfg(feature = "sqlite")]
#![allow(clippy::unwrap_used)] // to clippy, helpers are no tests

mod common;

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use common::{alias, counter, link, response, uuid};
use referral_core::Tenant;
use referral_core::store::{
    Bounds, Change, Changeset, Conflict, CounterPrefix, CounterRange, Family, Index, Outcome, Prefix, Range,
    Read, Store, StoreErrorKind,
};
use referral_core::store::{Kind, Record, Value, Version};
use referral_sql::SqliteStore;
use referral_sql::harness::{SqliteHarness, sqlite_file};
use sqlx::{Sqlite, Transaction};

async fn host_table(store: &SqliteStore) {
    sqlx::raw_sql("CREATE TABLE users (name TEXT PRIMARY KEY) STRICT").execute(store.pool()).await.unwrap();
}

async fn sign_up(transaction: &mut Transaction<'static, Sqlite>, name: &str) {
    sqlx::query("INSERT INTO users (name) VALUES (?)").bind(name).execute(&mut **transaction).await.unwrap();
}

async fn users(store: &SqliteStore) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM users").fetch_one(store.pool()).await.unwrap()
}

/// A changeset with one change of every kind.
fn every_change() -> Vec<Changeset> {
    vec![
        Changeset::new([Change::Insert(link(1).into()), Change::Insert(alias(1, "abc").into())]),
        Changeset::new([
            Change::Insert(response(1).into()),
            Change::Tally { counter: counter(Family::Responses, "l", 0), add: 2 },
        ]),
        Changeset::new([
            Change::Insert(response(2).into()),
            Change::Count { counter: counter(Family::LinkUses, "l", 0), add: 1, within: Bounds::new(0, 1) },
        ]),
        Changeset::new([
            Change::Patch {
                kind: Kind::Response,
                of: [1, 2].map(|number| (uuid(number), Version::FIRST)).to_vec(),
                set: vec![("user", Value::Text("bob".into())), ("claimed_at", Value::Int(5))],
            },
            Change::Expect { id: link(1).id.into(), was: Version::FIRST },
        ]),
        Changeset::new([Change::Update { record: link(1).into(), was: Version::FIRST }]),
        Changeset::new([Change::Delete { id: alias(1, "abc").id.into(), was: Version::FIRST }]),
    ]
}

#[tokio::test]
async fn every_change_is_seen_inside_at_once_and_outside_after_the_hosts_commit() {
    let (store, _folder) = SqliteHarness::new().scratch().await;
    host_table(&store).await;
    let mut transaction = store.begin().await.unwrap();
    sign_up(&mut transaction, "bob").await;
    let joined: Arc<dyn Store> = {
        let joined = store.join(transaction);
        for changeset in every_change() {
            assert_eq!(joined.commit(&[changeset]).await.remove(0).unwrap(), Outcome::Applied);
        }
        Arc::new(joined)
    };
    let see = async |store: &dyn Store| {
        let prefix = Prefix::new(&Tenant::default()).text("bob");
        let claimed = store.page(Index::ResponsesOfUser, &prefix, &Range::newest(), 10).await.unwrap();
        let prefix =
            CounterPrefix { tenant: Tenant::default(), family: Family::Responses, parts: Vec::new() };
        let tallied = store.counters(&prefix, &CounterRange::first(10)).await.unwrap();
        let link = store.get(&[link(1).id.into()]).await.unwrap().remove(0).map(|link| link.version().get());
        (claimed.len(), tallied.iter().map(|(_, value)| *value).sum::<i64>(), link)
    };
    assert_eq!(see(&*joined).await, (2, 2, Some(2)));
    assert_eq!(see(&store).await, (0, 0, None), "nothing shows before the host commits");
    drop(joined);
}

#[tokio::test]
async fn it_commits_and_rolls_back_with_the_host() {
    let (store, _folder) = SqliteHarness::new().scratch().await;
    host_table(&store).await;
    for commits in [false, true] {
        let mut transaction = store.begin().await.unwrap();
        sign_up(&mut transaction, "bob").await;
        let joined = store.join(transaction);
        for outcome in joined.commit(&every_change()).await {
            assert_eq!(outcome.unwrap(), Outcome::Applied);
        }
        let mut transaction = joined.release().await.unwrap();
        sign_up(&mut transaction, "eve").await;
        if commits {
            transaction.commit().await.unwrap();
        } else {
            transaction.rollback().await.unwrap();
        }
        let there = store.get(&[link(1).id.into()]).await.unwrap().remove(0).is_some();
        assert_eq!((there, users(&store).await), if commits { (true, 2) } else { (false, 0) });
    }
}

#[tokio::test]
async fn a_conflict_undoes_its_changeset_and_nothing_of_the_hosts() {
    let (store, _folder) = SqliteHarness::new().scratch().await;
    host_table(&store).await;
    let taken = Changeset::new([Change::Insert(alias(9, "abc").into())]);
    store.commit(&[taken]).await.remove(0).unwrap();
    let mut transaction = store.begin().await.unwrap();
    sign_up(&mut transaction, "bob").await;
    let joined = store.join(transaction);
    let batch = [
        Changeset::new([Change::Insert(link(1).into())]),
        Changeset::new([Change::Insert(link(2).into()), Change::Insert(alias(1, "ABC").into())]),
        Changeset::new([Change::Insert(link(3).into())]),
    ];
    let answers = joined.commit(&batch).await;
    let outcomes: Vec<_> = answers.into_iter().map(Result::unwrap).collect();
    let [Outcome::Applied, Outcome::Conflict { index: 1, conflict }, Outcome::Applied] = outcomes.as_slice()
    else {
        unreachable!("{outcomes:?}")
    };
    assert!(
        matches!(conflict, Conflict::Taken { holder, .. } if *holder == alias(9, "abc").id.into()),
        "{conflict:?}"
    );
    joined.release().await.unwrap().commit().await.unwrap();
    let ids = [1, 2, 3].map(|number| link(number).id.into());
    let found = store.get(&ids).await.unwrap();
    assert_eq!(found, [Some(Record::from(link(1))), None, Some(Record::from(link(3)))]);
    assert_eq!(users(&store).await, 1);
}

#[tokio::test]
async fn after_release_clones_answer_that_it_is_gone() {
    let (store, _folder) = SqliteHarness::new().scratch().await;
    let joined = store.join(store.begin().await.unwrap());
    let clone = joined.clone();
    let transaction = joined.release().await.unwrap();
    assert_eq!(clone.get(&[link(1).id.into()]).await.unwrap_err().kind(), StoreErrorKind::Invalid);
    let answer = clone.commit(&[Changeset::new([Change::Insert(link(1).into())])]).await.remove(0);
    assert_eq!(answer.unwrap_err().kind(), StoreErrorKind::Invalid);
    assert_eq!(clone.release().await.unwrap_err().kind(), StoreErrorKind::Invalid);
    transaction.rollback().await.unwrap();
}

/// A host that began without `IMMEDIATE` and has read cannot write after another transaction has written.
#[tokio::test]
async fn after_contended_it_answers_nothing_else_and_the_host_loses_nothing_but_the_transaction() {
    let (store, scratch) = SqliteHarness::new().scratch().await;
    host_table(&store).await;
    let other = SqliteStore::open(sqlite_file(&scratch)).await.unwrap();
    let mut transaction = other.pool().begin().await.unwrap();
    sqlx::query("SELECT count(*) FROM users").execute(&mut *transaction).await.unwrap();
    store.commit(&[Changeset::new([Change::Insert(link(7).into())])]).await.remove(0).unwrap();

    let joined = other.join(transaction);
    let insert = Changeset::new([Change::Insert(link(1).into())]);
    for _ in 0..2 {
        let error = joined.commit(std::slice::from_ref(&insert)).await.remove(0).unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Contended, "{error:?}");
    }
    assert_eq!(joined.get(&[link(7).id.into()]).await.unwrap_err().kind(), StoreErrorKind::Contended);
    assert_eq!(joined.clone().release().await.unwrap_err().kind(), StoreErrorKind::Contended);
    assert_eq!(joined.release().await.unwrap_err().kind(), StoreErrorKind::Contended);
    assert_eq!(other.commit(&[insert]).await.remove(0).unwrap(), Outcome::Applied, "the connection is well");
}

#[tokio::test]
async fn a_row_that_is_none_of_ours_fails_its_read_and_a_failed_statement_everything() {
    let (store, _folder) = SqliteHarness::new().scratch().await;
    let inserts = [1, 2].map(|number| Changeset::new([Change::Insert(link(number).into())]));
    store.commit(&inserts).await.into_iter().for_each(|answer| drop(answer.unwrap()));
    let mut transaction = store.begin().await.unwrap();
    sqlx::raw_sql("UPDATE referral_link SET status = 'sleepy' WHERE label = 'label 1'")
        .execute(&mut *transaction)
        .await
        .unwrap();
    let joined = store.join(transaction);
    assert_eq!(joined.get(&[link(1).id.into()]).await.unwrap_err().kind(), StoreErrorKind::Corrupt);
    assert_eq!(joined.get(&[link(2).id.into()]).await.unwrap(), [Some(link(2).into())]);
    let mut transaction = joined.release().await.unwrap();

    sqlx::raw_sql("DROP TABLE referral_alias").execute(&mut *transaction).await.unwrap();
    let joined = store.join(transaction);
    let failure = joined.get(&[alias(1, "abc").id.into()]).await.unwrap_err();
    assert_eq!(failure.kind(), StoreErrorKind::Corrupt, "{failure:?}");
    let later = joined.get(&[link(2).id.into()]).await.unwrap_err();
    assert_eq!(later.to_string(), failure.to_string());
    assert_eq!(joined.release().await.unwrap_err().to_string(), failure.to_string());
    assert_eq!(store.get(&[link(1).id.into()]).await.unwrap(), [Some(link(1).into())], "it rolled back");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_who_goes_away_leaves_whole_changesets_in_the_hosts_transaction() {
    let (store, _folder) = SqliteHarness::new().scratch().await;
    host_table(&store).await;
    let mut transaction = store.begin().await.unwrap();
    sign_up(&mut transaction, "bob").await;
    let joined = store.join(transaction);
    for number in 0..150_u64 {
        let batch = [Changeset::new([
            Change::Insert(response(2 * number).into()),
            Change::Insert(response(2 * number + 1).into()),
        ])];
        let _ = tokio::time::timeout(Duration::from_micros(number * 4), joined.commit(&batch)).await;
        let ids = [response(0).id.into()];
        let _ = tokio::time::timeout(Duration::from_micros(number), joined.get(&ids)).await;
    }
    joined.release().await.unwrap().commit().await.unwrap();
    let ids: Vec<_> = (0..300).map(|number| response(number).id.into()).collect();
    let found = store.get(&ids).await.unwrap();
    assert!(found.chunks(2).all(|pair| pair.iter().flatten().count() != 1), "a changeset was torn");
    assert_eq!(users(&store).await, 1);
}

/// The runtime ends after a call has begun and before its task had a turn. Nothing was written, so nothing is unknown.
#[test]
fn a_read_whose_task_is_lost_is_unavailable() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let ids = [link(1).id.into(), alias(1, "abc").id.into()];
    for is_joined in [false, true] {
        let first = runtime();
        let (store, _folder) = first.block_on(SqliteHarness::new().scratch());
        let reader: Arc<dyn Store> = if is_joined {
            Arc::new(store.join(first.block_on(store.begin()).unwrap()))
        } else {
            Arc::new(store)
        };
        let mut read = pin!(reader.get(&ids));
        first.block_on(poll_fn(|context| {
            assert!(read.as_mut().poll(context).is_pending(), "it reads in a task");
            Poll::Ready(())
        }));
        drop(first);
        let lost = runtime().block_on(read).unwrap_err();
        assert_eq!(lost.kind(), StoreErrorKind::Unavailable, "joined: {is_joined}");
    }
}
