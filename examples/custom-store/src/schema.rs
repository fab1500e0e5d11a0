//! Tables, and what is in them.
//!
//! | Table | Key | Value |
//! | --- | --- | --- |
//! | `v1.records` | kind, uuid | the record, in the form of [`json`] |
//! | `v1.keys` | rule, tenant, parts | the key of the record that holds it |
//! | `v1.entries` | index, tenant, parts, order, uuid | the key of the record |
//! | `v1.numbers` | tenant, family, part, part, bucket | the number, big-endian; never 0 |
//!
//! Keys are those of [`referral_core::store::bytes`]. The names carry the version of the format.

use redb::{Database, ReadableTable, TableDefinition};
use referral_core::store::{Record, StoreError, json};

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

/// The record under a key.
pub(crate) fn record(
    records: &impl ReadableTable<Bytes, Bytes>,
    key: &[u8],
) -> Result<Option<Record>, StoreError> {
    let value = records.get(key).map_err(|e| error::from_redb("read", e))?;
    value.map(|value| json::decode(error::NAME, key, value.value())).transpose()
}

/// A number as it is stored.
pub(crate) fn read_number(value: &[u8]) -> Result<i64, StoreError> {
    let value = value.try_into().map_err(|_| error::corrupt("a number of another size"))?;
    Ok(i64::from_be_bytes(value))
}
