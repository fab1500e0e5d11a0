//! Changes inside a transaction: each changeset as a whole or not at all, as if one after another.

use std::collections::{BTreeMap, HashMap};

use referral_core::store::{Change, Changeset, Conflict, Outcome, Unique, UniqueKey};
use referral_core::{ResponseId, Timestamp, UserId};
use referral_core::store::{Kind, Record, RecordId, Value, Version};

use crate::backend::{Backend, Cells, Driver};
use crate::count::{Tallies, count, hold, int};
use crate::error::{Fault, Trouble, trouble};
use crate::read;
use crate::statement::{self, chunk};

const SAVE: &str = "SAVEPOINT referral_changeset";
const UNDO: &str = "ROLLBACK TO SAVEPOINT referral_changeset";
const KEEP: &str = "RELEASE SAVEPOINT referral_changeset";
const SAVE_ONE: &str = "SAVEPOINT referral_change";
const UNDO_ONE: &str = "ROLLBACK TO SAVEPOINT referral_change";
const KEEP_ONE: &str = "RELEASE SAVEPOINT referral_change";

/// Why a change failed.
enum Clash {
    Known(Conflict),
    /// Some response of a claim was not unclaimed. Which, shows only when what the claim did is undone.
    Claim,
}

impl From<Conflict> for Clash {
    fn from(conflict: Conflict) -> Self {
        Self::Known(conflict)
    }
}

/// Applies changesets; a fault leaves the transaction fit for a rollback only.
pub(crate) async fn apply<B: Backend>(
    connection: &mut B::Connection,
    batch: &[Changeset],
) -> Result<Vec<Outcome>, Fault> {
    let mut outcomes = Vec::with_capacity(batch.len());
    let mut tallies = Tallies::default();
    hold::<B>(connection, batch).await?;
    let mut rest = batch;
    while !rest.is_empty() {
        let plain = rest.iter().take_while(|changeset| is_plain(changeset)).count();
        let (now, later) = rest.split_at(plain.max(1));
        rest = later;
        if plain > 1 && insert_together::<B>(connection, now).await? {
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

/// Whether a changeset only inserts and tallies. Such ones, side by side, are one insert for each kind.
fn is_plain(changeset: &Changeset) -> bool {
    changeset.changes.iter().all(|change| matches!(change, Change::Insert(_) | Change::Tally { .. }))
}

/// Inserts the records of several changesets at once. If one of them met something, nothing is done and the answer
/// is no: then they are applied one by one.
async fn insert_together<B: Backend>(
    connection: &mut B::Connection,
    batch: &[Changeset],
) -> Result<bool, Fault> {
    let mut kinds: BTreeMap<Kind, Vec<&Record>> = BTreeMap::new();
    for change in batch.iter().flat_map(|changeset| &changeset.changes) {
        if let Change::Insert(record) = change {
            kinds.entry(record.id().kind).or_default().push(record);
        }
    }
    connection.control(SAVE).await?;
    for (kind, records) in kinds {
        let mut records = records.as_slice();
        while let Some((now, later)) = records.split_at_checked(chunk(records.len()))
            && !now.is_empty()
        {
            if insert::<B>(connection, kind, now).await? < now.len() as u64 {
                connection.control(UNDO).await?;
                connection.control(KEEP).await?;
                return Ok(false);
            }
            records = later;
        }
    }
    connection.control(KEEP).await?;
    Ok(true)
}

/// How many of these records were stored; on a database without `ON CONFLICT` all or none.
async fn insert<B: Backend>(
    connection: &mut B::Connection,
    kind: Kind,
    records: &[&Record],
) -> Result<u64, Fault> {
    let rows = records.iter().map(|record| {
        let mut values = record.values();
        if let Some(version) = kind.position("version").and_then(|at| values.get_mut(at)) {
            *version = Value::Int(Version::FIRST.get());
        }
        values
    });
    match connection.run(statement::insert::<B>(kind, rows)).await {
        Err(error) if trouble::<B>(&error) == Some(Trouble::Unique) => Ok(0),
        other => Ok(other?),
    }
}

async fn apply_one<B: Backend>(
    connection: &mut B::Connection,
    changeset: &Changeset,
) -> Result<Outcome, Fault> {
    let tears = may_tear(changeset);
    if tears {
        connection.control(SAVE).await?;
    }
    for (index, change) in changeset.changes.iter().enumerate() {
        let Some(clash) = step::<B>(connection, change).await? else { continue };
        if tears {
            connection.control(UNDO).await?;
            connection.control(KEEP).await?;
        }
        let conflict = match (clash, change) {
            (Clash::Known(conflict), _) => conflict,
            (Clash::Claim, Change::Claim { responses, .. }) => claimed::<B>(connection, responses).await?,
            (Clash::Claim, _) => return Err(Fault::Moved),
        };
        return Ok(Outcome::Conflict { index, conflict });
    }
    if tears {
        connection.control(KEEP).await?;
    }
    Ok(Outcome::Applied)
}

/// Whether a conflict may come when something is written already. Else a savepoint is not worth its round trips.
fn may_tear(changeset: &Changeset) -> bool {
    let mut wrote = false;
    for change in &changeset.changes {
        match change {
            Change::Claim { .. } => return true,
            Change::Insert(_) | Change::Update { .. } | Change::Delete { .. } | Change::Count { .. } => {
                if wrote {
                    return true;
                }
                wrote = true;
            }
            Change::Expect { .. } if wrote => return true,
            // Tallies are written behind everything else.
            Change::Expect { .. } | Change::Tally { .. } => {}
        }
    }
    false
}

async fn step<B: Backend>(connection: &mut B::Connection, change: &Change) -> Result<Option<Clash>, Fault> {
    Ok(match change {
        Change::Insert(record) => {
            let id = record.id();
            if insert::<B>(connection, id.kind, &[record]).await? == 1 {
                return Ok(None);
            }
            match version::<B>(connection, id, false).await? {
                Some(now) => Some(Conflict::Stale { id, now: Some(now) }.into()),
                None => Some(holder::<B>(connection, record).await?.into()),
            }
        }
        Change::Update { record, was } => {
            let id = record.id();
            match update::<B>(connection, record, *was).await? {
                None => Some(holder::<B>(connection, record).await?.into()),
                Some(0) => Some(stale::<B>(connection, id, *was).await?.into()),
                Some(_) => None,
            }
        }
        Change::Delete { id, was } => match connection.run(statement::delete::<B>(*id, *was)).await? {
            0 => Some(stale::<B>(connection, *id, *was).await?.into()),
            _ => None,
        },
        Change::Expect { id, was } => {
            let now = version::<B>(connection, *id, true).await?;
            (now != Some(*was)).then(|| Conflict::Stale { id: *id, now }.into())
        }
        Change::Claim { responses, user, at } => {
            let claimed = claim::<B>(connection, responses, user, *at).await?;
            (claimed < responses.len() as u64).then_some(Clash::Claim)
        }
        Change::Count { counter, add, within } => {
            count::<B>(connection, counter, *add, *within).await?.map(Clash::Known)
        }
        Change::Tally { .. } => None,
    })
}

/// How many rows an update changed; `None` if a unique key of the new record is held.
async fn update<B: Backend>(
    connection: &mut B::Connection,
    record: &Record,
    was: Version,
) -> Result<Option<u64>, Fault> {
    let id = record.id();
    let guarded = B::FAILURE_SPOILS && Unique::of(id.kind).next().is_some();
    if guarded {
        connection.control(SAVE_ONE).await?;
    }
    let changed = match connection.run(statement::update::<B>(id, record.values(), was)).await {
        Err(error) if trouble::<B>(&error) == Some(Trouble::Unique) => None,
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
) -> Result<Option<Version>, Fault> {
    Ok(int::<B>(connection, statement::version::<B>(id, held)).await?.map(Version::new))
}

/// Why a record was not at a version.
async fn stale<B: Backend>(
    connection: &mut B::Connection,
    id: RecordId,
    was: Version,
) -> Result<Conflict, Fault> {
    let now = version::<B>(connection, id, false).await?;
    // Another transaction put it there in between.
    if now == Some(was) { Err(Fault::Moved) } else { Ok(Conflict::Stale { id, now }) }
}

/// Who holds a unique key of a record that could not be written.
async fn holder<B: Backend>(connection: &mut B::Connection, record: &Record) -> Result<Conflict, Fault> {
    let keys = UniqueKey::all_of(record);
    let holders = read::find::<B>(connection, &keys).await?;
    for (key, found) in keys.into_iter().zip(holders) {
        match found.map(|found| found.id()) {
            Some(holder) if holder != record.id() => return Ok(Conflict::Taken { key, holder }),
            _ => {}
        }
    }
    // It was given up in between.
    Err(Fault::Moved)
}

async fn claim<B: Backend>(
    connection: &mut B::Connection,
    responses: &[ResponseId],
    user: &UserId,
    at: Timestamp,
) -> Result<u64, Fault> {
    let ids = responses.iter().map(|id| id.as_uuid());
    Ok(connection.run(statement::claim::<B>(ids, user, at)).await?)
}

/// The first response that is not unclaimed.
async fn claimed<B: Backend>(
    connection: &mut B::Connection,
    responses: &[ResponseId],
) -> Result<Conflict, Fault> {
    let ids = responses.iter().map(|id| id.as_uuid());
    let mut found = HashMap::with_capacity(responses.len());
    for row in connection.rows(statement::claimable::<B>(ids)).await? {
        if let (Some(id), Some(version)) = (row.uuid(0)?, row.int(1)?) {
            found.insert(id, (Version::new(version), row.int(2)? == Some(1)));
        }
    }
    for response in responses {
        let id = RecordId::from(*response);
        match found.get(&id.uuid) {
            None => return Ok(Conflict::Stale { id, now: None }),
            Some((now, false)) => return Ok(Conflict::Stale { id, now: Some(*now) }),
            Some((_, true)) => {}
        }
    }
    Err(Fault::Moved)
}
