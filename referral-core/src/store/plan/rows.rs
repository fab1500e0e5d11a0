//! A plan as rows of keys and values.

use crate::catalogue::{Kind, Record};
use crate::store::bytes;
use crate::store::plan::decide::Plan;
use crate::value::Value;

/// The four places in which a key-value store keeps things.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Table {
    /// Records by [`bytes::record`], in the form that the store gives them.
    Records,
    /// The holders of unique keys: [`bytes::unique`] to [`bytes::record`].
    Keys,
    /// The entries of indexes: [`bytes::entry`] to [`bytes::record`].
    Entries,
    /// Numbers by [`bytes::counter`], as big-endian bytes. A number that is 0 has no row.
    Numbers,
}

/// One row to write or to remove.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Row {
    /// The place in which it is kept.
    pub table: Table,
    /// Its key, at most [`bytes::MAX_KEY`] bytes.
    pub key: Vec<u8>,
    /// Its value; `None` if the row is to be removed.
    pub value: Option<Vec<u8>>,
}

impl Plan {
    /// The rows to write: the difference that the whole batch makes. No row is there twice, and a row that stays as it is
    /// is not there. `encode` gives the stored form of a record by its values, one for each of [`Kind::columns`].
    pub fn rows(&self, encode: impl Fn(Kind, &[Value]) -> Vec<u8>) -> Vec<Row> {
        let mut rows = Vec::new();
        for record in self.records.iter().filter(|record| record.is_change()) {
            let key = bytes::record(record.key);
            let (old, _) = described(record.before.as_ref());
            let (new, values) = described(record.after.as_ref());
            let entry = |key: &[u8], value| Row { table: Table::Entries, key: key.to_vec(), value };
            rows.extend(old.iter().filter(|entry| !new.contains(entry)).map(|at| entry(at, None)));
            rows.extend(
                new.iter().filter(|entry| !old.contains(entry)).map(|at| entry(at, Some(key.clone()))),
            );
            let value = record.after.as_ref().map(|_| encode(record.key.kind, &values));
            rows.push(Row { table: Table::Records, key, value });
        }
        let holders = self.holders.iter().filter(|holder| holder.is_change());
        rows.extend(holders.map(|holder| Row {
            table: Table::Keys,
            key: bytes::unique(&holder.key),
            value: holder.after.map(bytes::record),
        }));
        let numbers = self.numbers.iter().filter(|number| number.is_change());
        rows.extend(numbers.map(|number| Row {
            table: Table::Numbers,
            key: bytes::counter(&number.key),
            value: number.after.map(|value| value.to_be_bytes().to_vec()),
        }));
        rows
    }
}

/// The keys of a record's index entries, and its values.
fn described(record: Option<&Record>) -> (Vec<Vec<u8>>, Vec<Value>) {
    let Some(record) = record else { return Default::default() };
    let values = record.values();
    (bytes::entries(record, &values), values)
}
