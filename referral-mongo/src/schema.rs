//! Names of collections and indexes, and how records and numbers look as documents.
//!
//! | Collection | `_id` | Fields |
//! | --- | --- | --- |
//! | `referral_link` and so on, one for each kind | the record's id | the kind's columns; what is null is absent |
//! | `referral_keys` | the bytes of the unique key | `unique`: the rule's name; `holder`: the record's id |
//! | `referral_counter` | the bytes of the number's key, and the stripe | the parts of the key, `stripe`, `value` |
//! | `referral_schema` | `referral` | which of the above [`migrate`](crate::MongoStore::migrate) made |
//!
//! Ids are stored as UUIDs, integers with 64 bits, and texts as strings. The field `_guard` counts how often a
//! transaction wrote a document only to keep others from changing it. It has no other meaning.

use std::cmp::Ordering;

use mongodb::IndexModel;
use mongodb::bson::spec::BinarySubtype;
use mongodb::bson::{Binary, Bson, Document, doc};
use mongodb::options::IndexOptions;
use referral_core::Tenant;
use referral_core::store::{
    Column, CounterKey, Family, Index, KeyPart, Kind, Record, StoreError, Unique, UniqueKey, Value, bytes,
};
use uuid::Uuid;

use crate::error::corrupt;

/// The collection that says which record holds which unique key. Its `_id` makes keys unique, also where collections
/// are sharded.
pub const KEYS: &str = "referral_keys";
/// The collection of all counters and tallies.
pub const COUNTER: &str = "referral_counter";
/// The collection in which [`migrate`](crate::MongoStore::migrate) notes what it made.
pub const SCHEMA: &str = "referral_schema";
/// The name of the index in whose order numbers are read.
pub const COUNTER_ORDER: &str = "referral_counter_order";

/// Into how many documents a tally is divided, so that several processes seldom write the same one.
pub(crate) const STRIPES: u8 = 8;
/// The field that a transaction writes to guard a document without changing its record.
pub(crate) const GUARD: &str = "_guard";

/// The name of a kind's collection.
#[must_use]
pub fn collection_name(kind: Kind) -> String {
    format!("referral_{}", kind.name())
}

/// The name of an index in the database.
#[must_use]
pub fn index_name(index: Index) -> String {
    format!("referral_{}", index.shape().name)
}

/// The name of a column in documents. It is core's name, except that `id` is `_id`.
pub(crate) const fn field(column: &'static str) -> &'static str {
    match column.as_bytes() {
        b"id" => "_id",
        _ => column,
    }
}

/// The fields of an index, in order: the tenant, its parts, the ordering column, the id.
pub(crate) fn fields(index: Index) -> impl Iterator<Item = &'static str> {
    let shape = index.shape();
    let parts = shape.parts.iter().map(|part| field(part.column()));
    ["tenant"].into_iter().chain(parts).chain([field(shape.order), "_id"])
}

/// An order of fields as the database expects it, all ascending or all descending.
pub(crate) fn pattern<'a>(fields: impl IntoIterator<Item = &'a str>, ascending: bool) -> Document {
    let direction = if ascending { 1 } else { -1 };
    fields.into_iter().map(|field| (field.to_owned(), Bson::Int32(direction))).collect()
}

/// The fields of [`COUNTER_ORDER`].
pub(crate) const COUNTER_FIELDS: [&str; 6] = ["tenant", "family", "part1", "part2", "bucket", "stripe"];

/// Every collection and the indexes it has besides `_id`.
pub(crate) fn layout() -> Vec<(String, Vec<IndexModel>)> {
    let model = |name: String, keys: Document| {
        IndexModel::builder().keys(keys).options(IndexOptions::builder().name(name).build()).build()
    };
    let of_kind = |kind: &Kind| {
        let indexes = Index::of(*kind).map(|index| model(index_name(index), pattern(fields(index), true)));
        (collection_name(*kind), indexes.collect())
    };
    let order = model(COUNTER_ORDER.to_owned(), pattern(COUNTER_FIELDS, true));
    let others = [(KEYS.to_owned(), Vec::new()), (COUNTER.to_owned(), vec![order])];
    Kind::ALL.iter().map(of_kind).chain(others).collect()
}

/// An id as the database keeps it: sixteen bytes that sort as they are.
pub(crate) fn id(uuid: Uuid) -> Bson {
    binary(BinarySubtype::Uuid, uuid.as_bytes().to_vec())
}

fn binary(subtype: BinarySubtype, bytes: Vec<u8>) -> Bson {
    Bson::Binary(Binary { subtype, bytes })
}

/// The bytes of an `_id`. They are empty if it is not binary.
pub(crate) fn id_bytes(id: Option<&Bson>) -> Vec<u8> {
    match id {
        Some(Bson::Binary(binary)) => binary.bytes.clone(),
        _ => Vec::new(),
    }
}

/// A value as the database keeps it.
pub(crate) fn bson(value: Value) -> Bson {
    match value {
        Value::Null => Bson::Null,
        Value::Int(number) => Bson::Int64(number),
        Value::Uuid(uuid) => id(uuid),
        Value::Text(text) => Bson::String(text.into_owned()),
    }
}

/// A record as a document.
pub(crate) fn document(record: &Record) -> Document {
    let mut document = Document::new();
    for (column, value) in record.id().kind.columns().iter().zip(record.values()) {
        match value {
            Value::Null => {}
            value => drop(document.insert(field(column.name), bson(value))),
        }
    }
    document
}

/// The update that turns one version of a record into another.
pub(crate) fn difference(old: &Record, new: &Record) -> Document {
    let (mut set, mut unset) = (Document::new(), Document::new());
    let columns = old.id().kind.columns().iter();
    for (column, (old, new)) in columns.zip(old.values().into_iter().zip(new.values())) {
        match (old.cmp(&new), new) {
            (Ordering::Equal, _) => {}
            (_, Value::Null) => drop(unset.insert(field(column.name), "")),
            (_, new) => drop(set.insert(field(column.name), bson(new))),
        }
    }
    let mut difference = Document::new();
    for (operator, fields) in [("$set", set), ("$unset", unset)] {
        if !fields.is_empty() {
            difference.insert(operator, fields);
        }
    }
    difference
}

/// The record of a document.
pub(crate) fn record(kind: Kind, document: &Document) -> Result<Record, StoreError> {
    let value = |column: &Column| match document.get(field(column.name)) {
        None | Some(Bson::Null) => Ok(Value::Null),
        Some(Bson::Int64(number)) => Ok(Value::Int(*number)),
        // The shell writes these when a person types a number.
        Some(Bson::Int32(number)) => Ok(Value::Int(i64::from(*number))),
        Some(Bson::String(text)) => Ok(Value::Text(text.clone().into())),
        Some(other) => uuid(other).map(Value::Uuid),
    };
    let values: Result<Vec<_>, _> = kind.columns().iter().map(value).collect();
    Record::from_values(kind, values?).map_err(|e| corrupt("a document is no record").with_source(e))
}

/// The id in a field.
pub(crate) fn uuid(value: &Bson) -> Result<Uuid, StoreError> {
    match value {
        Bson::Binary(binary) => Uuid::from_slice(&binary.bytes).ok(),
        _ => None,
    }
    .ok_or_else(|| corrupt("a field holds what it cannot"))
}

/// The `_id` of a unique key.
pub(crate) fn key_id(key: &UniqueKey) -> Bson {
    binary(BinarySubtype::Generic, bytes::unique(key))
}

/// A unique key and its holder as a document.
pub(crate) fn key_document(key_id: Bson, unique: Unique, holder: Uuid) -> Document {
    doc! { "_id": key_id, "unique": unique.name(), "holder": id(holder) }
}

/// The stripe that a writer adds to. A counter has only one document.
pub(crate) const fn stripe(family: Family, writer: u8) -> u8 {
    if family.is_counted() { 0 } else { writer }
}

/// The `_id` of a number, or of a stripe of it.
pub(crate) fn counter_id(key: &CounterKey, stripe: u8) -> Bson {
    let mut bytes = bytes::counter(key);
    bytes.push(stripe);
    binary(BinarySubtype::Generic, bytes)
}

/// The fields of a number's document besides `_id` and `value`.
pub(crate) fn counter_fields(key: &CounterKey, stripe: u8) -> Document {
    let [part1, part2] = &key.parts;
    doc! {
        "tenant": key.tenant.as_str(),
        "family": i32::from(key.family.code()),
        "part1": part1.as_str(),
        "part2": part2.as_str(),
        "bucket": key.bucket,
        "stripe": i32::from(stripe),
    }
}

/// The number, or the stripe of one, in a document.
pub(crate) fn counter(document: &Document) -> Result<(CounterKey, i64), StoreError> {
    let text = |field| document.get_str(field).ok().map(str::to_owned);
    let part = |field| KeyPart::new(text(field)?).ok();
    let read = || {
        let family = u8::try_from(document.get_i32("family").ok()?).ok()?;
        let key = CounterKey {
            tenant: Tenant::new(text("tenant")?).ok()?,
            family: Family::from_code(family)?,
            parts: [part("part1")?, part("part2")?],
            bucket: document.get_i64("bucket").ok()?,
        };
        Some((key, document.get_i64("value").ok()?))
    };
    read().ok_or_else(|| corrupt("a document is no number"))
}
