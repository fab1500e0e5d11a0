//! A store that looks, lets others in, and no longer looks when it writes.

use referral_core::store::{Bounds, Change, Changeset, Conflict, Outcome, RecordId, Unique, Version};

use super::concurrent::{Answer, ConcurrentStore, wait};
use super::defect::Defect;
use super::state::{How, State};

impl ConcurrentStore {
    /// Decides, lets others in, and applies what was decided, where a check that failed since then is passed over.
    pub(super) async fn looked(&self, batch: &[Changeset]) -> Vec<Answer> {
        let (decided, before) = (self.decided(batch).0, self.data().now.clone());
        wait().await;
        let several = batch.len() > 1;
        let late = |(changeset, answer): (&Changeset, Answer)| match answer {
            Ok(Outcome::Applied) => Ok(self.forced(changeset, &before, several)),
            other => other,
        };
        batch.iter().zip(decided).map(late).collect()
    }

    fn forced(&self, changeset: &Changeset, before: &State, several: bool) -> Outcome {
        let state = &mut self.data().now;
        let mut changes = changeset.changes().to_vec();
        let mut how = How::default();
        loop {
            let outcome = state.apply(&Changeset::new(changes.iter().cloned()), &how);
            let Outcome::Conflict { index, conflict } = &outcome else { return outcome };
            let change = changes.remove(*index);
            match self.instead(&change, conflict, before, several) {
                Some(instead) => changes.splice(*index..*index, instead).for_each(drop),
                None if self.passes_key(&change, conflict) && !how.looked => {
                    changes.insert(*index, change);
                    how = How { defect: Some(Defect::LookThenWrite), looked: true, ..How::default() };
                }
                None => return outcome,
            }
        }
    }

    fn passes_key(&self, change: &Change, conflict: &Conflict) -> bool {
        let Conflict::Taken { key, .. } = conflict else { return false };
        match self.defect {
            Defect::UpdateKeyLooked => matches!(change, Change::Update { .. }),
            Defect::FoldedLooked => key.unique == Unique::AliasFolded,
            _ => false,
        }
    }

    /// What is done instead of a change that would now be refused, where the store no longer looks.
    fn instead(
        &self,
        change: &Change,
        conflict: &Conflict,
        before: &State,
        several: bool,
    ) -> Option<Vec<Change>> {
        match (self.defect, change, conflict) {
            (Defect::DeleteLooked, Change::Delete { id, .. }, Conflict::Stale { now, .. }) => {
                Some(now.iter().map(|now| Change::Delete { id: *id, was: *now }).collect())
            }
            (Defect::UpdateRevives, Change::Update { record, .. }, Conflict::Stale { now: None, .. }) => {
                Some(vec![Change::Insert(record.clone())])
            }
            (Defect::PatchRevives, Change::Patch { kind, of, set }, Conflict::Stale { id, now: None }) => {
                let rest: Vec<_> = of.iter().filter(|(uuid, _)| *uuid != id.uuid).copied().collect();
                let revived = before.records.get(id).and_then(|record| record.patched(set).ok());
                let rest =
                    (!rest.is_empty()).then(|| Change::Patch { kind: *kind, of: rest, set: set.clone() });
                Some(revived.map(Change::Insert).into_iter().chain(rest).collect())
            }
            (
                Defect::PatchWritesBack,
                Change::Patch { kind, of, set },
                Conflict::Stale { now: Some(_), .. },
            ) => {
                let state_of = |uuid| before.records.get(&RecordId { kind: *kind, uuid });
                let back = |(uuid, was): &(uuid::Uuid, Version)| {
                    let record = state_of(*uuid)?.patched(set).ok()?;
                    let moved = matches!(conflict, Conflict::Stale { id, .. } if id.uuid == *uuid);
                    let Conflict::Stale { now: Some(now), .. } = conflict else { return None };
                    Some(Change::Update { record, was: if moved { *now } else { *was } })
                };
                Some(of.iter().filter_map(back).collect())
            }
            (Defect::ExpectUnlocked, Change::Expect { .. }, Conflict::Stale { .. })
            | (Defect::ExpectMissesDeletes, Change::Expect { .. }, Conflict::Stale { now: None, .. }) => {
                Some(Vec::new())
            }
            (Defect::BatchBoundsLooked, Change::Count { counter, add, .. }, Conflict::OutOfBounds { .. })
                if several =>
            {
                Some(vec![Change::Count { counter: counter.clone(), add: *add, within: Bounds::ANY }])
            }
            _ => None,
        }
    }
}
