//! Counting and tallying inside a transaction.

use std::collections::BTreeMap;

use referral_core::store::{Bounds, Change, Changeset, Conflict, CounterKey};

use crate::backend::{Backend, Cells, Driver, Statement};
use crate::error::DbError;
use crate::statement::{self, chunks};

/// Adds to a counter, or says with which conflict it cannot.
pub(crate) async fn count<B: Backend>(
    connection: &mut B::Connection,
    counter: &CounterKey,
    add: i64,
    within: Bounds,
) -> Result<Option<Conflict>, DbError> {
    // The values from which `add` leads into the bounds. With bounds 0 to 10 and `add` 3 they are -3 to 7. So the
    // database never computes a sum that overflows: SQLite would make it a float, and the others would fail.
    let before = |end: i64| i128::from(end) - i128::from(add);
    let least = before(within.min).max(i128::from(i64::MIN));
    let most = before(within.max).min(i128::from(i64::MAX));
    if let (Ok(least), Ok(most)) = (i64::try_from(least), i64::try_from(most))
        && least <= most
    {
        let changed = if !B::ON_CONFLICT {
            // The counter is made first. Two transactions that update a missing row and then insert it would
            // deadlock.
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
        return Err(DbError::Vanished);
    }
    Ok(Some(Conflict::OutOfBounds { counter: counter.clone(), value }))
}

/// The first number of the first row.
pub(crate) async fn int<B: Backend>(
    connection: &mut B::Connection,
    statement: Statement,
) -> Result<Option<i64>, DbError> {
    let rows = connection.rows(statement).await?;
    Ok(rows.first().map(|row| row.int(0)).transpose()?.flatten())
}

/// What a batch tallies. Nothing reads a tally inside a transaction. So tallies are merged and written at the end,
/// in the order of their keys, because writers that use the same order do not deadlock.
#[derive(Default)]
pub(crate) struct Tallies(BTreeMap<CounterKey, Vec<i64>>);

impl Tallies {
    pub(crate) fn add(&mut self, batch: &[Changeset]) {
        for change in batch.iter().flat_map(Changeset::changes) {
            let Change::Tally { counter, add } = change else { continue };
            let steps = self.0.entry(counter.clone()).or_default();
            match steps.last_mut() {
                // Only steps of the same sign merge. At the ends of i64 the order of +1 and -1 changes the sum.
                Some(last) if (*last < 0) == (*add < 0) => *last = last.saturating_add(*add),
                _ => steps.push(*add),
            }
        }
    }

    pub(crate) async fn write<B: Backend>(self, connection: &mut B::Connection) -> Result<(), DbError> {
        let most = self.0.values().map(Vec::len).max().unwrap_or(0);
        for step in 0..most {
            let rows: Vec<_> =
                self.0.iter().filter_map(|(key, steps)| Some((key, *steps.get(step)?))).collect();
            for rows in chunks(&rows) {
                connection.run(statement::tally::<B>(rows.iter().copied())).await?;
            }
        }
        Ok(())
    }
}
