//! Takes the locks of a batch in one order that all batches share.
//!
//! If two batches wait for each other, the database rolls one back. PostgreSQL notices this only after a second. So
//! a batch first locks what it writes, in an order that does not depend on the batch.

use std::collections::{BTreeMap, BTreeSet};

use referral_core::store::{Change, Changeset, CounterKey, Kind};
use uuid::Uuid;

use crate::backend::{Backend, Driver};
use crate::error::DbError;
use crate::statement::{self, chunks, id_chunks};

/// Locks the records that a batch expects or changes, then the counters that it counts.
pub(crate) async fn hold<B: Backend>(
    connection: &mut B::Connection,
    batch: &[Changeset],
) -> Result<(), DbError> {
    if !B::CONCURRENT_WRITERS {
        return Ok(());
    }
    let changes = batch.iter().flat_map(Changeset::changes);
    let counters: BTreeSet<_> = changes
        .filter_map(|change| match change {
            Change::Count { counter, .. } => Some(counter),
            _ => None,
        })
        .collect();
    // A single counter needs no order.
    let several = counters.len() > 1;
    hold_records::<B>(connection, batch, several).await?;
    if several { hold_counters::<B>(connection, counters).await } else { Ok(()) }
}

/// Locks records in the order of kind and id. A batch with one change needs no lock here: the change touches one
/// record, or it is a patch, which locks its records in this order itself. But where counters are locked at the
/// beginning, every record is locked before them.
async fn hold_records<B: Backend>(
    connection: &mut B::Connection,
    batch: &[Changeset],
    counters_follow: bool,
) -> Result<(), DbError> {
    let mut kinds: BTreeMap<Kind, BTreeSet<Uuid>> = BTreeMap::new();
    let mut changes = 0;
    for change in batch.iter().flat_map(Changeset::changes) {
        let id = match change {
            Change::Update { record, .. } => record.id(),
            Change::Delete { id, .. } | Change::Expect { id, .. } => *id,
            Change::Patch { kind, of, .. } => {
                kinds.entry(*kind).or_default().extend(of.iter().map(|(uuid, _)| *uuid));
                changes += 1;
                continue;
            }
            Change::Insert(_) | Change::Count { .. } | Change::Tally { .. } => continue,
        };
        kinds.entry(id.kind).or_default().insert(id.uuid);
        changes += 1;
    }
    // Changes of a single record need no order.
    let alone = changes < 2 || kinds.values().map(BTreeSet::len).sum::<usize>() < 2;
    if alone && !counters_follow {
        return Ok(());
    }
    for (kind, ids) in kinds {
        let ids: Vec<_> = ids.into_iter().collect();
        for ids in id_chunks(&ids) {
            connection.rows(statement::versions::<B>(kind, ids.iter().copied())).await?;
        }
    }
    Ok(())
}

/// Locks counters, in the order of their keys.
async fn hold_counters<B: Backend>(
    connection: &mut B::Connection,
    counters: BTreeSet<&CounterKey>,
) -> Result<(), DbError> {
    let keys: Vec<_> = counters.into_iter().collect();
    for keys in chunks(&keys) {
        connection.run(statement::hold_counters::<B>(keys)).await?;
    }
    Ok(())
}
