//! The bytes in the folder are part of what is promised: a later version reads what an earlier one wrote.
#![allow(clippy::unwrap_used)] // to clippy, helpers are no tests

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use referral_core::Code;
use referral_core::link::NaturalKey;
use referral_core::store::{
    Bounds, Change, Changeset, CounterKey, Family, Outcome, Read, Store, StoreErrorKind,
};
use referral_core::store::{KeyPart, Kind, Record, RecordId, Version};
use referral_core::{
    Action, Alias, AliasId, Destination, Flags, Label, Limits, Link, LinkId, Metadata, Response, ResponseId,
    Status, Target, Tenant, Timestamp, UserId, Via, VisitorId,
};
use referral_sled::SledStore;
use uuid::Uuid;

const TREES: [&str; 4] = ["v1.records", "v1.unique", "v1.entries", "v1.numbers"];
/// What the first version wrote. Never blessed anew for a format that is called `v1`; a kind of record or a number that
/// is new is a file of its own.
const FIRST: &str = "tests/golden/v1-links.txt";

fn uuid(number: u64) -> Uuid {
    Uuid::from_u64_pair(0x0190_0000_0000_7000, 0x8000_0000_0000_0000 | number)
}

/// One of a kind, with every optional column.
fn record(kind: Kind) -> Record {
    let tenant = Tenant::new("shöp").unwrap();
    let owner = UserId::new("ada").unwrap();
    let (label, destination) = (Label::new("a label").unwrap(), Destination::new("/p/1").unwrap());
    let target = Target::new("product", "1").unwrap();
    let code = Code::new("OpenSesame").unwrap();
    let link = LinkId::from_uuid(uuid(1));
    match kind {
        Kind::Link => Link {
            id: link,
            tenant,
            version: Version::FIRST,
            created_at: Timestamp::from_millis(1_700_000_000_000),
            code,
            natural: Some(NaturalKey::of(Some(&owner), &label, &destination, Some(&target))),
            owner: Some(owner),
            label,
            destination,
            target: Some(target),
            status: Status::Active,
            expires_at: Some(Timestamp::from_millis(1_800_000_000_000)),
            limits: Limits { clicks: Some(7) },
            metadata: Metadata::new([("colour", "grün 🦀")]).unwrap(),
        }
        .into(),
        Kind::Alias => Alias {
            id: AliasId::from_uuid(uuid(2)),
            tenant,
            version: Version::FIRST,
            created_at: Timestamp::from_millis(1_700_000_000_001),
            code,
            link,
            case_exact: false,
        }
        .into(),
        // Made before 1970: the sign of a time is in the keys.
        Kind::Response => Response {
            id: ResponseId::from_uuid(uuid(3)),
            tenant,
            version: Version::FIRST,
            created_at: Timestamp::from_millis(-1),
            link,
            owner: Some(owner),
            visitor: Some(VisitorId::from_uuid(uuid(4))),
            user: None,
            claimed_at: None,
            via: Via::Click,
            action: Action::RESPONDED,
            target: Some(target),
            referrer: None,
            agent: None,
            landing: None,
            address: None,
            flags: Flags::NONE,
            counted: true,
        }
        .into(),
    }
}

fn number(family: Family) -> CounterKey {
    let parts = [KeyPart::new("part").unwrap(), KeyPart::NONE];
    CounterKey { tenant: Tenant::new("shöp").unwrap(), family, parts, bucket: -2 }
}

/// Everything that is stored of one of each kind and one of each number.
async fn write(folder: &Path) {
    let store = SledStore::open(folder).await.unwrap();
    let records = Kind::ALL.iter().map(|kind| Change::Insert(record(*kind)));
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

/// `tree key value`, a line for each entry.
fn dump(folder: &Path) -> String {
    let db = sled::open(folder).unwrap();
    let mut lines = String::new();
    for tree in TREES {
        for entry in &db.open_tree(tree).unwrap() {
            let (key, value) = entry.unwrap();
            writeln!(lines, "{tree}\t{}\t{}", printed(&key), printed(&value)).unwrap();
        }
    }
    let names: Vec<_> = db.tree_names().iter().map(|name| printed(name)).collect();
    assert_eq!(names.len(), TREES.len() + 1, "{names:?}: these trees and sled's own");
    lines
}

/// The bytes of a line of [`dump`].
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

fn golden() -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(FIRST)).unwrap()
}

#[tokio::test]
async fn what_is_written_is_these_bytes() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path()).await;
    let dump = dump(folder.path());
    if std::env::var_os("REFERRAL_BLESS").is_some() {
        std::fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join(FIRST), &dump).unwrap();
    }
    // Line by line, so that what differs is what is shown.
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(lines(&dump), lines(&golden()), "a folder of today (left) and of the first version");
}

/// A folder with what the golden file says, and nothing that this version wrote.
fn restored(folder: &Path) {
    let db = sled::open(folder).unwrap();
    let mut trees: BTreeMap<String, sled::Tree> = BTreeMap::new();
    for line in golden().lines() {
        let [tree, key, value] = line.split('\t').collect::<Vec<_>>().try_into().unwrap();
        let tree = trees.entry(tree.to_owned()).or_insert_with(|| db.open_tree(tree).unwrap());
        tree.insert(parsed(key), parsed(value)).unwrap();
    }
    db.flush().unwrap();
}

#[tokio::test]
async fn what_the_first_version_wrote_is_read() {
    let folder = tempfile::tempdir().unwrap();
    restored(folder.path());
    let store = SledStore::open(folder.path()).await.unwrap();
    let records: Vec<Record> = Kind::ALL.iter().map(|kind| record(*kind)).collect();
    let ids: Vec<RecordId> = records.iter().map(Record::id).collect();
    assert_eq!(store.get(&ids).await.unwrap(), records.into_iter().map(Some).collect::<Vec<_>>());
    // Its keys hold, and its numbers go on.
    let Record::Alias(alias) = record(Kind::Alias) else { unreachable!() };
    let again = Alias { id: AliasId::from_uuid(uuid(9)), code: Code::new("opensesame").unwrap(), ..alias };
    let answer = store.commit(&[Changeset::new([Change::Insert(again.into())])]).await.remove(0).unwrap();
    assert!(matches!(answer, Outcome::Conflict { index: 0, .. }), "{answer:?}");
}

#[tokio::test]
async fn a_column_of_a_later_version_is_refused_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    restored(folder.path());
    let id = record(Kind::Alias).id();
    let key = referral_core::store::bytes::record(id);
    {
        let records = sled::open(folder.path()).unwrap().open_tree(TREES[0]).unwrap();
        let mut value = records.get(&key).unwrap().unwrap().to_vec();
        value.pop();
        value.extend_from_slice(br#","later":1}"#);
        records.insert(&key, value).unwrap();
        records.flush().unwrap();
    }
    let store = SledStore::open(folder.path()).await.unwrap();
    assert_eq!(store.get(&[id]).await.unwrap_err().kind(), StoreErrorKind::Corrupt);
    let update = Change::Update { record: record(Kind::Alias), was: Version::FIRST };
    let answer = store.commit(&[Changeset::new([update])]).await.remove(0);
    assert_eq!(answer.unwrap_err().kind(), StoreErrorKind::Corrupt);
    drop(store);
    assert!(dump(folder.path()).contains("later"));
}
