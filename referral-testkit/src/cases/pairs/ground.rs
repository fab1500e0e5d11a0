//! Many fields at once: what is prepared, what was answered, and what it is compared with.

use std::collections::BTreeMap;
use std::sync::Arc;

use referral_core::store::{
    Changeset, CounterKey, CounterRange, Family, MAX_PAGE, Read, Record, RecordId, Store, UniqueKey,
};

use super::field::Field;
use super::ways::pairs;
use crate::cx::{Cx, assert_applied};
use crate::make::numbers_of;
use crate::model::Model;
use crate::serial::{Call, Clock, Mentioned, Step, assert_serial, committed};

/// Commits a batch of changesets, each of a place, and gives the call as each place sees it.
pub(super) async fn commit(
    store: &Arc<dyn Store>,
    clock: &Clock,
    caller: usize,
    batch: Vec<(usize, Changeset)>,
) -> Vec<(usize, Call)> {
    let (places, batch): (Vec<usize>, Vec<Changeset>) = batch.into_iter().unzip();
    let asked = async {
        let answers = store.commit(&batch).await;
        committed(batch, answers)
    };
    let call = clock.call(caller, asked).await;
    let mut seen: BTreeMap<usize, Call> = BTreeMap::new();
    for (place, step) in places.into_iter().zip(call.steps) {
        let own = seen.entry(place).or_insert_with(|| Call { steps: Vec::new(), ..call });
        own.steps.push(step);
    }
    seen.into_iter().collect()
}

/// The fields of one round.
pub(super) struct Ground {
    pub(super) fields: Vec<Field>,
    pub(super) clock: Clock,
    /// The first part of the numbers of these fields.
    part: String,
    places: Vec<Place>,
}

/// One field, or two, and what was done there.
struct Place {
    says: String,
    start: Model,
    mentioned: Mentioned,
    calls: Vec<Call>,
}

impl Ground {
    /// The fields of every pair that is wanted, with what so many sides need.
    pub(super) async fn new(cx: &Cx, turn: usize, sides: usize, wanted: impl Fn(&Field) -> bool) -> Self {
        Self::prepared(cx, turn, sides, 1, wanted).await
    }

    /// Two fields for every pair that is wanted, which are one place together.
    pub(super) async fn in_twos(cx: &Cx, turn: usize, wanted: impl Fn(&Field) -> bool) -> Self {
        Self::prepared(cx, turn, 2, 2, wanted).await
    }

    async fn prepared(
        cx: &Cx,
        turn: usize,
        sides: usize,
        together: usize,
        wanted: impl Fn(&Field) -> bool,
    ) -> Self {
        let part = cx.uuid().simple().to_string();
        let mut fields = Vec::new();
        let starts = pairs().into_iter().flat_map(|ways| [true, false].map(|full| (ways, full)));
        for (number, (ways, full)) in starts.enumerate() {
            let field = || Field::new(cx, ways, full, turn + number / 2, &part);
            if wanted(&field()) {
                fields.extend((0..together).map(|_| field()));
            }
        }
        let sets: Vec<_> = fields.iter().map(|field| field.prepared(sides)).collect();
        for some in sets.chunks(50) {
            for answer in cx.batch(some).await {
                assert_applied(&answer);
            }
        }
        let places = fields.chunks(together).zip(sets.chunks(together)).map(|(fields, sets)| {
            let mut start = Model::default();
            sets.iter().for_each(|set| drop(start.commit(set)));
            let mut mentioned = Mentioned::default();
            sets.iter().for_each(|set| mentioned.add(set.changes()));
            Place { says: fields[0].says(), start, mentioned, calls: Vec::new() }
        });
        let places = places.collect();
        Self { fields, clock: Clock::default(), part, places }
    }

    /// Adds calls that were made at places.
    pub(super) fn add(&mut self, calls: Vec<(usize, Call)>) {
        for (place, call) in calls {
            let place = &mut self.places[place];
            for step in &call.steps {
                if let Step::Commit(changeset, _) = step {
                    place.mentioned.add(changeset.changes());
                }
            }
            place.calls.push(call);
        }
    }

    /// Reads everything that was spoken of so far.
    pub(super) async fn read(&mut self, store: &Arc<dyn Store>) {
        let ids: Vec<_> = self.places.iter().flat_map(|place| place.mentioned.ids.iter().copied()).collect();
        let mut records: BTreeMap<RecordId, Option<Record>> = BTreeMap::new();
        for ids in ids.chunks(MAX_PAGE as usize) {
            records.extend(ids.iter().copied().zip(store.get(ids).await.expect("get")));
        }
        let keys: Vec<_> =
            self.places.iter().flat_map(|place| place.mentioned.keys.iter().cloned()).collect();
        let mut holders: BTreeMap<UniqueKey, Option<Record>> = BTreeMap::new();
        for keys in keys.chunks(MAX_PAGE as usize) {
            holders.extend(keys.iter().cloned().zip(store.find(keys).await.expect("find")));
        }
        let mut numbers: BTreeMap<CounterKey, i64> = BTreeMap::new();
        for family in [Family::LinkUses, Family::Responses] {
            let prefix = numbers_of("", family, &[&self.part]);
            numbers.extend(store.counters(&prefix, &CounterRange::first(MAX_PAGE)).await.expect("counters"));
        }
        for place in &mut self.places {
            let Mentioned { ids, keys, numbers: counters } = &place.mentioned;
            let (ids, keys): (Vec<_>, Vec<_>) =
                (ids.iter().copied().collect(), keys.iter().cloned().collect());
            let there = ids.iter().map(|id| records[id].clone()).collect();
            let held = keys.iter().map(|key| holders[key].clone()).collect();
            let mut steps = vec![Step::Get(ids, there), Step::Find(keys, held)];
            steps.extend(
                counters
                    .iter()
                    .map(|counter| Step::Number(counter.clone(), numbers.get(counter).copied().unwrap_or(0))),
            );
            // Every place has a history of its own, so what is read here may stand at one moment.
            let call = self.clock.at(READER, steps);
            place.calls.push(call);
        }
    }

    /// Reads everything on each handle, and looks for the serial order of each place.
    pub(super) async fn settle(mut self, handles: &[Arc<dyn Store>]) {
        for handle in handles {
            self.read(handle).await;
        }
        for place in &self.places {
            assert_serial(&place.says, &place.start, &place.calls);
        }
    }
}

/// Who reads what came of it.
const READER: usize = 9;
