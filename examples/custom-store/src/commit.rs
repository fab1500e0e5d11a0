//! The one write: a batch is one write transaction of redb.

use redb::{Database, Durability, ReadableTable, Table, WriteTransaction};
use referral_core::store::plan::{self, Answer, Look, Row};
use referral_core::store::{Changeset, CounterKey, Record, RecordId, StoreError, UniqueKey, bytes, json};

use crate::error;
use crate::schema::{self, Bytes};
use crate::store::OpenFile;

/// Applies a batch. Blocks: redb has one writer at a time, and syncs the file.
pub(crate) fn commit(file: &OpenFile, batch: &[Changeset]) -> Vec<Answer> {
    plan::answer(batch, |batch| file.with("commit", |db| transact(db, batch)))
}

fn transact(db: &Database, batch: &[Changeset]) -> Result<Vec<Answer>, StoreError> {
    let mut transaction = db.begin_write().map_err(|e| error::from_redb("commit", e))?;
    transaction.set_durability(Durability::Immediate).map_err(|e| error::from_redb("commit", e))?;
    let mut tables = Tables::open(&transaction)?;
    let plan = plan::decide(batch, &tables);
    for row in plan.rows(json::encode) {
        tables.write(row)?;
    }
    drop(tables);
    // Without anything to keep, dropping the transaction saves a sync. What a conflict names is on the disk: it was
    // committed before this transaction could begin.
    if plan.applies() {
        transaction.commit().map_err(error::unknown)?;
    }
    Ok(plan.answers)
}

/// The tables of a write transaction. Nobody else writes while it is open.
struct Tables<'t> {
    records: Table<'t, Bytes, Bytes>,
    keys: Table<'t, Bytes, Bytes>,
    entries: Table<'t, Bytes, Bytes>,
    numbers: Table<'t, Bytes, Bytes>,
}

impl<'t> Tables<'t> {
    fn open(transaction: &'t WriteTransaction) -> Result<Self, StoreError> {
        let open = |table| transaction.open_table(table).map_err(|e| error::from_redb("commit", e));
        Ok(Self {
            records: open(schema::RECORDS)?,
            keys: open(schema::KEYS)?,
            entries: open(schema::ENTRIES)?,
            numbers: open(schema::NUMBERS)?,
        })
    }

    fn write(&mut self, row: Row) -> Result<(), StoreError> {
        let table = match row.table {
            plan::Table::Records => &mut self.records,
            plan::Table::Keys => &mut self.keys,
            plan::Table::Entries => &mut self.entries,
            plan::Table::Numbers => &mut self.numbers,
        };
        let written = match row.value {
            Some(value) => table.insert(row.key.as_slice(), value.as_slice()),
            None => table.remove(row.key.as_slice()),
        };
        written.map(drop).map_err(|e| error::from_redb("commit", e))
    }
}

impl Look for Tables<'_> {
    fn record(&self, id: RecordId) -> Result<Option<Record>, StoreError> {
        schema::record(&self.records, &bytes::record(id))
    }

    fn holder(&self, key: &UniqueKey) -> Result<Option<RecordId>, StoreError> {
        let holder = self.keys.get(bytes::unique(key).as_slice());
        let holder = holder.map_err(|e| error::from_redb("commit", e))?;
        let read =
            |id: &[u8]| bytes::read_record(id).ok_or_else(|| error::corrupt("a unique key of no record"));
        holder.map(|id| read(id.value())).transpose()
    }

    fn number(&self, key: &CounterKey) -> Result<Option<i64>, StoreError> {
        let number = self.numbers.get(bytes::counter(key).as_slice());
        let number = number.map_err(|e| error::from_redb("commit", e))?;
        number.map(|number| schema::read_number(number.value())).transpose()
    }
}
