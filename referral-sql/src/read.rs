//! The four reads, on a connection.

use std::collections::HashMap;
use std::pin::Pin;

use referral_core::store::{
    ColumnType, CounterKey, CounterPrefix, CounterRange, Index, KeyPart, Kind, Prefix, Range, Record,
    RecordId, UniqueKey, Value,
};
use uuid::Uuid;

use crate::backend::{Backend, Cells, Driver, Statement};
use crate::error::DbError;
use crate::statement::{self, chunks};

/// The future of a read on a connection.
pub(crate) type Reading<'c, T> = Pin<Box<dyn Future<Output = Result<T, DbError>> + Send + 'c>>;

/// Whether [`get`] needs several statements for these ids.
pub(crate) fn gets_several_times(ids: &[RecordId]) -> bool {
    ids.windows(2).any(|pair| matches!(pair, [one, next] if one.kind != next.kind))
}

/// Whether [`find`] needs several statements for these keys.
pub(crate) fn looks_up_several_times(keys: &[UniqueKey]) -> bool {
    let kinds = |pair: &[UniqueKey]| matches!(pair, [one, next] if one.unique.kind() != next.unique.kind());
    keys.windows(2).any(kinds) || chunks(keys).nth(1).is_some()
}

/// Records by their ids.
pub(crate) async fn get<B: Backend>(
    connection: &mut B::Connection,
    ids: &[RecordId],
) -> Result<Vec<Option<Record>>, DbError> {
    let mut found = HashMap::with_capacity(ids.len());
    for (kind, statement) in gets::<B>(ids) {
        for record in records::<B>(connection, kind, statement).await? {
            found.insert(record.id(), record);
        }
    }
    // Cloned, because the same id may be given twice.
    Ok(ids.iter().map(|id| found.get(id).cloned()).collect())
}

pub(crate) fn gets<B: Backend>(ids: &[RecordId]) -> Vec<(Kind, Statement)> {
    let mut kinds: HashMap<Kind, Vec<Uuid>> = HashMap::new();
    for id in ids {
        kinds.entry(id.kind).or_default().push(id.uuid);
    }
    kinds.into_iter().map(|(kind, uuids)| (kind, statement::get::<B>(kind, &uuids))).collect()
}

/// Records by their unique keys.
pub(crate) async fn find<B: Backend>(
    connection: &mut B::Connection,
    keys: &[UniqueKey],
) -> Result<Vec<Option<Record>>, DbError> {
    let mut found = HashMap::with_capacity(keys.len());
    for (kind, statement) in lookups::<B>(keys) {
        for record in records::<B>(connection, kind, statement).await? {
            for key in UniqueKey::all_of(&record) {
                found.insert(key, record.clone());
            }
        }
    }
    Ok(keys.iter().map(|key| found.get(key).cloned()).collect())
}

pub(crate) fn lookups<B: Backend>(keys: &[UniqueKey]) -> Vec<(Kind, Statement)> {
    let mut kinds: HashMap<Kind, Vec<&UniqueKey>> = HashMap::new();
    for key in keys {
        kinds.entry(key.unique.kind()).or_default().push(key);
    }
    let mut statements = Vec::new();
    for (kind, mut keys) in kinds {
        // Always in the same order, so that the same keys make the same prepared statement.
        keys.sort_by_key(|key| key.unique);
        statements.extend(chunks(&keys).map(|keys| (kind, statement::find::<B>(kind, keys))));
    }
    statements
}

/// One page of an index.
pub(crate) async fn page<B: Backend>(
    connection: &mut B::Connection,
    index: Index,
    prefix: &Prefix,
    range: &Range,
    limit: u32,
) -> Result<Vec<Record>, DbError> {
    let statement = statement::page::<B>(index, prefix, range, limit);
    records::<B>(connection, index.shape().kind, statement).await
}

/// The counters and tallies that are not 0.
pub(crate) async fn counters<B: Backend>(
    connection: &mut B::Connection,
    prefix: &CounterPrefix,
    range: &CounterRange,
) -> Result<Vec<(CounterKey, i64)>, DbError> {
    let Some(statement) = statement::counters::<B>(prefix, range) else { return Ok(Vec::new()) };
    let mut numbers = Vec::new();
    for row in connection.rows(statement).await? {
        let part = |at| -> Result<KeyPart, DbError> {
            let text = row.text(at)?.unwrap_or_default();
            KeyPart::new(text).map_err(|error| DbError::Statement(sqlx::Error::Decode(error.into())))
        };
        let key = CounterKey {
            tenant: prefix.tenant.clone(),
            family: prefix.family,
            parts: [part(0)?, part(1)?],
            bucket: row.int(2)?.unwrap_or_default(),
        };
        numbers.push((key, row.int(3)?.unwrap_or_default()));
    }
    Ok(numbers)
}

async fn records<B: Backend>(
    connection: &mut B::Connection,
    kind: Kind,
    statement: Statement,
) -> Result<Vec<Record>, DbError> {
    let rows = connection.rows(statement).await?;
    rows.iter().map(|row| record(kind, row)).collect()
}

fn record(kind: Kind, row: &impl Cells) -> Result<Record, DbError> {
    let columns = kind.columns();
    let mut values = Vec::with_capacity(columns.len());
    for (at, column) in columns.iter().enumerate() {
        let value = match column.holds {
            ColumnType::Uuid => row.uuid(at)?.map(Value::Uuid),
            ColumnType::Int => row.int(at)?.map(Value::Int),
            ColumnType::Text(_) => row.text(at)?.map(|text| Value::Text(text.into())),
        };
        values.push(value.unwrap_or(Value::Null));
    }
    Ok(Record::from_values(kind, values)?)
}
