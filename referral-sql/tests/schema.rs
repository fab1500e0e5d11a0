//! The migrated schema is what core describes, and migrating is safe to repeat, to race and to interrupt.
#![cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // to clippy, helpers are no tests

mod common;

use std::collections::BTreeMap;

use common::link;
use referral_core::LinkId;
use referral_core::store::{Change, Changeset, Index, Outcome, Read, Store, StoreErrorKind, Unique};
use referral_core::store::{ColumnType, Kind};
use referral_sql::SqlStore;
use referral_sql::backend::Backend;
#[cfg(feature = "mysql")]
use referral_sql::harness::MySqlHarness;
#[cfg(feature = "postgres")]
use referral_sql::harness::PostgresHarness;
#[cfg(feature = "sqlite")]
use referral_sql::harness::{SqliteHarness, sqlite_file};
use referral_sql::harness::{index_name, table_name, unique_name};
use sqlx::Row;

/// A table as the database describes it: name, type and nullability of each column in order; for each index except
/// the primary key, its name, whether it is unique, and its columns; and the columns of the primary key.
#[derive(PartialEq, Debug)]
struct Table {
    columns: Vec<(String, String, bool)>,
    indexes: BTreeMap<String, (bool, Vec<String>)>,
    primary: Vec<String>,
}

/// The table of a kind, as core describes it.
fn described(kind: Kind, of: impl Fn(ColumnType) -> String) -> Table {
    let mut indexes = BTreeMap::new();
    for unique in Unique::of(kind) {
        let columns = ["tenant"].iter().chain(unique.columns()).map(|column| (*column).to_owned());
        indexes.insert(unique_name(unique), (true, columns.collect()));
    }
    for index in Index::of(kind) {
        let shape = index.shape();
        let parts = shape.parts.iter().map(|part| part.column());
        let columns = ["tenant"].into_iter().chain(parts).chain([shape.order, "id"]);
        indexes.insert(index_name(index), (false, columns.map(str::to_owned).collect()));
    }
    let columns = kind.columns().iter().map(|c| (c.name.to_owned(), of(c.holds), c.nullable)).collect();
    Table { columns, indexes, primary: vec!["id".to_owned()] }
}

fn numbers(of: impl Fn(ColumnType) -> String) -> Table {
    let (int, part) = (ColumnType::Int, ColumnType::Text(255));
    let columns = [
        ("tenant", ColumnType::Text(64)),
        ("family", int),
        ("part1", part),
        ("part2", part),
        ("bucket", int),
        ("value", int),
    ];
    let columns = columns.map(|(name, holds)| (name.to_owned(), of(holds), false)).to_vec();
    let primary = ["tenant", "family", "part1", "part2", "bucket"].map(str::to_owned).to_vec();
    Table { columns, indexes: BTreeMap::new(), primary }
}

/// One row for each column of each index: index, whether unique, column; in order.
fn table(columns: Vec<(String, String, bool)>, parts: Vec<(String, bool, bool, String)>) -> Table {
    let mut table = Table { columns, indexes: BTreeMap::new(), primary: Vec::new() };
    for (index, unique, primary, column) in parts {
        if primary {
            table.primary.push(column);
        } else {
            table.indexes.entry(index).or_insert((unique, Vec::new())).1.push(column);
        }
    }
    table
}

#[cfg(feature = "sqlite")]
#[tokio::test]
async fn sqlite_has_the_tables_that_core_describes() {
    let (store, _folder) = SqliteHarness::new().scratch().await;
    let of = |holds| match holds {
        ColumnType::Uuid => "BLOB".to_owned(),
        ColumnType::Int => "INTEGER".to_owned(),
        ColumnType::Text(_) => "TEXT".to_owned(),
    };
    let read = async |name: &str| {
        let columns = sqlx::query("SELECT name, type, \"notnull\" FROM pragma_table_info(?) ORDER BY cid")
            .bind(name)
            .fetch_all(store.pool())
            .await
            .unwrap();
        let columns = columns.iter().map(|row| (row.get(0), row.get(1), row.get::<i64, _>(2) == 0)).collect();
        let parts = sqlx::query(
            "SELECT list.name, list.\"unique\", list.origin = 'pk', info.name
             FROM pragma_index_list(?) AS list, pragma_index_info(list.name) AS info
             ORDER BY list.name, info.seqno",
        )
        .bind(name)
        .fetch_all(store.pool())
        .await
        .unwrap();
        let flag = |row: &sqlx::sqlite::SqliteRow, at: usize| row.get::<i64, _>(at) == 1;
        table(columns, parts.iter().map(|row| (row.get(0), flag(row, 1), flag(row, 2), row.get(3))).collect())
    };
    for kind in Kind::ALL {
        assert_eq!(read(&table_name(*kind)).await, described(*kind, of));
    }
    assert_eq!(read("referral_counter").await, numbers(of));
    let strict: Vec<i64> =
        sqlx::query_scalar("SELECT strict FROM pragma_table_list WHERE name LIKE 'referral_%'")
            .fetch_all(store.pool())
            .await
            .unwrap();
    assert_eq!(strict, vec![1; Kind::ALL.len() + 1]);
}

#[cfg(feature = "postgres")]
#[tokio::test]
async fn postgres_has_the_tables_that_core_describes() {
    let harness = PostgresHarness::from_env();
    let Some(scratch) = harness.make().await else { return };
    let store = harness.at(&scratch).await.unwrap();
    let of = |holds| match holds {
        ColumnType::Uuid => "uuid".to_owned(),
        ColumnType::Int => "bigint".to_owned(),
        ColumnType::Text(_) => "text C".to_owned(),
    };
    migrating_is_safe(&store).await;
    let read = async |name: &str| {
        let columns = sqlx::query(
            "SELECT column_name::text, concat_ws(' ', data_type, collation_name), is_nullable = 'YES'
                 FROM information_schema.columns WHERE table_schema = $1 AND table_name = $2
                 ORDER BY ordinal_position",
        )
        .bind(scratch.name())
        .bind(name)
        .fetch_all(store.pool())
        .await
        .unwrap();
        let columns = columns.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect();
        let parts = sqlx::query(
            "SELECT c.relname::text, i.indisunique, i.indisprimary, a.attname::text
                 FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
                 JOIN pg_attribute a ON a.attrelid = i.indexrelid
                 WHERE i.indrelid = format('%I.%I', $1::text, $2::text)::regclass
                 ORDER BY c.relname, a.attnum",
        )
        .bind(scratch.name())
        .bind(name)
        .fetch_all(store.pool())
        .await
        .unwrap();
        let parts = parts.iter().map(|row| (row.get(0), row.get(1), row.get(2), row.get(3)));
        table(columns, parts.collect())
    };
    for kind in Kind::ALL {
        assert_eq!(read(&table_name(*kind)).await, described(*kind, of));
    }
    assert_eq!(read("referral_counter").await, numbers(of));
    store.close().await;
}

#[cfg(feature = "mysql")]
#[tokio::test]
async fn mysql_has_the_tables_that_core_describes() {
    let harness = MySqlHarness::from_env();
    let Some(scratch) = harness.make().await else { return };
    let store = harness.at(&scratch).await.unwrap();
    let of = |holds| match holds {
        ColumnType::Uuid => "binary(16)".to_owned(),
        ColumnType::Int => "bigint".to_owned(),
        ColumnType::Text(most) => format!("varbinary({most})"),
    };
    migrating_is_safe(&store).await;
    let read = async |name: &str| {
        // MariaDB shows a display width for integers, which has no effect.
        let columns = sqlx::query(
            "SELECT CAST(column_name AS CHAR),
                        CAST(IF(data_type = 'bigint', data_type, column_type) AS CHAR),
                        CAST(is_nullable = 'YES' AS SIGNED)
                 FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = ?
                 ORDER BY ordinal_position",
        )
        .bind(name)
        .fetch_all(store.pool())
        .await
        .unwrap();
        let flag = |row: &sqlx::mysql::MySqlRow, at: usize| row.get::<i64, _>(at) == 1;
        let columns = columns.iter().map(|row| (row.get(0), row.get(1), flag(row, 2))).collect();
        let parts = sqlx::query(
            "SELECT CAST(index_name AS CHAR), CAST(non_unique = 0 AS SIGNED),
                        CAST(index_name = 'PRIMARY' AS SIGNED), CAST(column_name AS CHAR)
                 FROM information_schema.statistics WHERE table_schema = DATABASE() AND table_name = ?
                 ORDER BY index_name, seq_in_index",
        )
        .bind(name)
        .fetch_all(store.pool())
        .await
        .unwrap();
        let parts = parts.iter().map(|row| (row.get(0), flag(row, 1), flag(row, 2), row.get(3)));
        table(columns, parts.collect())
    };
    for kind in Kind::ALL {
        assert_eq!(read(&table_name(*kind)).await, described(*kind, of));
    }
    assert_eq!(read("referral_counter").await, numbers(of));
    // This is the state after a crash between two statements.
    let pool = store.pool();
    sqlx::raw_sql("DROP TABLE referral_response; UPDATE _referral_migrations SET success = FALSE")
        .execute(pool)
        .await
        .unwrap();
    let reopened = SqlStore::from_pool(pool.clone()).await.unwrap();
    assert_eq!(missing(&reopened).await, StoreErrorKind::Corrupt);
    reopened.migrate().await.unwrap();
    assert_eq!(read("referral_response").await, described(Kind::Response, of));
    store.close().await;
}

/// The kind of error that reads and writes get.
async fn missing<B: Backend>(store: &SqlStore<B>) -> StoreErrorKind {
    let read = store.get(&[LinkId::from_uuid(common::uuid(1)).into()]).await.unwrap_err();
    let insert = Changeset::new([Change::Insert(link(1).into())]);
    let write = store.commit(&[insert]).await.remove(0).unwrap_err();
    assert!(read.to_string().contains("migrate()"), "{read}");
    assert!(write.to_string().contains("migrate()"), "{write}");
    assert_eq!(read.kind(), write.kind());
    read.kind()
}

/// Uses the store before it is migrated, migrates it from several handles at once, and again. Then the store works.
async fn migrating_is_safe<B: Backend>(store: &SqlStore<B>) {
    assert_eq!(missing(store).await, StoreErrorKind::Corrupt);
    let racers: Vec<_> = (0..4)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.migrate().await })
        })
        .collect();
    for racer in racers {
        racer.await.unwrap().unwrap();
    }
    store.migrate().await.unwrap();
    let insert = Changeset::new([Change::Insert(link(1).into())]);
    assert_eq!(store.commit(&[insert]).await.remove(0).unwrap(), Outcome::Applied);
    let found = store.get(&[link(1).id.into()]).await.unwrap();
    assert_eq!(found, [Some(link(1).into())]);
}

#[cfg(feature = "sqlite")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_migrates_once_also_when_processes_race() {
    use referral_sql::SqliteStore;

    let scratch = SqliteHarness::new().make().await;
    let file = sqlite_file(&scratch);
    let store = SqliteStore::open(&file).await.unwrap();
    // Each handle has its own connections, as another process would.
    let racers: Vec<_> = (0..4)
        .map(|_| {
            let file = file.clone();
            tokio::spawn(async move { SqliteStore::open(file).await.unwrap().migrate().await })
        })
        .collect();
    for racer in racers {
        racer.await.unwrap().unwrap();
    }
    store.migrate().await.unwrap();
    let insert = Changeset::new([Change::Insert(link(1).into())]);
    assert_eq!(store.commit(&[insert]).await.remove(0).unwrap(), Outcome::Applied);
}

#[cfg(feature = "sqlite")]
#[tokio::test]
async fn a_database_without_tables_says_what_to_do() {
    let harness = SqliteHarness::new();
    let scratch = harness.make().await;
    let store = harness.at(&scratch).await.unwrap();
    migrating_is_safe(&store).await;
}

#[cfg(feature = "sqlite")]
#[tokio::test]
async fn a_database_of_a_newer_library_is_refused() {
    let (store, scratch) = SqliteHarness::new().scratch().await;
    sqlx::query(
        "INSERT INTO _referral_migrations (version, description, success, checksum, execution_time)
         VALUES (999, 'later', TRUE, x'00', 0)",
    )
    .execute(store.pool())
    .await
    .unwrap();
    let older = referral_sql::SqliteStore::open(sqlite_file(&scratch)).await.unwrap();
    let read = older.get(&[link(1).id.into()]).await.unwrap_err();
    let write =
        older.commit(&[Changeset::new([Change::Insert(link(1).into())])]).await.remove(0).unwrap_err();
    let migrate = older.migrate().await.unwrap_err();
    for error in [read, write, migrate] {
        assert_eq!(error.kind(), StoreErrorKind::Corrupt);
        assert!(error.to_string().contains("newer than this library"), "{error}");
    }
}
