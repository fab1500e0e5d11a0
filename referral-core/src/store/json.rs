//! Records as bytes, for engines that have no form of their own: a JSON object by column.
//!
//! It is readable, and open: a column that a later version adds is null in what is stored now.

use serde_json::{Map, Value as Json};
use uuid::Uuid;

use crate::catalogue::{Kind, Record};
use crate::store::bytes;
use crate::store::error::{StoreError, StoreErrorKind};
use crate::value::{ColumnType, Value};

/// The stored form of a record by its values, one for each of [`Kind::columns`]. The same values give the same bytes.
#[must_use]
pub fn encode(kind: Kind, values: &[Value]) -> Vec<u8> {
    let mut named: Vec<_> = kind.columns().iter().zip(values).collect();
    // The host's other dependencies decide whether a `Map` sorts its names or keeps their order.
    named.sort_unstable_by_key(|(column, _)| column.name);
    let json: Map<String, Json> = named
        .into_iter()
        .filter_map(|(column, value)| {
            let json = match value {
                Value::Null => return None,
                Value::Int(number) => Json::from(*number),
                Value::Uuid(uuid) => Json::from(uuid.to_string()),
                Value::Text(text) => Json::from(text.as_ref()),
            };
            Some((column.name.to_owned(), json))
        })
        .collect();
    Json::Object(json).to_string().into_bytes()
}

/// The record of a key of [`bytes::record`] and a value of [`encode`].
///
/// # Errors
/// `Corrupt`, in the name of this store, for what no version of this library wrote, and for a column that only a later
/// version knows: an update would lose it.
pub fn decode(backend: &'static str, key: &[u8], value: &[u8]) -> Result<Record, StoreError> {
    let corrupt = |message| StoreError::new(StoreErrorKind::Corrupt, backend, "read", message);
    let kind = bytes::read_record(key).ok_or_else(|| corrupt("a key of no record"))?.kind;
    let mut json: Map<String, Json> =
        serde_json::from_slice(value).map_err(|e| corrupt("a value of no record").with_source(e))?;
    let mut values = Vec::with_capacity(kind.columns().len());
    for column in kind.columns() {
        let value = match (column.holds, json.remove(column.name)) {
            (_, None) => Some(Value::Null),
            (ColumnType::Int, Some(Json::Number(number))) => number.as_i64().map(Value::Int),
            (ColumnType::Uuid, Some(Json::String(text))) => Uuid::parse_str(&text).ok().map(Value::Uuid),
            (ColumnType::Text(_), Some(Json::String(text))) => Some(Value::Text(text.into())),
            (_, Some(_)) => None,
        };
        values.push(value.ok_or_else(|| corrupt("a column of another type"))?);
    }
    if !json.is_empty() {
        return Err(corrupt("a record of a later version of this library: update the library"));
    }
    Record::from_values(kind, values).map_err(|e| corrupt("a value of no record").with_source(e))
}
