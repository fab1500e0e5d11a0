//! What the planner promises to every store that stands on it.

mod histories;

use std::cell::RefCell;

use uuid::Uuid;

use super::*;
use crate::catalogue::{Family, Kind, Record, RecordId};
use crate::link::{Alias, AliasId, LinkId};
use crate::store::{
    Bounds, Change, Changeset, Conflict, CounterKey, Outcome, StoreError, StoreErrorKind, UniqueKey,
};
use crate::value::{Code, KeyPart, Tenant, Timestamp, Value, Version};
use crate::visit::Via;

/// A store of its own: what is there, and what was asked for.
#[derive(Default)]
struct Stored {
    records: Vec<Record>,
    numbers: Vec<(CounterKey, i64)>,
    asked: RefCell<Vec<String>>,
}

impl Stored {
    fn with(records: impl IntoIterator<Item = Record>) -> Self {
        Self { records: records.into_iter().collect(), ..Self::default() }
    }

    fn ask(&self, what: String) {
        self.asked.borrow_mut().push(what);
    }

    fn asked_for(&self, what: &str) -> usize {
        self.asked.borrow().iter().filter(|asked| asked.contains(what)).count()
    }
}

impl Look for Stored {
    fn record(&self, id: RecordId) -> Result<Option<Record>, StoreError> {
        self.ask(format!("{id:?}"));
        Ok(self.records.iter().find(|record| record.id() == id).cloned())
    }

    fn holder(&self, key: &UniqueKey) -> Result<Option<RecordId>, StoreError> {
        self.ask(format!("{key:?}"));
        let holds = |record: &&Record| UniqueKey::all_of(record).contains(key);
        Ok(self.records.iter().find(holds).map(Record::id))
    }

    fn number(&self, key: &CounterKey) -> Result<Option<i64>, StoreError> {
        self.ask(format!("{key:?}"));
        Ok(self.numbers.iter().find(|(name, _)| name == key).map(|(_, value)| *value))
    }
}

fn tenant(name: &str) -> Tenant {
    Tenant::new(name.to_owned()).unwrap()
}

fn alias(id: u128, tenant_name: &str, code: &str) -> Record {
    Alias {
        id: AliasId::from_uuid(Uuid::from_u128(id)),
        tenant: tenant(tenant_name),
        version: Version::FIRST,
        created_at: Timestamp::from_millis(1),
        code: Code::new(code.to_owned()).unwrap(),
        link: LinkId::from_uuid(Uuid::from_u128(7)),
        case_exact: true,
    }
    .into()
}

fn response(id: u128) -> Record {
    let mut values: Vec<Value> = Kind::Response
        .columns()
        .iter()
        .map(|column| if column.nullable { Value::Null } else { Value::Int(0) })
        .collect();
    let mut set = |name: &str, value: Value| values[Kind::Response.position(name).unwrap()] = value;
    set("id", Value::Uuid(Uuid::from_u128(id)));
    set("tenant", Value::Text("".into()));
    set("version", Value::Int(1));
    set("link", Value::Uuid(Uuid::from_u128(7)));
    set("visitor", Value::Uuid(Uuid::from_u128(8)));
    set("via", Value::Text(Via::Click.name().into()));
    set("action", Value::Text("RESPONDED".into()));
    Record::from_values(Kind::Response, values).unwrap()
}

fn counter() -> CounterKey {
    CounterKey::new(Tenant::default(), Family::LinkUses, [KeyPart::NONE, KeyPart::NONE])
}

fn tally() -> CounterKey {
    CounterKey::new(Tenant::default(), Family::Responses, [KeyPart::NONE, KeyPart::NONE])
}

fn insert(record: Record) -> Change {
    Change::Insert(record)
}

fn update(record: Record, was: i64) -> Change {
    Change::Update { record, was: Version::new(was) }
}

fn delete(record: &Record, was: i64) -> Change {
    Change::Delete { id: record.id(), was: Version::new(was) }
}

fn batch<const N: usize>(changesets: [Vec<Change>; N]) -> Vec<Changeset> {
    changesets.map(Changeset::new).to_vec()
}

fn outcomes(plan: &Plan) -> Vec<Outcome> {
    plan.answers.iter().map(|answer| answer.clone().unwrap()).collect()
}

fn applied(plan: &Plan) -> Vec<bool> {
    outcomes(plan).iter().map(|outcome| *outcome == Outcome::Applied).collect()
}

fn key_of(record: &Record) -> UniqueKey {
    UniqueKey::all_of(record).remove(0)
}

#[test]
fn each_thing_is_looked_up_once() {
    let stored = Stored::with([alias(1, "", "a")]);
    let count = || Change::Count { counter: counter(), add: 1, within: Bounds::ANY };
    let plan = decide(
        &batch([
            vec![insert(alias(2, "", "b")), count()],
            vec![update(alias(1, "", "b"), 1)],
            vec![update(alias(1, "", "c"), 1), count()],
            vec![update(alias(1, "", "b"), 2)],
        ]),
        &stored,
    );
    assert_eq!(applied(&plan), [true, false, true, false]);
    let mut asked = stored.asked.into_inner();
    let before = asked.len();
    asked.sort();
    asked.dedup();
    assert_eq!(asked.len(), before, "{asked:#?}");
}

#[test]
fn an_update_looks_its_keys_up_under_the_stored_tenant() {
    let holder = alias(2, "kept", "taken");
    let stored = Stored::with([alias(1, "kept", "a"), holder.clone(), alias(3, "named", "free")]);
    let plan = decide(
        &batch([vec![update(alias(1, "named", "taken"), 1)], vec![update(alias(1, "named", "free"), 1)]]),
        &stored,
    );
    let taken = Conflict::Taken { key: key_of(&holder), holder: holder.id() };
    assert_eq!(outcomes(&plan), [Outcome::Conflict { index: 0, conflict: taken }, Outcome::Applied]);
    assert!(plan.holders.iter().all(|holder| holder.key.tenant == tenant("kept")), "{:?}", plan.holders);
    assert_eq!(stored.asked_for("named"), 0);
}

#[test]
fn a_released_key_is_not_looked_up_and_a_later_changeset_may_take_it() {
    let (old, new) = (alias(1, "", "a"), alias(2, "", "a"));
    for release in [update(alias(1, "", "b"), 1), delete(&old, 1)] {
        let stored = Stored::with([old.clone()]);
        let plan = decide(&batch([vec![release], vec![insert(new.clone())]]), &stored);
        assert_eq!(applied(&plan), [true, true]);
        assert_eq!(stored.asked_for("Text(\"a\")"), 0, "{:?}", stored.asked);
        let moved = Transition { key: key_of(&old), before: Some(old.id()), after: Some(new.id()) };
        assert!(plan.holders.contains(&moved), "{:?}", plan.holders);
    }
}

#[test]
fn a_conflict_touches_no_neighbour_and_is_not_rested_on() {
    let (old, other) = (alias(1, "", "a"), alias(2, "", "b"));
    let stored = Stored::with([old.clone(), other.clone()]);
    let plan = decide(
        &batch([
            vec![
                delete(&old, 1),
                Change::Count { counter: counter(), add: 5, within: Bounds::ANY },
                insert(alias(3, "", "c")),
                update(alias(2, "", "c"), 9),
            ],
            vec![insert(alias(4, "", "a"))],
            vec![insert(alias(4, "", "c"))],
        ]),
        &stored,
    );
    let stale = Conflict::Stale { id: other.id(), now: Some(Version::FIRST) };
    let taken = Conflict::Taken { key: key_of(&old), holder: old.id() };
    assert_eq!(
        outcomes(&plan),
        [
            Outcome::Conflict { index: 3, conflict: stale },
            Outcome::Conflict { index: 0, conflict: taken },
            Outcome::Applied
        ]
    );
    assert_eq!(plan.records.iter().map(|record| record.key).collect::<Vec<_>>(), [alias(4, "", "c").id()]);
    assert!(plan.numbers.is_empty());
}

#[test]
fn what_was_only_expected_is_in_the_plan_as_it_is() {
    let old = alias(1, "", "a");
    let expect = Change::Expect { id: old.id(), was: Version::FIRST };
    let plan = decide(&batch([vec![expect]]), &Stored::with([old.clone()]));
    let held = Transition { key: old.id(), before: Some(old.clone()), after: Some(old) };
    assert!(!held.is_change());
    assert_eq!(plan.records, [held]);
    assert!(plan.rows(|_, _| Vec::new()).is_empty());
}

#[test]
fn a_patched_record_keeps_its_keys_and_moves_its_entries() {
    let user = Value::Text("ada".into());
    let (old, now) = (
        response(1),
        Record::from_values(Kind::Response, {
            let mut values = response(1).values();
            values[Kind::Response.position("user").unwrap()] = user.clone();
            values
        }),
    );
    let patch = |record: &Record, set| Change::Patch {
        kind: record.id().kind,
        of: vec![(record.id().uuid, Version::FIRST)],
        set,
    };
    let stored = Stored::with([old.clone()]);
    let plan = decide(&batch([vec![patch(&old, vec![("user", user)])]]), &stored);
    let now = now.unwrap().at_version(Version::new(2));
    assert_eq!(plan.records, [Transition { key: old.id(), before: Some(old), after: Some(now) }]);
    let entries = plan.rows(|_, _| Vec::new()).into_iter().filter(|row| row.table == Table::Entries);
    let (added, removed): (Vec<_>, Vec<_>) = entries.partition(|row| row.value.is_some());
    assert_eq!((added.len(), removed.len()), (1, 1), "from what nobody claimed to what a user did");

    let link = alias(1, "", "a");
    let stored = Stored::with([link.clone()]);
    let moved = vec![("link", Value::Uuid(Uuid::from_u128(9)))];
    let plan = decide(&batch([vec![patch(&link, moved)], vec![insert(alias(2, "", "a"))]]), &stored);
    assert_eq!(applied(&plan), [true, false]);
    assert!(plan.holders.is_empty());
    assert!(plan.rows(|_, _| Vec::new()).iter().all(|row| row.table != Table::Keys));
}

#[test]
fn a_patch_is_all_or_nothing_and_names_the_first_that_is_stale() {
    let stored = Stored::with([response(1), response(2).at_version(Version::new(2))]);
    let of = [1, 3, 2].map(|id| (Uuid::from_u128(id), Version::FIRST)).to_vec();
    let set = vec![("user", Value::Text("ada".into()))];
    let patch = Change::Patch { kind: Kind::Response, of, set };
    let plan = decide(&batch([vec![patch]]), &stored);
    let conflict = Conflict::Stale { id: response(3).id(), now: None };
    assert_eq!(outcomes(&plan), [Outcome::Conflict { index: 0, conflict }]);
    assert!(plan.records.is_empty());
}

#[test]
fn counts_are_bounded_and_exact_and_tallies_stay_at_the_end() {
    let mut stored =
        Stored { numbers: vec![(counter(), i64::MAX), (tally(), i64::MIN)], ..Stored::default() };
    let witness = |id| insert(response(id));
    let count = |add, within| Change::Count { counter: counter(), add, within };
    let tallied = |add| Change::Tally { counter: tally(), add };
    let plan = decide(
        &batch([
            vec![witness(1), count(1, Bounds::ANY)],
            vec![witness(2), count(-1, Bounds::new(0, i64::MAX - 2))],
            vec![witness(3), count(-1, Bounds::new(0, i64::MAX - 1)), tallied(-1), tallied(-1)],
        ]),
        &stored,
    );
    let full = Conflict::OutOfBounds { counter: counter(), value: i64::MAX };
    let conflict = Outcome::Conflict { index: 1, conflict: full };
    assert_eq!(outcomes(&plan), [conflict.clone(), conflict, Outcome::Applied]);
    assert_eq!(
        plan.numbers,
        [
            Transition { key: counter(), before: Some(i64::MAX), after: Some(i64::MAX - 1) },
            Transition { key: tally(), before: Some(i64::MIN), after: Some(i64::MIN) }
        ]
    );
    // A number that comes back to 0 is absent; one that stays so is rested on all the same.
    stored.numbers = vec![(tally(), 2)];
    let plan = decide(&batch([vec![witness(1), tallied(-2), count(0, Bounds::new(0, 0))]]), &stored);
    assert_eq!(
        plan.numbers,
        [
            Transition { key: counter(), before: None, after: None },
            Transition { key: tally(), before: Some(2), after: None }
        ]
    );
    let numbers: Vec<_> =
        plan.rows(|_, _| Vec::new()).into_iter().filter(|row| row.table == Table::Numbers).collect();
    assert_eq!(numbers.len(), 1);
    assert_eq!(numbers[0].value, None);
}

#[test]
fn a_look_that_fails_is_the_answer_of_one_changeset() {
    struct Broken(Stored);
    impl Look for Broken {
        fn record(&self, id: RecordId) -> Result<Option<Record>, StoreError> {
            if id == alias(1, "", "a").id() {
                return Err(StoreError::new(StoreErrorKind::Corrupt, "test", "read", "no record"));
            }
            self.0.record(id)
        }

        fn holder(&self, key: &UniqueKey) -> Result<Option<RecordId>, StoreError> {
            self.0.holder(key)
        }

        fn number(&self, key: &CounterKey) -> Result<Option<i64>, StoreError> {
            self.0.number(key)
        }
    }
    let plan = decide(
        &batch([
            vec![insert(alias(2, "", "b")), update(alias(1, "", "c"), 1)],
            vec![insert(alias(3, "", "b"))],
        ]),
        &Broken(Stored::default()),
    );
    assert_eq!(plan.answers[0].as_ref().unwrap_err().kind(), StoreErrorKind::Corrupt);
    assert_eq!(*plan.answers[1].as_ref().unwrap(), Outcome::Applied);
    assert_eq!(plan.records.len(), 1);
}

fn failure(kind: StoreErrorKind) -> StoreError {
    StoreError::new(kind, "test", "commit", "the disk is gone")
}

fn kinds(answers: &[Answer]) -> Vec<Option<StoreErrorKind>> {
    answers.iter().map(|answer| answer.as_ref().err().map(StoreError::kind)).collect()
}

#[test]
fn no_conflict_is_kept_when_the_write_fails() {
    let invalid = Change::Count { counter: tally(), add: 1, within: Bounds::ANY };
    let three = batch([vec![insert(alias(1, "", "a"))], vec![invalid], vec![insert(alias(2, "", "a"))]]);
    let kept = answer(&three, |valid| Ok(decide(valid, &Stored::default()).answers));
    assert_eq!(kinds(&kept), [None, Some(StoreErrorKind::Invalid), None]);
    assert!(matches!(kept[2], Ok(Outcome::Conflict { .. })));
    let lost = answer(&three, |_| Err(failure(StoreErrorKind::Full)));
    assert_eq!(
        kinds(&lost),
        [Some(StoreErrorKind::Full), Some(StoreErrorKind::Invalid), Some(StoreErrorKind::Full)]
    );
}

#[test]
fn refused_changesets_are_answered_at_their_place() {
    let invalid = Change::Count { counter: tally(), add: 1, within: Bounds::ANY };
    let (valid, refusals) =
        sort_out(&batch([vec![invalid.clone()], vec![insert(alias(1, "", "a"))], vec![invalid]]));
    assert_eq!(valid.len(), 1);
    let answers = refusals.merge([Ok(Outcome::Applied)]);
    assert_eq!(kinds(&answers), [Some(StoreErrorKind::Invalid), None, Some(StoreErrorKind::Invalid)]);
}

#[tokio::test]
async fn only_an_error_that_may_be_of_one_is_looked_for_one_by_one() {
    let two = batch([vec![insert(alias(1, "", "a"))], vec![insert(alias(2, "", "b"))]]);
    for (kind, singly) in [(StoreErrorKind::Other, true), (StoreErrorKind::Unavailable, false)] {
        let calls = RefCell::new(Vec::new());
        let answers = together_or_singly(&two, async |batch: Vec<Changeset>| {
            calls.borrow_mut().push(batch.len());
            if batch.contains(&two[0]) { Err(failure(kind)) } else { Ok(vec![Ok(Outcome::Applied)]) }
        });
        let answers = answers.await;
        let calls = calls.into_inner();
        if singly {
            assert_eq!(calls, [2, 1, 1]);
            assert_eq!(kinds(&answers), [Some(kind), None]);
        } else {
            assert_eq!(calls, [2]);
            assert_eq!(kinds(&answers), [Some(kind), Some(kind)]);
        }
    }
}
