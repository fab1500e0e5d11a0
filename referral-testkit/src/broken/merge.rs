//! A batch of which some statistics get lost: what a store does that adds them up without looking for overflow.

use std::collections::BTreeMap;

use referral_core::store::{Change, Changeset, CounterKey};

/// The batch without the tallies of those statistics that overflow when they are added up.
pub(super) fn merged(batch: &[Changeset]) -> Option<Vec<Changeset>> {
    let mut sums: BTreeMap<&CounterKey, Option<i64>> = BTreeMap::new();
    for change in batch.iter().flat_map(|changeset| changeset.changes()) {
        if let Change::Tally { counter, add } = change {
            let sum = sums.entry(counter).or_insert(Some(0));
            *sum = sum.and_then(|sum| sum.checked_add(*add));
        }
    }
    let lost = |change: &&Change| matches!(change, Change::Tally { counter, .. } if sums.get(counter).is_some_and(Option::is_none));
    let without = |changeset: &Changeset| {
        Changeset::new(changeset.changes().iter().filter(|change| !lost(change)).cloned())
    };
    (batch.len() > 1).then(|| batch.iter().map(without).collect())
}
