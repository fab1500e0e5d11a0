//! Tables, and records as bytes.
//!
//! | Table | Key | Value |
//! | --- | --- | --- |
//! | `v1.records` | kind, uuid | the record, a JSON object by column |
//! | `v1.unique` | rule, tenant, parts | the key of the record that holds it |
//! | `v1.entries` | index, tenant, parts, order, uuid | the key of the record |
//! | `v1.numbers` | tenant, family, part, part, bucket | the number, big-endian; never 0 |
//!
//! Keys are those of [`referral_core::store::bytes`]. The names carry the version of the format.

use redb::{Database, TableDefinition};
use referral_core::store::{ColumnType, Kind, Record, Value};
use referral_core::store::{Index, StoreError, Unique, UniqueKey, bytes};
use serde_json::{Map, Value as Json};
use uuid::Uuid;

use crate::error;

/// What redb calls a key or a value of bytes.
pub(crate) type Bytes = &'static [u8];

pub(crate) const RECORDS: TableDefinition<'_, Bytes, Bytes> = TableDefinition::new("v1.records");
pub(crate) const UNIQUE: TableDefinition<'_, Bytes, Bytes> = TableDefinition::new("v1.unique");
pub(crate) const ENTRIES: TableDefinition<'_, Bytes, Bytes> = TableDefinition::new("v1.entries");
pub(crate) const NUMBERS: TableDefinition<'_, Bytes, Bytes> = TableDefinition::new("v1.numbers");

/// Makes the tables where there are none: a read cannot.
pub(crate) fn prepare(db: &Database) -> Result<(), StoreError> {
    let failed = |e: redb::Error| error::from_redb("open", e);
    let transaction = db.begin_write().map_err(|e| failed(e.into()))?;
    for table in [RECORDS, UNIQUE, ENTRIES, NUMBERS] {
        transaction.open_table(table).map_err(|e| failed(e.into()))?;
    }
    transaction.commit().map_err(|e| failed(e.into()))
}

/// One of the four tables.
#[derive(Clone, Copy)]
pub(crate) enum In {
    Records,
    Unique,
    Entries,
    Numbers,
}

/// One key and its value.
pub(crate) struct Row {
    pub(crate) table: In,
    pub(crate) key: Vec<u8>,
    pub(crate) value: Vec<u8>,
}

/// Every row that a record has: itself, its unique keys and its index entries. Core says which they are, so another
/// kind of record changes nothing here.
pub(crate) fn rows(record: &Record) -> Vec<Row> {
    let (id, values) = (record.id(), record.values());
    let key = bytes::record(id);
    let row = |table, at| Row { table, key: at, value: key.clone() };
    let unique = Unique::of(id.kind)
        .filter_map(|unique| UniqueKey::held(unique, record.tenant(), &values))
        .map(|unique| row(In::Unique, bytes::unique(&unique)));
    let entries = Index::of(id.kind)
        .filter_map(|index| Some((index, index.entry(record, &values)?)))
        .map(|(index, entry)| row(In::Entries, bytes::entry(index, &entry)));
    let mut rows = vec![Row { table: In::Records, key: key.clone(), value: encode(id.kind, &values) }];
    rows.extend(unique.chain(entries));
    rows
}

/// By name, so that a column which a later version adds is absent in what is stored now.
fn encode(kind: Kind, values: &[Value]) -> Vec<u8> {
    let named = kind.columns().iter().zip(values).filter_map(|(column, value)| {
        let json = match value {
            Value::Null => return None,
            Value::Int(number) => Json::from(*number),
            Value::Uuid(uuid) => Json::from(uuid.to_string()),
            Value::Text(text) => Json::from(text.as_ref()),
        };
        Some((column.name.to_owned(), json))
    });
    Json::Object(named.collect()).to_string().into_bytes()
}

/// The record of a key and a value.
pub(crate) fn decode(key: &[u8], value: &[u8]) -> Result<Record, StoreError> {
    let kind = bytes::read_record(key).ok_or_else(|| error::corrupt("a key of no record"))?.kind;
    let mut json: Map<String, Json> =
        serde_json::from_slice(value).map_err(|e| error::corrupt("a value of no record").with_source(e))?;
    let mut values = Vec::with_capacity(kind.columns().len());
    for column in kind.columns() {
        let value = match (column.holds, json.remove(column.name)) {
            (_, None) => Some(Value::Null),
            (ColumnType::Int, Some(Json::Number(number))) => number.as_i64().map(Value::Int),
            (ColumnType::Uuid, Some(Json::String(text))) => Uuid::parse_str(&text).ok().map(Value::Uuid),
            (ColumnType::Text(_), Some(Json::String(text))) => Some(Value::Text(text.into())),
            (_, Some(_)) => None,
        };
        values.push(value.ok_or_else(|| error::corrupt("a column of another type"))?);
    }
    // Were it left out, the next update would lose it.
    if !json.is_empty() {
        return Err(error::corrupt("a column that only a newer version knows"));
    }
    Record::from_values(kind, values).map_err(|e| error::corrupt("a value of no record").with_source(e))
}

/// A number as it is stored.
pub(crate) fn read_number(value: &[u8]) -> Result<i64, StoreError> {
    let value = value.try_into().map_err(|_| error::corrupt("a number of another size"))?;
    Ok(i64::from_be_bytes(value))
}
