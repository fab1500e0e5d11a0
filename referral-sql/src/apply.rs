//! Applies changesets inside a transaction, each as a whole or not at all, as if one ran after another.

use std::collections::{BTreeMap, HashMap};

use referral_core::store::{
    Change, Changeset, Conflict, Kind, Outcome, Record, RecordId, Unique, UniqueKey, Value, Version,
};
use uuid::Uuid;

use crate::backend::{Backend, Cells, Driver, ErrorClass};
use crate::count::{Tallies, count, int};
use crate::error::{DbError, class};
use crate::hold::hold;
use crate::read;
use crate::statement::{self, chunks, id_chunks};

const SAVE: &str = "SAVEPOINT referral_changeset";
const UNDO: &str = "ROLLBACK TO SAVEPOINT referral_changeset";
const KEEP: &str = "RELEASE SAVEPOINT referral_changeset";
const SAVE_ONE: &str = "SAVEPOINT referral_change";
const UNDO_ONE: &str = "ROLLBACK TO SAVEPOINT referral_change";
const KEEP_ONE: &str = "RELEASE SAVEPOINT referral_change";

/// Applies changesets. After an error the transaction can only be rolled back.
pub(crate) async fn apply<B: Backend>(
    connection: &mut B::Connection,
    batch: &[Changeset],
) -> Result<Vec<Outcome>, DbError> {
    let mut outcomes = Vec::with_capacity(batch.len());
    let mut tallies = Tallies::default();
    hold::<B>(connection, batch).await?;
    let mut rest = batch;
    while !rest.is_empty() {
        let plain = rest.iter().take_while(|changeset| is_plain(changeset)).count();
        let (now, later) = rest.split_at(plain.max(1));
        rest = later;
        if plain > 1 && insert_merged::<B>(connection, now).await? {
            tallies.add(now);
            outcomes.extend(now.iter().map(|_| Outcome::Applied));
            continue;
        }
        for changeset in now {
            let outcome = apply_one::<B>(connection, changeset).await?;
            if outcome == Outcome::Applied {
                tallies.add(std::slice::from_ref(changeset));
            }
            outcomes.push(outcome);
        }
    }
    tallies.write::<B>(connection).await?;
    Ok(outcomes)
}

/// Whether a changeset only inserts and tallies. Such changesets, one after another, are written with one insert
/// for each kind of record.
fn is_plain(changeset: &Changeset) -> bool {
    changeset.changes().iter().all(|change| matches!(change, Change::Insert(_) | Change::Tally { .. }))
}

/// Inserts the records of several changesets at once. If one insert meets a held key, nothing is written and the
/// answer is false. The changesets are then applied one by one.
async fn insert_merged<B: Backend>(
    connection: &mut B::Connection,
    batch: &[Changeset],
) -> Result<bool, DbError> {
    let mut kinds: BTreeMap<Kind, Vec<&Record>> = BTreeMap::new();
    for change in batch.iter().flat_map(Changeset::changes) {
        if let Change::Insert(record) = change {
            kinds.entry(record.id().kind).or_default().push(record);
        }
    }
    connection.control(SAVE).await?;
    for (kind, records) in kinds {
        for records in chunks(&records) {
            if insert::<B>(connection, kind, records).await? < records.len() as u64 {
                connection.control(UNDO).await?;
                connection.control(KEEP).await?;
                return Ok(false);
            }
        }
    }
    connection.control(KEEP).await?;
    Ok(true)
}

/// How many of these records were stored. On a database without `ON CONFLICT` it is either all of them or none.
async fn insert<B: Backend>(
    connection: &mut B::Connection,
    kind: Kind,
    records: &[&Record],
) -> Result<u64, DbError> {
    let rows = records.iter().map(|record| {
        let mut values = record.values();
        if let Some(version) = kind.position("version").and_then(|at| values.get_mut(at)) {
            *version = Value::Int(Version::FIRST.get());
        }
        values
    });
    match connection.run(statement::insert::<B>(kind, rows)).await {
        Err(error) if class::<B>(&error) == Some(ErrorClass::Unique) => Ok(0),
        other => Ok(other?),
    }
}

async fn apply_one<B: Backend>(
    connection: &mut B::Connection,
    changeset: &Changeset,
) -> Result<Outcome, DbError> {
    let undoes = may_undo(changeset);
    if undoes {
        connection.control(SAVE).await?;
    }
    for (index, change) in changeset.changes().iter().enumerate() {
        let Some(conflict) = step::<B>(connection, change).await? else { continue };
        if undoes {
            connection.control(UNDO).await?;
            connection.control(KEEP).await?;
        }
        return Ok(Outcome::Conflict { index, conflict });
    }
    if undoes {
        connection.control(KEEP).await?;
    }
    Ok(Outcome::Applied)
}

/// Whether a conflict may come after something was written. If not, no savepoint is made, which saves round trips.
fn may_undo(changeset: &Changeset) -> bool {
    let mut wrote = false;
    for change in changeset.changes() {
        match change {
            Change::Insert(_)
            | Change::Update { .. }
            | Change::Delete { .. }
            | Change::Patch { .. }
            | Change::Count { .. } => {
                if wrote {
                    return true;
                }
                wrote = true;
            }
            Change::Expect { .. } if wrote => return true,
            // Tallies are written after everything else and never conflict.
            Change::Expect { .. } | Change::Tally { .. } => {}
        }
    }
    false
}

async fn step<B: Backend>(
    connection: &mut B::Connection,
    change: &Change,
) -> Result<Option<Conflict>, DbError> {
    Ok(match change {
        Change::Insert(record) => {
            let id = record.id();
            if insert::<B>(connection, id.kind, &[record]).await? == 1 {
                return Ok(None);
            }
            match version::<B>(connection, id, false).await? {
                Some(now) => Some(Conflict::Stale { id, now: Some(now) }),
                None => Some(holder::<B>(connection, record).await?),
            }
        }
        Change::Update { record, was } => {
            let id = record.id();
            match update::<B>(connection, record, *was).await? {
                None => Some(update_holder::<B>(connection, record).await?),
                Some(0) => Some(stale::<B>(connection, id, *was).await?),
                Some(_) => None,
            }
        }
        Change::Delete { id, was } => match connection.run(statement::delete::<B>(*id, *was)).await? {
            0 => Some(stale::<B>(connection, *id, *was).await?),
            _ => None,
        },
        Change::Expect { id, was } => {
            let now = version::<B>(connection, *id, true).await?;
            (now != Some(*was)).then_some(Conflict::Stale { id: *id, now })
        }
        Change::Patch { kind, of, set } => patch::<B>(connection, *kind, of, set).await?,
        Change::Count { counter, add, within } => count::<B>(connection, counter, *add, *within).await?,
        Change::Tally { .. } => None,
    })
}

/// How many rows an update changed. It is `None` if another record holds a unique key of the new record.
async fn update<B: Backend>(
    connection: &mut B::Connection,
    record: &Record,
    was: Version,
) -> Result<Option<u64>, DbError> {
    let id = record.id();
    let guarded = B::FAILURE_ABORTS && Unique::of(id.kind).next().is_some();
    if guarded {
        connection.control(SAVE_ONE).await?;
    }
    let changed = match connection.run(statement::update::<B>(id, record.values(), was)).await {
        Err(error) if class::<B>(&error) == Some(ErrorClass::Unique) => None,
        other => Some(other?),
    };
    if guarded && changed.is_none() {
        connection.control(UNDO_ONE).await?;
    }
    if guarded {
        connection.control(KEEP_ONE).await?;
    }
    Ok(changed)
}

async fn version<B: Backend>(
    connection: &mut B::Connection,
    id: RecordId,
    held: bool,
) -> Result<Option<Version>, DbError> {
    Ok(int::<B>(connection, statement::version::<B>(id, held)).await?.map(Version::new))
}

/// The conflict for a record that was not at the expected version.
async fn stale<B: Backend>(
    connection: &mut B::Connection,
    id: RecordId,
    was: Version,
) -> Result<Conflict, DbError> {
    let now = version::<B>(connection, id, false).await?;
    // Another transaction wrote it between the two statements.
    if now == Some(was) { Err(DbError::Vanished) } else { Ok(Conflict::Stale { id, now }) }
}

/// The conflict for an update that would take a held unique key. The keys belong to the tenant that is stored,
/// because an update does not change the tenant.
async fn update_holder<B: Backend>(
    connection: &mut B::Connection,
    record: &Record,
) -> Result<Conflict, DbError> {
    let stored = read::get::<B>(connection, &[record.id()]).await?.pop().flatten();
    let stored = stored.ok_or(DbError::Vanished)?;
    holder::<B>(connection, &record.clone().replacing(&stored)).await
}

/// The conflict for a record that could not be written because another one holds a unique key of it.
async fn holder<B: Backend>(connection: &mut B::Connection, record: &Record) -> Result<Conflict, DbError> {
    let keys = UniqueKey::all_of(record);
    let holders = read::find::<B>(connection, &keys).await?;
    for (key, found) in keys.into_iter().zip(holders) {
        match found.map(|found| found.id()) {
            Some(holder) if holder != record.id() => return Ok(Conflict::Taken { key, holder }),
            _ => {}
        }
    }
    // The holder gave the key up between the two statements.
    Err(DbError::Vanished)
}

/// Patches records. If one of them is not at its version, nothing is written and the first such record, in the
/// order of `of`, is the conflict.
async fn patch<B: Backend>(
    connection: &mut B::Connection,
    kind: Kind,
    of: &[(Uuid, Version)],
    set: &[(&'static str, Value)],
) -> Result<Option<Conflict>, DbError> {
    let mut found = HashMap::with_capacity(of.len());
    for some in id_chunks(of) {
        let ids = some.iter().map(|(uuid, _)| *uuid);
        for row in connection.rows(statement::versions::<B>(kind, ids)).await? {
            if let (Some(uuid), Some(version)) = (row.uuid(0)?, row.int(1)?) {
                found.insert(uuid, Version::new(version));
            }
        }
    }
    for (uuid, was) in of {
        let now = found.get(uuid).copied();
        if now != Some(*was) {
            return Ok(Some(Conflict::Stale { id: RecordId { kind, uuid: *uuid }, now }));
        }
    }
    for some in id_chunks(of) {
        let ids = some.iter().map(|(uuid, _)| *uuid);
        let patched = connection.run(statement::patch::<B>(kind, ids, set)).await?;
        if patched < some.len() as u64 {
            // The rows are locked, so this can only happen if something else wrote on this connection.
            return Err(DbError::Vanished);
        }
    }
    Ok(None)
}
