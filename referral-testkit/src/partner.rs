//! A second live process on the same data: it does what it is told, and tells what came of it.

use std::sync::Arc;

use referral_core::store::{Change, Changeset, Conflict, CounterKey, Outcome, Store, UniqueKey};
use referral_core::{Alias, Code};
use uuid::Uuid;

use crate::child::{Child, acknowledge, told};
use crate::cx::Cx;
use crate::harness::Harness;
use crate::make::{code, count, counter, statistic, tally};
use crate::race::race;
use crate::samples;
use crate::subject::Subject;

/// The name of its task.
pub(crate) const TASK: &str = "partner";

/// How many contend in each process.
const RACERS: usize = 4;

/// The keys of a contest.
pub(crate) const KEYS: u64 = 20;

/// How often each racer counts in a contest.
const COUNTS: usize = 12;

/// What the number of a contest may come to: less than both processes would count together.
pub(crate) const BOUND: i64 = 60;

/// A partner, as the process that started it sees it.
pub(crate) struct Partner(Child);

impl Partner {
    /// Starts one, where the store says that processes may share it. `None` where there can be none.
    pub(crate) async fn start(cx: &Cx) -> Option<Self> {
        if !cx.facts().shared {
            return None;
        }
        let Some(address) = cx.address() else {
            cx.skip("the harness gives no address at which another process finds the data");
            return None;
        };
        let mut partner = Self(Child::start(&cx.settings().again, &format!("{TASK}@{address}")));
        assert_eq!(partner.hears().await, "ready", "what a second process says that opened the data");
        Some(partner)
    }

    async fn hears(&mut self) -> String {
        let Some(said) = self.0.next().await else {
            panic!("the second process ended: the store is shared, so it has to open and to read the data")
        };
        said
    }

    /// Tells it a line, and gives what it says to that.
    pub(crate) async fn asked(&mut self, line: &str) -> String {
        self.0.tell(line).await;
        self.hears().await
    }

    /// Tells it to begin a contest, and runs it here at the same time. Gives what came of it here and there.
    pub(crate) async fn contest<T, F>(&mut self, line: &str, here: impl FnOnce() -> F) -> (T, String)
    where
        F: Future<Output = T>,
    {
        assert_eq!(self.asked(line).await, "begun", "what the second process says to {line}");
        let here = here().await;
        (here, self.hears().await)
    }
}

/// What the child does: line after line, until the parent lets it go.
pub(crate) async fn serve(harness: &dyn Harness, address: &str) {
    let opened = harness.attach(address).await.expect("the second process finds the data");
    acknowledge("ready");
    loop {
        let line = tokio::task::spawn_blocking(told).await.expect("a line");
        let Some(line) = line else { std::process::exit(0) };
        let mut words = line.split(' ');
        let verb = words.next().unwrap_or_default();
        let mut number = || words.next().and_then(|word| word.parse::<u64>().ok()).expect("a number");
        let store = &opened.store;
        match verb {
            "show" => acknowledge(show(&**store, &Subject::numbered(number())).await),
            "step" => {
                let (subject, step) = (Subject::numbered(number()), number() as usize);
                let (_, changeset, _) = subject.life().swap_remove(step);
                acknowledge(format!("{:?}", store.commit(&[changeset]).await));
            }
            "count" => {
                let (subject, witness) = (Subject::numbered(number()), Uuid::from_u64_pair(number(), 9));
                let witness = Change::Insert(samples::link(witness).into());
                acknowledge(format!("{:?}", store.commit(&[subject.counted(witness, 1)]).await));
            }
            "keys" => {
                let contest = number();
                acknowledge("begun");
                acknowledge(contend(store, contest, 2).await);
            }
            "numbers" => {
                let contest = number();
                acknowledge("begun");
                acknowledge(count_up(store, contest, 2).await);
            }
            other => panic!("nobody knows how to {other}"),
        }
    }
}

/// All that a store shows of a subject, in words.
pub(crate) async fn show(store: &dyn Store, subject: &Subject) -> String {
    format!("{:?} {:?}", subject.shown(store).await, subject.read_numbers(store).await)
}

/// The alias under which a side contends for a key.
pub(crate) fn contender(contest: u64, key: u64, side: u64) -> Alias {
    let code = Code::new(format!("contest-{contest}-{key}")).unwrap();
    samples::alias(Uuid::from_u64_pair(contest << 16 | key, side), code)
}

/// The key that is contended for.
pub(crate) fn prize(contest: u64, key: u64) -> UniqueKey {
    code(&format!("contest-{contest}-{key}"))
}

/// Contends for every key of a contest, and tells of each whether it was won: `+` or `-`.
pub(crate) async fn contend(store: &Arc<dyn Store>, contest: u64, side: u64) -> String {
    let store = store.clone();
    let won = race(RACERS, move |racer| {
        let store = store.clone();
        async move {
            let mut won = Vec::new();
            for key in (0..KEYS).filter(|key| *key as usize % RACERS == racer) {
                let alias = contender(contest, key, side);
                let answer = store.commit(&[Changeset::new([Change::Insert(alias.into())])]).await.pop();
                let mark = match answer {
                    Some(Ok(Outcome::Applied)) => '+',
                    Some(Ok(Outcome::Conflict { conflict: Conflict::Taken { .. }, .. })) => '-',
                    other => panic!("a contest for a key ends with a winner: {other:?}"),
                };
                won.push((key, mark));
            }
            won
        }
    })
    .await;
    let mut won: Vec<_> = won.into_iter().flatten().collect();
    won.sort_unstable();
    won.into_iter().map(|(_, mark)| mark).collect()
}

/// The bounded number and the statistic of a contest.
pub(crate) fn numbers(contest: u64) -> [CounterKey; 2] {
    let name = format!("contest-{contest}");
    [counter(&name), statistic(&name, "all")]
}

/// Counts up to the bound of a contest, and tells how often that was applied.
pub(crate) async fn count_up(store: &Arc<dyn Store>, contest: u64, side: u64) -> usize {
    let store = store.clone();
    let counted = race(RACERS, move |racer| {
        let store = store.clone();
        async move {
            let [bounded, free] = numbers(contest);
            let mut applied = 0;
            for turn in 0..COUNTS {
                let witness = (contest << 16) | (racer * COUNTS + turn) as u64;
                let witness = samples::link(Uuid::from_u64_pair(witness, side));
                let changes = [Change::Insert(witness.into()), count(&bounded, 1, 0, BOUND), tally(&free, 1)];
                let answer = store.commit(&[Changeset::new(changes)]).await.pop();
                match answer {
                    Some(Ok(Outcome::Applied)) => applied += 1,
                    Some(Ok(Outcome::Conflict { index: 1, conflict: Conflict::OutOfBounds { .. } })) => {}
                    other => panic!("a count is applied or out of bounds: {other:?}"),
                }
            }
            applied
        }
    })
    .await;
    counted.into_iter().sum()
}
