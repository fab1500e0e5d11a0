//! Tables, and records as bytes.
//!
//! | Table | Key | Value |
//! | --- | --- | --- |
//! | `v1.records` | kind, uuid | the record, a JSON object by column |
//! | `v1.keys` | rule, tenant, parts | the key of the record that holds it |
//! | `v1.entries` | index, tenant, parts, order, uuid | the key of the record |
//! | `v1.numbers` | tenant, family, part, part, bucket | the number, big-endian; never 0 |
//!
//! Keys are those of [`referral_core::store::bytes`]. The names carry the version of the format.

use redb::{Database, ReadableTable, TableDefinition};
use referral_core::store::{ColumnType, Kind, Record, StoreError, Value, bytes};
use serde_json::{Map, Value as Json};
use uuid::Uuid;

use crate::error;

/// What redb calls a key or a value of bytes.
pub(crate) type Bytes = &'static [u8];

pub(crate) const RECORDS: TableDefinition<'_, Bytes, Bytes> = TableDefinition::new("v1.records");
pub(crate) const KEYS: TableDefinition<'_, Bytes, Bytes> = TableDefinition::new("v1.keys");
pub(crate) const ENTRIES: TableDefinition<'_, Bytes, Bytes> = TableDefinition::new("v1.entries");
pub(crate) const NUMBERS: TableDefinition<'_, Bytes, Bytes> = TableDefinition::new("v1.numbers");

/// Makes the tables where there are none: a read cannot.
pub(crate) fn prepare(db: &Database) -> Result<(), StoreError> {
    let failed = |e: redb::Error| error::from_redb("open", e);
    let transaction = db.begin_write().map_err(|e| failed(e.into()))?;
    for table in [RECORDS, KEYS, ENTRIES, NUMBERS] {
        transaction.open_table(table).map_err(|e| failed(e.into()))?;
    }
    transaction.commit().map_err(|e| failed(e.into()))
}

/// A record as it is stored: by name, so that a column which a later version adds is absent in what is stored now.
pub(crate) fn encode(kind: Kind, values: &[Value]) -> Vec<u8> {
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

/// The record under a key.
pub(crate) fn record(
    records: &impl ReadableTable<Bytes, Bytes>,
    key: &[u8],
) -> Result<Option<Record>, StoreError> {
    let value = records.get(key).map_err(|e| error::from_redb("read", e))?;
    value.map(|value| decode(key, value.value())).transpose()
}

/// The record of a key and a value.
fn decode(key: &[u8], value: &[u8]) -> Result<Record, StoreError> {
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
