//! One read call shows changesets that were committed, each as a whole.

use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use referral_core::store::{
    CounterKey, CounterRange, Index, Kind, Range, Read, Record, RecordId, Seek, Store, UniqueKey, Value,
};
use tokio::task::yield_now;
use uuid::Uuid;

use super::field::{Field, MEMBERS};
use crate::cx::Cx;
use crate::make::place;
use crate::race::race;

/// How many points that are not there stand between those that are. A store that looks up a long list in pieces then
/// needs several.
const BETWEEN: usize = 8;

/// What is done at once: one writes, and each of the others uses one of the four reads.
const CALLERS: usize = 5;

/// One changeset after another changes records of every kind, their keys, their places and numbers, while others ask for
/// all of it in one call of each read. It goes on until there were some changesets and each reader has asked often enough
/// to have asked in each of its ways.
pub async fn one_read_call_shows_each_changeset_whole(cx: Cx) {
    let (least, most, turns) = (cx.rounds(20), cx.rounds(60), cx.rounds(24));
    let field = Arc::new(Field::new(&cx, most));
    cx.apply(field.first()).await;
    let (written, asked) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    race(CALLERS, |caller| {
        let (cx, field) = (cx.clone(), field.clone());
        let (written, asked) = (written.clone(), asked.clone());
        async move {
            if caller == 0 {
                // Also if a changeset is refused, or the readers would wait for ever.
                let _written = SetWhenDropped(written);
                for round in 1..=most {
                    cx.apply(field.next(i64::try_from(round).expect("a few rounds"))).await;
                    if round >= least && asked.load(Ordering::SeqCst) == CALLERS - 1 {
                        break;
                    }
                    yield_now().await;
                }
                return;
            }
            let reader = Reader::new(cx.store(), field);
            let mut turn = 0;
            while !written.load(Ordering::SeqCst) {
                match caller {
                    1 => reader.get(turn).await,
                    2 => reader.find(turn).await,
                    3 => reader.page(turn).await,
                    _ => reader.counters(turn).await,
                }
                turn += 1;
                if turn == turns {
                    asked.fetch_add(1, Ordering::SeqCst);
                }
                // A store that never waits would keep the writer from its turn.
                yield_now().await;
            }
        }
    })
    .await;
}

struct SetWhenDropped(Arc<AtomicBool>);

impl Drop for SetWhenDropped {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Asks for everything at once, and compares what comes with one round.
struct Reader {
    store: Arc<dyn Store>,
    field: Arc<Field>,
    ids: Vec<RecordId>,
    keys: Vec<UniqueKey>,
}

impl Reader {
    fn new(store: Arc<dyn Store>, field: Arc<Field>) -> Self {
        let (ids, keys) = (field.ids(), field.keys());
        Self { store, field, ids, keys }
    }

    /// Alone, or with other ids between them.
    async fn get(&self, turn: usize) {
        let between = if turn % 2 == 1 { BETWEEN } else { 0 };
        let unknown = |id: &RecordId| RecordId { uuid: Uuid::from_u128(!id.uuid.as_u128()), ..*id };
        let ids = spread(&self.ids, between, unknown);
        let came = self.store.get(&ids).await.expect("get");
        let round = round_of(came.iter().flatten().next());
        let records = self.field.records(round);
        let expected: Vec<_> =
            ids.iter().map(|id| records.iter().find(|record| record.id() == *id).cloned()).collect();
        one_round("get of records of every kind", round, &versions(&came), &versions(&expected));
        one_round("get of records of every kind", round, &came, &expected);
    }

    /// Alone, or with other keys between them.
    async fn find(&self, turn: usize) {
        let between = if turn % 2 == 1 { BETWEEN } else { 0 };
        let unknown = |key: &UniqueKey| UniqueKey { parts: unheld(key), ..key.clone() };
        let keys = spread(&self.keys, between, unknown);
        let came = self.store.find(&keys).await.expect("find");
        let round = round_of(came.iter().flatten().next());
        let holders = self.field.holders(round);
        let expected: Vec<_> =
            keys.iter().map(|key| holders.get(key).map(|record| (*record).clone())).collect();
        one_round("find of keys that change hands", round, &versions(&came), &versions(&expected));
        one_round("find of keys that change hands", round, &came, &expected);
    }

    /// From the beginning, or behind the first record.
    async fn page(&self, turn: usize) {
        let index = Index::ALL[turn / 4 % Index::ALL.len()];
        let behind = turn / 2 % 2 == 1;
        let places = [0, 1].map(|round| place(index, self.field.first_of(index, round)));
        let Some(prefix) = &places[turn % 2] else { return };
        let skipped = usize::from(behind);
        let first = self.field.first_of(index, 0);
        let after = Seek { at: first.created_at().as_millis(), id: first.id().uuid };
        let range = Range { after: behind.then_some(after), ..Range::oldest() };
        let came = self.store.page(index, prefix, &range, 100).await.expect("page");
        if came.is_empty() && places[0] != places[1] {
            // They stand in the other place.
            return;
        }
        assert!(
            !came.is_empty(),
            "{MEMBERS} records never leave {index:?} of {prefix:?}, and a page gave none"
        );
        let round = round_of(came.first());
        let came: Vec<_> = came.into_iter().map(Some).collect();
        let expected = self.field.page(index, prefix, round).into_iter().skip(skipped);
        let expected: Vec<_> = expected.map(Some).collect();
        let what = format!("page of {index:?}");
        one_round(&what, round, &versions(&came), &versions(&expected));
        one_round(&what, round, &came, &expected);
    }

    /// From the beginning, or behind the first number.
    async fn counters(&self, turn: usize) {
        let families = self.field.families();
        let (family, behind) = (families[turn % families.len()], turn / 2 % 2 == 1);
        let after = behind.then(|| self.field.numbers(family, 0).swap_remove(0).0);
        let range = CounterRange { after, ..CounterRange::first(100) };
        let came = self.store.counters(&Field::prefix(family), &range).await.expect("counters");
        let round = came.first().map_or(0, |(_, value)| value - 1);
        let expected = self.field.numbers(family, round).into_iter().skip(usize::from(behind));
        let short = |numbers: &[(CounterKey, i64)]| -> Vec<(String, i64)> {
            numbers.iter().map(|(key, value)| (key.parts[1].as_str().to_owned(), *value)).collect()
        };
        let expected: Vec<_> = expected.collect();
        one_round("read of numbers that grow together", round, &short(&came), &short(&expected));
        one_round("read of numbers that grow together", round, &came, &expected);
    }
}

/// All points, with so many others behind each of them.
fn spread<T: Clone>(points: &[T], between: usize, unknown: impl Fn(&T) -> T) -> Vec<T> {
    let others = |point: &T| std::iter::repeat_n(unknown(point), between);
    points.iter().flat_map(|point| std::iter::once(point.clone()).chain(others(point))).collect()
}

/// The parts of a key that no record holds.
fn unheld(key: &UniqueKey) -> Vec<Value> {
    let part = |part: &Value| match part {
        Value::Text(_) => Value::Text("nobody".into()),
        other => other.clone(),
    };
    key.parts.iter().map(part).collect()
}

/// The round that a record is of.
fn round_of(record: Option<&Record>) -> i64 {
    record.map_or(0, |record| record.version().get() - 1)
}

/// What is enough to see that records are of several rounds: their kinds and versions.
fn versions(records: &[Option<Record>]) -> Vec<Option<(Kind, i64)>> {
    records
        .iter()
        .map(|record| Some((record.as_ref()?.id().kind, record.as_ref()?.version().get())))
        .collect()
}

#[track_caller]
fn one_round<T: PartialEq + Debug>(read: &str, round: i64, came: &T, expected: &T) {
    assert_eq!(
        came, expected,
        "one {read}, while each changeset changes all that it asks for: what came begins as changeset {round} left \
         it, and is not all (right) that this changeset left"
    );
}
