//! Many callers write and read few records, keys and numbers at once. Afterwards there has to be a serial order which
//! explains every answer, and in which what ended before another call began comes before it.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::future::join_all;
use referral_core::store::{
    Change, Changeset, Conflict, CounterKey, Index, Outcome, Prefix, Range, Read, Record, RecordId, Store,
    UniqueKey, Value, Version,
};
use tokio::task::yield_now;
use uuid::Uuid;

use crate::cases::races::handles;
use crate::cx::{Cx, assert_applied, number};
use crate::make::{
    count, count_any, counter, delete, expect, insert, natural, nobody, patch, statistic, tally, text,
    update, user, with_natural, words,
};
use crate::model::Model;
use crate::samples;
use crate::serial::{Call, Clock, Step, assert_serial, committed};

/// How many act at once in a history, and how often each of them does.
const CALLERS: usize = 4;
const CALLS: usize = 4;

/// What many callers are answered on one handle has a serial order.
pub async fn the_answers_of_many_callers_have_a_serial_order(cx: Cx) {
    hold(&cx, &[cx.store(), cx.store()]).await;
}

/// What the callers of two handles are answered has one serial order.
pub async fn the_answers_on_two_handles_have_one_serial_order(cx: Cx) {
    if let Some(handles) = handles(&cx).await {
        hold(&cx, &handles).await;
    }
}

async fn hold(cx: &Cx, handles: &[Arc<dyn Store>; 2]) {
    let worlds: Vec<World> = (0..cx.rounds(60)).map(|number| World::new(cx, number)).collect();
    for some in worlds.chunks(50) {
        let sets: Vec<_> = some.iter().map(World::prepared).collect();
        cx.batch(&sets).await.iter().for_each(assert_applied);
    }
    for (at, world) in worlds.into_iter().enumerate() {
        let mut start = Model::default();
        start.commit(&world.prepared());
        let (world, clock) = (Arc::new(world), Clock::default());
        let callers = (0..CALLERS).map(|caller| {
            let seed = (at * CALLERS + caller) as u64;
            let caller = Caller::new(world.clone(), handles[caller % 2].clone(), clock.clone(), caller, seed);
            caller.run()
        });
        // In one task, where they take turns at each await, and in several.
        let mut calls: Vec<Call> = if at % 2 == 0 {
            join_all(callers).await.into_iter().flatten().collect()
        } else {
            let tasks = join_all(callers.map(tokio::spawn)).await.into_iter();
            tasks
                .flat_map(|done| done.unwrap_or_else(|lost| std::panic::resume_unwind(lost.into_panic())))
                .collect()
        };
        for handle in handles {
            let last = async {
                let mut steps = Vec::new();
                for read in 0..READS {
                    steps.push(world.read(&**handle, read).await);
                }
                steps
            };
            calls.push(clock.call(CALLERS, last).await);
        }
        calls.sort_by_key(|call| call.began);
        assert_serial(&format!("history {at}"), &start, &calls);
    }
}

/// Three links, two keys and two numbers, which no other history has.
struct World {
    ids: [Uuid; 3],
    keys: [String; 2],
    owner: String,
    numbers: [CounterKey; 2],
}

/// How many ways to read there are.
const READS: u64 = 5;

impl World {
    fn new(cx: &Cx, number: usize) -> Self {
        let ids = std::array::from_fn(|_| cx.uuid());
        let name = format!("h{number}");
        Self {
            ids,
            keys: ["a", "b"].map(|end| format!("{name}-{end}")),
            numbers: [counter(&name), statistic(&name, "")],
            owner: name,
        }
    }

    /// The first link has a key, the second one has none, and the third one is not there.
    fn prepared(&self) -> Changeset {
        Changeset::new([
            insert(self.link(0, Some(0), true)),
            insert(self.link(1, None, false)),
            count_any(&self.numbers[0], 1),
        ])
    }

    fn link(&self, at: usize, key: Option<usize>, owned: bool) -> Record {
        let owner = owned.then(|| user(&self.owner));
        let link =
            referral_core::Link { owner, label: text(&format!("link {at}")), ..samples::link(self.ids[at]) };
        with_natural(link, key.map(|key| self.keys[key].as_str())).into()
    }

    fn id(&self, at: usize) -> RecordId {
        self.link(at, None, false).id()
    }

    async fn read<S: Read + ?Sized>(&self, store: &S, which: u64) -> Step {
        match which {
            0 => {
                let ids = vec![self.id(0), self.id(1), self.id(2)];
                let found = store.get(&ids).await.expect("get");
                Step::Get(ids, found)
            }
            1 => {
                let keys: Vec<UniqueKey> = self.keys.iter().map(|key| natural(key)).collect();
                let found = store.find(&keys).await.expect("find");
                Step::Find(keys, found)
            }
            2 => {
                let prefix: Prefix = nobody().text(self.owner.as_str());
                let found =
                    store.page(Index::LinksOfOwner, &prefix, &Range::oldest(), 10).await.expect("page");
                Step::Page(Index::LinksOfOwner, prefix, found)
            }
            which => {
                let key = self.numbers[(which % 2) as usize].clone();
                let value = number(store, &key).await;
                Step::Number(key, value)
            }
        }
    }
}

/// One who acts at random, and remembers which version of a link was seen last.
struct Caller {
    world: Arc<World>,
    store: Arc<dyn Store>,
    clock: Clock,
    caller: usize,
    dice: Dice,
    known: BTreeMap<usize, i64>,
}

impl Caller {
    fn new(world: Arc<World>, store: Arc<dyn Store>, clock: Clock, caller: usize, seed: u64) -> Self {
        let known = BTreeMap::from([(0, 1), (1, 1)]);
        Self { world, store, clock, caller, dice: Dice(seed), known }
    }

    async fn run(mut self) -> Vec<Call> {
        let mut calls = Vec::new();
        for _ in 0..CALLS {
            for _ in 0..self.dice.roll(3) {
                yield_now().await;
            }
            let call = if self.dice.roll(3) == 0 { self.read().await } else { self.commit().await };
            calls.push(call);
        }
        calls
    }

    async fn read(&mut self) -> Call {
        let (which, world, store) = (self.dice.roll(READS), self.world.clone(), self.store.clone());
        let call = self.clock.call(self.caller, async { vec![world.read(&*store, which).await] }).await;
        if let [Step::Get(_, found)] = call.steps.as_slice() {
            for (at, record) in found.iter().enumerate() {
                self.learn(at, record.as_ref().map(Record::version));
            }
        }
        call
    }

    async fn commit(&mut self) -> Call {
        let before = self.known.clone();
        let batch: Vec<Changeset> = (0..=self.dice.roll(2)).map(|_| self.changeset()).collect();
        let store = self.store.clone();
        let asked = async {
            let answers = store.commit(&batch).await;
            committed(batch, answers)
        };
        let call = self.clock.call(self.caller, asked).await;
        let conflicts = call.steps.iter().filter_map(|step| match step {
            Step::Commit(_, Ok(Outcome::Conflict { conflict, .. })) => Some(conflict),
            _ => None,
        });
        // What was hoped for has not come to pass.
        for (place, conflict) in conflicts.enumerate() {
            if place == 0 {
                self.known.clone_from(&before);
            }
            if let Conflict::Stale { id, now } = conflict
                && let Some(at) = self.world.ids.iter().position(|uuid| *uuid == id.uuid)
            {
                self.learn(at, *now);
            }
        }
        call
    }

    fn learn(&mut self, at: usize, now: Option<Version>) {
        match now {
            Some(version) => self.known.insert(at, version.get()),
            None => self.known.remove(&at),
        };
    }

    /// A witness, and sometimes an expectation, a second write, a count or a tally.
    fn changeset(&mut self) -> Changeset {
        let first = self.dice.roll(3) as usize;
        let second = (first + 1 + self.dice.roll(2) as usize) % 3;
        let mut changes = vec![self.write(first)];
        match self.dice.roll(4) {
            0 => changes.push(self.write(second)),
            1 => changes.push(expect(self.world.id(second), self.known.get(&second).copied().unwrap_or(1))),
            _ => {}
        }
        let [counted, tallied] = &self.world.numbers;
        match self.dice.roll(6) {
            0 => changes.push(count(counted, 1, 0, 2)),
            1 => changes.push(count(counted, -1, 0, 2)),
            2 => changes.push(tally(tallied, 1)),
            3 => changes.extend([count_any(counted, 1), tally(tallied, -1)]),
            _ => {}
        }
        Changeset::new(changes)
    }

    /// A write of a link that may well be possible.
    fn write(&mut self, at: usize) -> Change {
        let key = [Some(0), Some(1), None][self.dice.roll(3) as usize];
        let owned = self.dice.roll(2) == 0;
        let record = self.world.link(at, key, owned);
        let id = record.id();
        let Some(was) = self.known.get(&at).copied() else {
            self.known.insert(at, 1);
            return insert(record);
        };
        match self.dice.roll(8) {
            0 => insert(record),
            1 | 2 => {
                self.known.remove(&at);
                delete(id, was)
            }
            3 | 4 => {
                self.known.insert(at, was + 1);
                let owner = if owned { words(&self.world.owner) } else { Value::Null };
                patch([(id, was)], [("owner", owner)])
            }
            _ => {
                self.known.insert(at, was + 1);
                update(record, was)
            }
        }
    }
}

/// The same numbers every time, so that a history is known by its place.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % sides
    }
}
