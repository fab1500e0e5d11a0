//! Tests that the database has the collections and indexes that core describes, that pages read only their index,
//! and that documents look as documented.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // to clippy, helpers are no tests

use std::collections::BTreeMap;

use futures_util::TryStreamExt;
use referral_core::Code;
use referral_core::store::{
    Change, Changeset, CounterKey, Family, Index, Outcome, Part, Prefix, Range, Read, Seek, Store,
    StoreErrorKind,
};
use referral_core::store::{ColumnType, KeyPart, Kind, Record, Value, Version};
use referral_core::{Alias, AliasId, LinkId, Tenant, Timestamp};
use referral_mongo::MongoStore;
use referral_mongo::harness::MongoHarness;
use referral_mongo::mongodb::bson::spec::BinarySubtype;
use referral_mongo::mongodb::bson::{Binary, Bson, Document, doc};
use referral_mongo::schema::{COUNTER, COUNTER_ORDER, KEYS, SCHEMA, collection_name, index_name};
use uuid::Uuid;

fn alias(number: u128, code: &str) -> Alias {
    Alias {
        id: AliasId::from_uuid(Uuid::from_u128(number)),
        tenant: Tenant::new("shop".to_owned()).unwrap(),
        version: Version::FIRST,
        created_at: Timestamp::from_millis(1_000),
        code: Code::new(code.to_owned()).unwrap(),
        link: LinkId::from_uuid(Uuid::from_u128(7)),
        case_exact: false,
    }
}

async fn commit(store: &MongoStore, changes: impl IntoIterator<Item = Change>) -> Outcome {
    store.commit(&[Changeset::new(changes)]).await.remove(0).unwrap()
}

async fn all(store: &MongoStore, collection: &str) -> Vec<Document> {
    let collection = store.database().collection::<Document>(collection);
    collection.find(doc! {}).sort(doc! { "_id": 1 }).await.unwrap().try_collect().await.unwrap()
}

#[tokio::test]
async fn the_indexes_are_those_that_core_describes() {
    let Some((store, _scratch)) = MongoHarness::from_env().scratch().await else { return };
    let mut wanted: BTreeMap<String, BTreeMap<String, Vec<String>>> = BTreeMap::new();
    for kind in Kind::ALL {
        let indexes = Index::of(*kind).map(|index| {
            let shape = index.shape();
            let parts = shape.parts.iter().map(|part| part.column());
            let fields = ["tenant"].into_iter().chain(parts).chain([shape.order, "_id"]);
            (index_name(index), fields.map(str::to_owned).collect())
        });
        wanted.insert(collection_name(*kind), indexes.collect());
    }
    let order = ["tenant", "family", "part1", "part2", "bucket", "stripe"].map(str::to_owned).to_vec();
    wanted.insert(COUNTER.to_owned(), BTreeMap::from([(COUNTER_ORDER.to_owned(), order)]));
    wanted.insert(KEYS.to_owned(), BTreeMap::new());
    for (collection, wanted) in wanted {
        let collection = store.database().collection::<Document>(&collection);
        let found: Vec<_> = collection.list_indexes().await.unwrap().try_collect().await.unwrap();
        let found: BTreeMap<_, _> = found
            .into_iter()
            .map(|index| {
                (index.options.unwrap().name.unwrap(), index.keys.keys().cloned().collect::<Vec<_>>())
            })
            .filter(|(name, _)| name != "_id_")
            .collect();
        assert_eq!(found, wanted);
    }
}

/// The scans of a plan: the stage of each, and the index that it reads.
fn scans(plan: &Document, found: &mut Vec<(String, String)>) {
    if let Ok(stage) = plan.get_str("stage")
        && stage.ends_with("SCAN")
    {
        found.push((stage.to_owned(), plan.get_str("indexName").unwrap_or_default().to_owned()));
    }
    for (_, value) in plan {
        match value {
            Bson::Document(inner) => scans(inner, found),
            Bson::Array(inner) => {
                inner.iter().filter_map(Bson::as_document).for_each(|plan| scans(plan, found))
            }
            _ => {}
        }
    }
}

#[tokio::test]
async fn every_page_goes_through_its_index_in_both_directions() {
    let Some((store, _scratch)) = MongoHarness::from_env().scratch().await else { return };
    for index in Index::ALL {
        let shape = index.shape();
        let part = |part: &Part| match part {
            Part::Is(column) => {
                let at = shape.kind.position(column).unwrap();
                Some(match shape.kind.columns()[at].holds {
                    ColumnType::Uuid => Value::Uuid(Uuid::from_u128(7)),
                    ColumnType::Int => Value::Int(7),
                    ColumnType::Text(_) => Value::Text("any".into()),
                })
            }
            Part::Null(_) => None,
        };
        let parts = shape.parts.iter().filter_map(part).collect();
        let prefix = Prefix { tenant: Tenant::default(), parts };
        for ascending in [true, false] {
            let after = Some(Seek { at: 500, id: Uuid::from_u128(9) });
            let range = Range { from: Some(1), until: Some(1_000), after, ascending };
            let plans = store.explain_page(*index, &prefix, &range, 10).await.unwrap();
            assert_eq!(plans.len(), 2, "those at the same moment, and the rest");
            for plan in plans {
                let mut found = Vec::new();
                let winner = plan.get_document("queryPlanner").unwrap().get_document("winningPlan").unwrap();
                scans(winner, &mut found);
                assert_eq!(found, [("IXSCAN".to_owned(), index_name(*index))], "{index:?}: {plan}");
            }
        }
    }
}

#[tokio::test]
async fn documents_are_readable_and_ids_are_uuids() {
    let Some((store, _scratch)) = MongoHarness::from_env().scratch().await else { return };
    let tenant = Tenant::new("shop".to_owned()).unwrap();
    let parts = [KeyPart::new("a".to_owned()).unwrap(), KeyPart::NONE];
    let uses = CounterKey::new(tenant, Family::LinkUses, parts);
    let within = referral_core::store::Bounds::ANY;
    let outcome = commit(
        &store,
        [Change::Insert(alias(1, "Spring").into()), Change::Count { counter: uses, add: 3, within }],
    )
    .await;
    assert_eq!(outcome, Outcome::Applied);
    let id = |number| {
        let bytes = Uuid::from_u128(number).as_bytes().to_vec();
        Bson::Binary(Binary { subtype: BinarySubtype::Uuid, bytes })
    };
    let folded = Record::from(alias(1, "Spring")).values().last().cloned();
    let Some(Value::Text(folded)) = folded else {
        unreachable!("the last column of an alias is its folded code")
    };
    let wanted = doc! {
        "_id": id(1),
        "tenant": "shop",
        "version": 1_i64,
        "created_at": 1_000_i64,
        "code": "Spring",
        "link": id(7),
        "case_exact": 0_i64,
        "folded": folded.into_owned(),
    };
    assert_eq!(all(&store, "referral_alias").await, [wanted]);
    let generic =
        |bytes: &[u8]| Bson::Binary(Binary { subtype: BinarySubtype::Generic, bytes: bytes.to_vec() });
    let keys = all(&store, KEYS).await;
    assert_eq!(
        keys[0],
        doc! { "_id": generic(b"\x02shop\0Spring\0"), "unique": "alias_code", "holder": id(1) }
    );
    assert_eq!(keys.len(), 2);
    let wanted = doc! {
        "_id": generic(b"shop\0\x01a\0\0\x80\0\0\0\0\0\0\0\0"),
        "tenant": "shop",
        "family": 1,
        "part1": "a",
        "part2": "",
        "bucket": 0_i64,
        "stripe": 0,
        "value": 3_i64,
    };
    assert_eq!(all(&store, COUNTER).await, [wanted]);
    // The guard field is in the document, but not in its record.
    let id = Record::from(alias(1, "Spring")).id();
    commit(&store, [Change::Expect { id, was: Version::FIRST }]).await;
    assert_eq!(all(&store, "referral_alias").await[0].get_i64("_guard").unwrap(), 1);
    assert_eq!(store.get(&[id]).await.unwrap(), [Some(alias(1, "Spring").into())]);
}

#[tokio::test]
async fn a_database_without_indexes_says_what_to_do_and_migrating_is_safe() {
    let harness = MongoHarness::from_env();
    let Some(scratch) = harness.make().await else { return };
    let store = harness.at(&scratch).await.unwrap();
    let insert = [Changeset::new([Change::Insert(alias(1, "a1").into())])];
    let read = store.get(&[]).await.unwrap_err();
    let write = store.commit(&insert).await.remove(0).unwrap_err();
    for error in [read, write] {
        assert_eq!(error.kind(), StoreErrorKind::Corrupt);
        assert!(error.to_string().contains("migrate()"), "{error}");
    }
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
    assert_eq!(store.commit(&insert).await.remove(0).unwrap(), Outcome::Applied);

    let book = store.database().collection::<Document>(SCHEMA);
    book.update_one(doc! {}, doc! { "$set": { "format": 999 } }).await.unwrap();
    let older = harness.at(&scratch).await.unwrap();
    for error in [older.get(&[]).await.unwrap_err(), older.migrate().await.unwrap_err()] {
        assert_eq!(error.kind(), StoreErrorKind::Corrupt);
        assert!(error.to_string().contains("newer than this library"), "{error}");
    }
}

#[tokio::test]
async fn a_document_that_is_no_record_is_told_and_left_alone() {
    let Some((store, _scratch)) = MongoHarness::from_env().scratch().await else { return };
    commit(&store, [Change::Insert(alias(1, "a1").into())]).await;
    let aliases = store.database().collection::<Document>("referral_alias");
    aliases.update_one(doc! {}, doc! { "$set": { "created_at": "yesterday" } }).await.unwrap();
    let id = Record::from(alias(1, "a1")).id();
    assert_eq!(store.get(&[id]).await.unwrap_err().kind(), StoreErrorKind::Corrupt);
    let batch = [
        Changeset::new([Change::Update { record: alias(1, "a2").into(), was: Version::FIRST }]),
        Changeset::new([Change::Insert(alias(2, "b1").into())]),
    ];
    let answers = store.commit(&batch).await;
    assert_eq!(answers[0].as_ref().unwrap_err().kind(), StoreErrorKind::Corrupt);
    assert_eq!(*answers[1].as_ref().unwrap(), Outcome::Applied);
}
