//! Counting and tallying inside a transaction.

use std::collections::{BTreeMap, BTreeSet};

use referral_core::store::Kind;
use referral_core::store::{Bounds, Change, Changeset, Conflict, CounterKey};
use uuid::Uuid;

use crate::backend::{Backend, Cells, Driver};
use crate::error::Fault;
use crate::statement::{self, Statement, chunk};

/// Takes hold of what a batch writes in orders of its own, in one order for all: two batches that wait for each other
/// are shot, and PostgreSQL notices them after a second only.
pub(crate) async fn hold<B: Backend>(
    connection: &mut B::Connection,
    batch: &[Changeset],
) -> Result<(), Fault> {
    if !B::WRITERS {
        return Ok(());
    }
    hold_records::<B>(connection, batch).await?;
    hold_counters::<B>(connection, batch).await
}

/// The records that a batch expects or changes, where it expects any: of two batches each expects what the other one
/// changes. Edits alone are rare, and mostly of one record.
async fn hold_records<B: Backend>(connection: &mut B::Connection, batch: &[Changeset]) -> Result<(), Fault> {
    let mut kinds: BTreeMap<Kind, BTreeSet<Uuid>> = BTreeMap::new();
    let mut expects = false;
    for change in batch.iter().flat_map(|changeset| &changeset.changes) {
        expects |= matches!(change, Change::Expect { .. });
        let id = match change {
            Change::Update { record, .. } => record.id(),
            Change::Delete { id, .. } | Change::Expect { id, .. } => *id,
            Change::Insert(_) | Change::Claim { .. } | Change::Count { .. } | Change::Tally { .. } => {
                continue;
            }
        };
        kinds.entry(id.kind).or_default().insert(id.uuid);
    }
    if !expects || kinds.values().map(BTreeSet::len).sum::<usize>() < 2 {
        return Ok(());
    }
    for (kind, ids) in kinds {
        connection.rows(statement::hold_records::<B>(kind, ids.into_iter())).await?;
    }
    Ok(())
}

/// All counters that a batch counts, in the order of their keys.
async fn hold_counters<B: Backend>(connection: &mut B::Connection, batch: &[Changeset]) -> Result<(), Fault> {
    let changes = batch.iter().flat_map(|changeset| &changeset.changes);
    let counted = changes.filter_map(|change| match change {
        Change::Count { counter, .. } => Some(counter),
        _ => None,
    });
    let keys: BTreeSet<_> = counted.collect();
    // One alone has no order to keep.
    if keys.len() < 2 {
        return Ok(());
    }
    let keys: Vec<_> = keys.into_iter().collect();
    let mut keys = keys.as_slice();
    while let Some((now, later)) = keys.split_at_checked(chunk(keys.len()))
        && !now.is_empty()
    {
        connection.run(statement::hold_counters::<B>(now)).await?;
        keys = later;
    }
    Ok(())
}

/// Adds to a counter, or says why not.
pub(crate) async fn count<B: Backend>(
    connection: &mut B::Connection,
    counter: &CounterKey,
    add: i64,
    within: Bounds,
) -> Result<Option<Conflict>, Fault> {
    // Which values may be there before, so that the database never computes a sum that is out of bounds: SQLite
    // would turn it into a float, and the others fail.
    let before = |end: i64| i128::from(end) - i128::from(add);
    let least = before(within.min).max(i128::from(i64::MIN));
    let most = before(within.max).min(i128::from(i64::MAX));
    if let (Ok(least), Ok(most)) = (i64::try_from(least), i64::try_from(most))
        && least <= most
    {
        let changed = if !B::ON_CONFLICT {
            // Made first, because two who update what is not there and then insert it deadlock.
            connection.run(statement::hold_counters::<B>(&[counter])).await?;
            connection.run(statement::count_existing::<B>(counter, add, least, most)).await?
        } else if least <= 0 && 0 <= most {
            connection.run(statement::count::<B>(counter, add, least, most)).await?
        } else {
            connection.run(statement::count_existing::<B>(counter, add, least, most)).await?
        };
        if changed == 1 {
            return Ok(None);
        }
    }
    let value = int::<B>(connection, statement::counter::<B>(counter)).await?.unwrap_or(0);
    if value.checked_add(add).is_some_and(|sum| within.contains(sum)) {
        return Err(Fault::Moved);
    }
    Ok(Some(Conflict::OutOfBounds { counter: counter.clone(), value }))
}

/// The first number of the first row.
pub(crate) async fn int<B: Backend>(
    connection: &mut B::Connection,
    statement: Statement,
) -> Result<Option<i64>, Fault> {
    let rows = connection.rows(statement).await?;
    Ok(rows.first().map(|row| row.int(0)).transpose()?.flatten())
}

/// What a batch tallies. Nothing reads a tally inside a transaction, so they are merged and written at the end, in
/// the order of their keys, in which no two writers deadlock.
#[derive(Default)]
pub(crate) struct Tallies(BTreeMap<CounterKey, Vec<i64>>);

impl Tallies {
    pub(crate) fn add(&mut self, batch: &[Changeset]) {
        for change in batch.iter().flat_map(|changeset| &changeset.changes) {
            let Change::Tally { counter, add } = change else { continue };
            let steps = self.0.entry(counter.clone()).or_default();
            match steps.last_mut() {
                // Only equal signs merge: at the ends of the range, up and down is not what down and up is.
                Some(last) if (*last < 0) == (*add < 0) => *last = last.saturating_add(*add),
                _ => steps.push(*add),
            }
        }
    }

    pub(crate) async fn write<B: Backend>(self, connection: &mut B::Connection) -> Result<(), Fault> {
        let most = self.0.values().map(Vec::len).max().unwrap_or(0);
        for step in 0..most {
            let rows: Vec<_> =
                self.0.iter().filter_map(|(key, steps)| Some((key, *steps.get(step)?))).collect();
            let mut rows = rows.as_slice();
            while let Some((now, later)) = rows.split_at_checked(chunk(rows.len()))
                && !now.is_empty()
            {
                connection.run(statement::tally::<B>(now.iter().copied())).await?;
                rows = later;
            }
        }
        Ok(())
    }
}
