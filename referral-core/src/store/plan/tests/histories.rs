//! Random histories: the planner against a model that applies one change after another to a copy of everything.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

#[derive(Clone, Default, PartialEq, Debug)]
struct Model {
    records: BTreeMap<RecordId, Record>,
    numbers: BTreeMap<CounterKey, i64>,
}

impl Model {
    fn apply(&mut self, changeset: &Changeset) -> Answer {
        changeset.check()?;
        let mut copy = self.clone();
        for (index, change) in changeset.changes().iter().enumerate() {
            if let Err(conflict) = copy.step(change) {
                return Ok(Outcome::Conflict { index, conflict });
            }
        }
        *self = copy;
        Ok(Outcome::Applied)
    }

    fn step(&mut self, change: &Change) -> Result<(), Conflict> {
        match change {
            Change::Insert(record) => {
                let id = record.id();
                if let Some(found) = self.records.get(&id) {
                    return Err(Conflict::Stale { id, now: Some(found.version()) });
                }
                self.store(record.clone().at_version(Version::FIRST))
            }
            Change::Update { record, was } => {
                let old = self.at(record.id(), *was)?;
                self.store(record.clone().replacing(&old).at_version(was.next()))
            }
            Change::Delete { id, was } => {
                self.at(*id, *was)?;
                self.records.remove(id);
                Ok(())
            }
            Change::Expect { id, was } => self.at(*id, *was).map(drop),
            Change::Patch { kind, of, set } => of.iter().try_for_each(|(uuid, was)| {
                let old = self.at(RecordId { kind: *kind, uuid: *uuid }, *was)?;
                self.store(old.patched(set).unwrap())
            }),
            Change::Count { counter, add, within } => {
                let value = self.numbers.get(counter).copied().unwrap_or(0);
                match value.checked_add(*add).filter(|sum| within.contains(*sum)) {
                    Some(sum) => drop(self.numbers.insert(counter.clone(), sum)),
                    None => return Err(Conflict::OutOfBounds { counter: counter.clone(), value }),
                }
                self.numbers.retain(|_, value| *value != 0);
                Ok(())
            }
            Change::Tally { counter, add } => {
                let value = self.numbers.entry(counter.clone()).or_default();
                *value = value.saturating_add(*add);
                self.numbers.retain(|_, value| *value != 0);
                Ok(())
            }
        }
    }

    fn at(&self, id: RecordId, was: Version) -> Result<Record, Conflict> {
        let found = self.records.get(&id);
        let now = found.map(Record::version);
        found.filter(|_| now == Some(was)).cloned().ok_or(Conflict::Stale { id, now })
    }

    fn store(&mut self, record: Record) -> Result<(), Conflict> {
        for key in UniqueKey::all_of(&record) {
            let holds =
                |other: &&Record| other.id() != record.id() && UniqueKey::all_of(other).contains(&key);
            if let Some(holder) = self.records.values().find(holds).map(Record::id) {
                return Err(Conflict::Taken { key, holder });
            }
        }
        self.records.insert(record.id(), record);
        Ok(())
    }

    fn look(&self) -> Stored {
        let numbers = self.numbers.clone().into_iter().collect();
        Stored { numbers, ..Stored::with(self.records.values().cloned()) }
    }

    /// Every row that a key-value store would have.
    fn rows(&self) -> BTreeMap<(Table, Vec<u8>), Vec<u8>> {
        let whole = Plan {
            answers: Vec::new(),
            records: self.records.values().map(|record| added(record.id(), record.clone())).collect(),
            holders: self.records.values().flat_map(held).map(|(key, id)| added(key, id)).collect(),
            numbers: self.numbers.iter().map(|(key, value)| added(key.clone(), *value)).collect(),
        };
        whole.rows(encode).into_iter().map(|row| ((row.table, row.key), row.value.unwrap())).collect()
    }
}

fn held(record: &Record) -> Vec<(UniqueKey, RecordId)> {
    UniqueKey::all_of(record).into_iter().map(|key| (key, record.id())).collect()
}

fn added<K, V>(key: K, value: V) -> Transition<K, V> {
    Transition { key, before: None, after: Some(value) }
}

fn encode(_: Kind, values: &[Value]) -> Vec<u8> {
    format!("{values:?}").into_bytes()
}

/// What a store that awaits would have read.
fn found(batch: &[Changeset], look: &Stored) -> Found {
    let wanted = wanted(batch);
    let mut found = Found::default();
    found.records.extend(wanted.records.into_iter().map(|id| (id, look.record(id).unwrap())));
    let numbers = wanted.numbers.into_iter().map(|key| (key.clone(), look.number(&key).unwrap()));
    found.numbers.extend(numbers);
    let keys = wanted_keys(batch, &found).into_iter().map(|key| (key.clone(), look.holder(&key).unwrap()));
    found.holders.extend(keys);
    found
}

fn change() -> impl Strategy<Value = Change> {
    let record = (1..4_u128, prop_oneof![Just(""), Just("t")], prop_oneof![Just("a"), Just("b"), Just("c")]);
    let record = record.prop_map(|(id, tenant, code)| alias(id, tenant, code)).boxed();
    let number = prop_oneof![Just(1), Just(-1), Just(i64::MAX), Just(i64::MIN)];
    let set = || vec![("link", Value::Uuid(Uuid::from_u128(9)))];
    prop_oneof![
        4 => record.clone().prop_map(insert),
        4 => (record.clone(), 1..4_i64).prop_map(|(record, was)| update(record, was)),
        2 => (record.clone(), 1..4_i64).prop_map(|(record, was)| delete(&record, was)),
        1 => (record.clone(), 1..4_i64)
            .prop_map(|(record, was)| Change::Expect { id: record.id(), was: Version::new(was) }),
        2 => (prop::collection::vec((1..4_u128, 1..4_i64), 1..3)).prop_map(move |of| {
            let of = of.into_iter().map(|(id, was)| (Uuid::from_u128(id), Version::new(was))).collect();
            Change::Patch { kind: Kind::Alias, of, set: set() }
        }),
        1 => number.clone()
            .prop_map(|add| Change::Count { counter: counter(), add, within: Bounds::new(-1, i64::MAX) }),
        1 => number.prop_map(|add| Change::Tally { counter: tally(), add }),
    ]
}

fn batches() -> impl Strategy<Value = Vec<Vec<Changeset>>> {
    let changeset = prop::collection::vec(change(), 1..4).prop_map(Changeset::new);
    prop::collection::vec(prop::collection::vec(changeset, 1..8), 1..6)
}

proptest! {
    #[test]
    fn a_plan_is_what_one_changeset_after_another_comes_to(batches in batches()) {
        let mut model = Model::default();
        for batch in batches {
            let look = model.look();
            let (stored, before) = (model.clone(), model.rows());
            let answers: Vec<Answer> = batch.iter().map(|changeset| model.apply(changeset)).collect();
            let plan = decide(&batch, &look);
            prop_assert_eq!(format!("{:?}", plan.answers), format!("{answers:?}"));
            // Whoever reads ahead comes to the same, and reads all that is asked for.
            let ahead = decide(&batch, &found(&batch, &look));
            prop_assert_eq!(format!("{:?}", ahead), format!("{plan:?}"));
            for record in &plan.records {
                prop_assert_eq!(record.before.as_ref(), stored.records.get(&record.key));
                prop_assert_eq!(record.after.as_ref(), model.records.get(&record.key));
            }
            for number in &plan.numbers {
                prop_assert_eq!(number.before.as_ref(), stored.numbers.get(&number.key));
                prop_assert_eq!(number.after.as_ref(), model.numbers.get(&number.key));
            }
            for holder in &plan.holders {
                prop_assert_eq!(holder.before, look.holder(&holder.key).unwrap());
            }
            prop_assert!(plan.records.is_sorted_by(|one, next| one.key < next.key));
            prop_assert!(plan.holders.is_sorted_by(|one, next| one.key < next.key));
            prop_assert!(plan.numbers.is_sorted_by(|one, next| one.key < next.key));
            // The rows lead from what was stored to what is; none is written or removed for nothing.
            let mut rows = before;
            for row in plan.rows(encode) {
                let key = (row.table, row.key);
                let old = match row.value.clone() {
                    Some(value) => rows.insert(key, value),
                    None => rows.remove(&key),
                };
                prop_assert_ne!(old, row.value);
            }
            prop_assert_eq!(rows, model.rows());
        }
    }
}
