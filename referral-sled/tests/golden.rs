//! The bytes in the folder are part of what is promised: a later version reads what an earlier one wrote.
//!
//! The golden file has rows of every kind of record and every family of numbers, made from core's description of them.
//! A kind, an index or a column that is new changes nothing in it. `REFERRAL_BLESS=1` adds the rows that it lacks.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // to clippy, helpers are no tests

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use referral_core::Tenant;
use referral_core::store::{
    Bounds, Change, Changeset, Column, ColumnType, Conflict, CounterKey, CounterPrefix, CounterRange, Family,
    Index, KeyPart, Kind, Outcome, Part, Read, Record, RecordId, Store, StoreErrorKind, UniqueKey, Value,
    Version, bytes,
};
use referral_sled::SledStore;
use serde_json::{Map, Value as Json};
use uuid::Uuid;

const TREES: [&str; 4] = ["v1.records", "v1.unique", "v1.entries", "v1.numbers"];
const TENANT: &str = "shöp";

/// Rows by tree and key, both printable.
type Rows = BTreeMap<(String, String), String>;

/// Records of a kind: one with everything that may be absent, one without, and one for each index that wants a column
/// to be null.
fn samples(kind: Kind) -> Vec<Record> {
    let nulls = |column: &&Column| column.nullable;
    let absent = kind.columns().iter().filter(nulls).map(|column| column.name).collect();
    let of_index = |index: Index| {
        let parts = index.shape().parts.iter();
        let nulls: Vec<_> =
            parts.filter(|part| matches!(part, Part::Null(_))).map(|part| part.column()).collect();
        (!nulls.is_empty()).then_some((0x100 | u64::from(index.code()), nulls))
    };
    let wanted = [(1, Vec::new()), (2, absent)].into_iter().chain(Index::of(kind).filter_map(of_index));
    wanted.map(|(number, absent)| sample(kind, number, &absent)).collect()
}

/// A record of a kind, in which these columns are null.
fn sample(kind: Kind, number: u64, absent: &[&str]) -> Record {
    let id = uuid(u64::from(kind.code()) << 16 | number);
    let mut choices: Vec<Vec<Value>> = kind
        .columns()
        .iter()
        .map(|column| match (column.name, column.holds) {
            (name, _) if absent.contains(&name) => vec![Value::Null],
            ("id", _) => vec![Value::Uuid(id)],
            ("tenant", _) => texts(&[TENANT]),
            ("version", _) => vec![Value::Int(1)],
            // One of them before 1970: the sign of a time is in the keys.
            ("created_at", _) => vec![Value::Int(if number == 1 { 1_700_000_000_000 } else { -1 })],
            (_, ColumnType::Uuid) => vec![Value::Uuid(uuid(4))],
            (_, ColumnType::Int) => [if number == 2 { 0 } else { 7 }, 1, 0].map(Value::Int).to_vec(),
            (_, ColumnType::Text(_)) if !column.names.is_empty() => texts(&column.names[..1]),
            (name, ColumnType::Text(_)) => {
                let plain = format!("{}-{number}", name.to_uppercase());
                texts(&[&format!("{name} {number} grün 🦀"), &plain, r#"{"colour":"grün 🦀"}"#])
            }
        })
        .collect();
    loop {
        let values = choices.iter().map(|choices| choices[0].clone()).collect();
        match Record::from_values(kind, values) {
            Ok(record) => return record,
            Err(wrong) => {
                let choices = &mut choices[kind.position(wrong.column).unwrap()];
                choices.remove(0);
                assert!(!choices.is_empty(), "no text here fits: {wrong}");
            }
        }
    }
}

fn uuid(number: u64) -> Uuid {
    Uuid::from_u64_pair(0x0190_0000_0000_7000, 0x8000_0000_0000_0000 | number)
}

fn texts(texts: &[&str]) -> Vec<Value> {
    texts.iter().map(|text| Value::Text((*text).to_owned().into())).collect()
}

fn number(family: Family) -> CounterKey {
    let parts = [KeyPart::new("part").unwrap(), KeyPart::NONE];
    CounterKey { tenant: Tenant::new(TENANT).unwrap(), family, parts, bucket: -2 }
}

/// Everything that is stored of each kind and of one of each number.
async fn write(folder: &Path) {
    let store = SledStore::open(folder).await.unwrap();
    let records = Kind::ALL.iter().flat_map(|kind| samples(*kind)).map(Change::Insert);
    let numbers = Family::ALL.iter().map(|family| match family.is_counted() {
        true => Change::Count { counter: number(*family), add: -3, within: Bounds::ANY },
        false => Change::Tally { counter: number(*family), add: -3 },
    });
    let changes = Changeset::new(records.chain(numbers));
    assert_eq!(store.commit(&[changes]).await.remove(0).unwrap(), Outcome::Applied);
}

/// Printable bytes are themselves, the others `\xhh`.
fn printed(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string()
}

/// The bytes of what [`printed`] gave.
fn parsed(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let escaped = (byte == b'\\').then(|| rest.next().unwrap());
        bytes.push(match escaped {
            None => byte,
            Some(b'x') => {
                let digits = [rest.next().unwrap(), rest.next().unwrap()];
                u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap()
            }
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            Some(other) => other,
        });
    }
    bytes
}

fn dump(folder: &Path) -> Rows {
    let db = sled::open(folder).unwrap();
    let mut rows = Rows::new();
    for tree in TREES {
        for entry in &db.open_tree(tree).unwrap() {
            let (key, value) = entry.unwrap();
            rows.insert((tree.to_owned(), printed(&key)), printed(&value));
        }
    }
    let names: Vec<_> = db.tree_names().iter().map(|name| printed(name)).collect();
    assert_eq!(names.len(), TREES.len() + 1, "{names:?}: these trees and sled's own");
    rows
}

fn golden_file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/v1.txt")
}

/// What earlier versions wrote: `tree key value`, a line for each row.
fn golden() -> Rows {
    let text = std::fs::read_to_string(golden_file()).unwrap_or_default();
    let row = |line: &str| {
        let [tree, key, value] = line.split('\t').collect::<Vec<_>>().try_into().unwrap();
        ((String::from(tree), String::from(key)), String::from(value))
    };
    text.lines().map(row).collect()
}

/// The columns of a stored record.
fn columns(value: &str) -> Map<String, Json> {
    serde_json::from_slice(&parsed(value)).unwrap()
}

/// The records of the golden file, with their columns.
fn golden_records() -> Vec<(RecordId, Map<String, Json>)> {
    let records = golden().into_iter().filter(|((tree, _), _)| tree == TREES[0]);
    records.map(|((_, key), value)| (bytes::read_record(&parsed(&key)).unwrap(), columns(&value))).collect()
}

#[tokio::test]
async fn what_is_written_is_these_bytes() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path()).await;
    let (today, mut golden) = (dump(folder.path()), golden());
    if std::env::var_os("REFERRAL_BLESS").is_some() {
        for (row, value) in &today {
            golden.entry(row.clone()).or_insert_with(|| value.clone());
        }
        let mut text = String::new();
        for ((tree, key), value) in &golden {
            writeln!(text, "{tree}\t{key}\t{value}").unwrap();
        }
        std::fs::write(golden_file(), text).unwrap();
    }
    assert!(golden.len() > TREES.len(), "the golden file has rows");
    for (row, value) in golden {
        let now = today.get(&row).unwrap_or_else(|| panic!("{row:?} is not written any more"));
        if row.0 == TREES[0] && columns(now).len() > columns(&value).len() {
            // A column that came later stands beside the others.
            let (mut now, then) = (columns(now), columns(&value));
            now.retain(|name, _| then.contains_key(name));
            assert_eq!(now, then, "{row:?}");
        } else {
            assert_eq!(*now, value, "{row:?}");
        }
    }
}

/// A folder with what the golden file says, and nothing that this version wrote.
fn restored(folder: &Path) {
    let db = sled::open(folder).unwrap();
    for ((tree, key), value) in golden() {
        db.open_tree(tree).unwrap().insert(parsed(&key), parsed(&value)).unwrap();
    }
    db.flush().unwrap();
}

/// A value as JSON has it.
fn json(value: Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Int(number) => number.into(),
        Value::Uuid(uuid) => uuid.to_string().into(),
        Value::Text(text) => text.into_owned().into(),
    }
}

#[tokio::test]
async fn what_earlier_versions_wrote_is_read() {
    let folder = tempfile::tempdir().unwrap();
    restored(folder.path());
    let store = SledStore::open(folder.path()).await.unwrap();
    for (id, mut then) in golden_records() {
        let record = store.get(&[id]).await.unwrap().remove(0).unwrap();
        for (column, value) in id.kind.columns().iter().zip(record.values()) {
            assert_eq!(json(value), then.remove(column.name).unwrap_or_default(), "{id}: {}", column.name);
        }
        assert!(then.is_empty(), "{id}: {then:?}");
        // Its keys hold.
        let mut values = record.values();
        values[0] = Value::Uuid(uuid(u64::MAX >> 1));
        let again = Change::Insert(Record::from_values(id.kind, values).unwrap());
        if !UniqueKey::all_of(&record).is_empty() {
            let answer = store.commit(&[Changeset::new([again])]).await.remove(0).unwrap();
            assert!(
                matches!(&answer, Outcome::Conflict { conflict: Conflict::Taken { holder, .. }, .. } if *holder == id),
                "{answer:?}"
            );
        }
    }
    let mut numbers = 0;
    for family in Family::ALL {
        let prefix =
            CounterPrefix { tenant: Tenant::new(TENANT).unwrap(), family: *family, parts: Vec::new() };
        for (key, value) in store.counters(&prefix, &CounterRange::first(9)).await.unwrap() {
            assert_eq!((&key, value), (&number(*family), -3));
            numbers += 1;
        }
    }
    assert_eq!(numbers, golden().keys().filter(|(tree, _)| tree == TREES[3]).count());
}

#[tokio::test]
async fn a_column_of_a_later_version_is_refused_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    restored(folder.path());
    let (id, _) = golden_records().remove(0);
    let record = samples(id.kind).into_iter().find(|record| record.id() == id).unwrap();
    {
        let records = sled::open(folder.path()).unwrap().open_tree(TREES[0]).unwrap();
        let key = bytes::record(id);
        let mut value = records.get(&key).unwrap().unwrap().to_vec();
        value.pop();
        value.extend_from_slice(br#","later":1}"#);
        records.insert(&key, value).unwrap();
        records.flush().unwrap();
    }
    let store = SledStore::open(folder.path()).await.unwrap();
    assert_eq!(store.get(&[id]).await.unwrap_err().kind(), StoreErrorKind::Corrupt);
    let update = Change::Update { record, was: Version::FIRST };
    let answer = store.commit(&[Changeset::new([update])]).await.remove(0);
    assert_eq!(answer.unwrap_err().kind(), StoreErrorKind::Corrupt);
    drop(store);
    assert!(dump(folder.path()).values().any(|value| value.contains("later")));
}
