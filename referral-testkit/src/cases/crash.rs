//! A process is killed while it writes everything that there is to write. Every changeset is there as a whole or not at
//! all: its records, their keys, their entries in every index and its numbers.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use referral_core::store::{CounterKey, Read};

use crate::child::{Child, READY, SCRIPTS, WRONG};
use crate::compare::{self, Mentioned};
use crate::cx::{Cx, assert_applied};
use crate::model::{Model, Verdict};
use crate::script::{self, Batch, Random, Script};

/// How often what a killed process left is read again, because its server may still be at work on it. The pauses
/// between come to a second.
const PATIENCE: usize = 50;

/// How many processes are killed.
const ROUNDS: usize = 12;

/// A process is killed at a random moment, many times. It has a writer of small changesets in batches, one of batches of
/// larger ones, and one of changesets up to the largest; all three, or one of the last two alone. They hold changes of
/// every kind, random and compared with the model.
///
/// Of a writer, everything that was acknowledged is there. Of the batch that was on its way, each changeset is there as a
/// whole or not at all. A store that does not say that it is durable may have lost the last that it acknowledged.
pub async fn a_killed_process_leaves_every_changeset_whole_or_absent(cx: Cx) {
    if !cx.outlives_process() {
        return;
    }
    let Some(address) = cx.address() else {
        cx.skip("the harness gives no address at which another process finds the data");
        return;
    };
    // What is embedded in a process ends with it.
    let patience = if cx.facts().shared { PATIENCE } else { 1 };
    let mut moments = Moments { random: Random(u64::from(std::process::id())), between: Duration::ZERO };
    let mut first = Vec::new();
    for round in 0..cx.rounds(ROUNDS) as u64 {
        cx.close();
        let acknowledged = moments.killed(&cx, round, &address).await;
        assert!(cx.reopen().await, "the harness opens the data after a kill");
        let left = settled(&cx, round, &acknowledged, patience).await;
        if round == 0 {
            first = left;
        }
        // And it can be written to.
        assert_applied(&cx.commit([cx.witness()]).await);
    }
    for (model, mentioned) in first {
        let problem = compare::everything(&*cx.store(), &model, &mentioned).await.err();
        assert_eq!(problem, None, "what the first kill left is there after the last one");
    }
}

/// The moments at which the children are killed.
struct Moments {
    random: Random,
    /// How long it takes from one answer to the next.
    between: Duration,
}

impl Moments {
    /// Starts a child, kills it, and gives how many batches of each writer were acknowledged.
    async fn killed(&mut self, cx: &Cx, round: u64, address: &str) -> BTreeMap<u64, usize> {
        let mut child = Child::start(&cx.settings().again, &format!("{SCRIPTS}{round}@{address}"));
        let mut told: BTreeMap<u64, usize> = script::writers(round).map(|writer| (writer, 0)).collect();
        for _ in 0..told.len() {
            hear(child.next().await, &mut told);
        }
        let started = Instant::now();
        let enough = 1 + self.random.below(2 * told.len() as u64) as u32;
        for _ in 0..enough {
            hear(child.next().await, &mut told);
        }
        self.between = started.elapsed() / enough;
        // An answer is no random moment. What comes next is cut anywhere if the pause is a random part of the time
        // that it takes.
        let part = self.random.below(130) as u32;
        tokio::time::sleep(self.between * part / 100).await;
        for more in child.kill().await {
            hear(Some(more), &mut told);
        }
        told
    }
}

/// What a child tells: a number whenever a batch of that writer was acknowledged.
#[track_caller]
fn hear(told: Option<String>, acknowledged: &mut BTreeMap<u64, usize>) {
    let told = told.expect("the child ended by itself; what it wrote to the standard error says why");
    if let Some(what) = told.strip_prefix(WRONG) {
        panic!("before the kill {what}");
    }
    if told != READY {
        let writer: u64 = told.parse().expect("the number of a writer");
        *acknowledged.entry(writer).or_default() += 1;
    }
}

/// Waits until what was on its way has arrived or is gone, and gives what is there: of each writer one of the states in
/// which it may be.
async fn settled(
    cx: &Cx,
    round: u64,
    acknowledged: &BTreeMap<u64, usize>,
    patience: usize,
) -> Vec<(Model, Mentioned)> {
    let durable = cx.facts().durable;
    let writer = |(writer, acknowledged): (&u64, &usize)| Writer::new(round, *writer, *acknowledged, durable);
    let writers: Vec<_> = acknowledged.iter().map(writer).collect();
    let mut attempts = 0;
    loop {
        match left(&*cx.store(), round, &writers).await {
            Ok(left) => {
                let left: Vec<_> = left.into_iter().cloned().collect();
                return left.into_iter().zip(writers.into_iter().map(|writer| writer.mentioned)).collect();
            }
            Err(problem) => {
                attempts += 1;
                assert!(
                    attempts < patience,
                    "kill {round}, acknowledged batches {acknowledged:?}: {problem}"
                );
            }
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A writer of a child that was killed.
struct Writer {
    number: u64,
    /// Every state in which the kill may have left what it wrote, the last ones first.
    states: Vec<Model>,
    mentioned: Mentioned,
}

impl Writer {
    fn new(round: u64, number: u64, acknowledged: usize, durable: bool) -> Self {
        let mut script = Script::new(round, number);
        script.mentioned = Some(Mentioned::default());
        let mut states = Vec::new();
        for told in 0..=acknowledged {
            let kept = (!durable || told == acknowledged).then(|| script.model.clone());
            let batch = script.batch();
            states.extend(kept.iter().flat_map(|before| possible(before, &batch)));
        }
        states.reverse();
        let mut mentioned = script.mentioned.unwrap_or_default();
        let [shared, _] = Script::shared(round);
        mentioned.families.retain(|(tenant, _)| *tenant != shared.tenant);
        Self { number, states, mentioned }
    }

    /// The state that the store shows.
    async fn state<S: Read + ?Sized>(&self, store: &S) -> Result<&Model, String> {
        let found = compare::stored(store, &self.mentioned.ids).await?;
        if let Some(model) = self.states.iter().find(|model| model.records == found) {
            compare::everything(store, model, &self.mentioned).await?;
            return Ok(model);
        }
        // What is told is the difference from the state that is the most like it.
        let unlike = |model: &&Model| {
            let other = found.iter().filter(|(id, record)| model.records.get(id) != Some(record)).count();
            other + model.records.keys().filter(|id| !found.contains_key(id)).count()
        };
        let nearest = self.states.iter().min_by_key(unlike).expect("a state");
        let difference = compare::difference(&nearest.records, &found).unwrap_or_default();
        Err(format!("a changeset is not whole: {difference}, and {} records differ", unlike(&nearest)))
    }
}

/// The states in which a batch may be left: each changeset that would have been applied is, or is not.
fn possible(before: &Model, batch: &Batch) -> impl Iterator<Item = Model> {
    let applied: Vec<_> = batch.iter().filter(|(_, verdict)| *verdict == Verdict::Applied).collect();
    (0..1_u32 << applied.len()).filter_map(move |chosen| {
        let mut model = before.clone();
        let mut chosen = applied.iter().enumerate().filter(|(place, _)| chosen & 1 << place != 0);
        let all = chosen.all(|(_, (changeset, _))| model.commit(changeset) == Verdict::Applied);
        all.then_some(model)
    })
}

/// What is there of each writer, and that the shared numbers are the sums of it.
async fn left<'a, S: Read + ?Sized>(
    store: &S,
    round: u64,
    writers: &'a [Writer],
) -> Result<Vec<&'a Model>, String> {
    let mut left = Vec::new();
    for writer in writers {
        let model =
            writer.state(store).await.map_err(|problem| format!("writer {}: {problem}", writer.number))?;
        left.push(model);
    }
    for shared in Script::shared(round) {
        let of = |model: &Model| model.numbers.get(&shared).copied().unwrap_or(0);
        let expected: i64 = left.iter().map(|model| of(model)).sum();
        let listed: BTreeMap<CounterKey, i64> = compare::listed(store, &shared.tenant, shared.family).await?;
        let found = listed.get(&shared).copied().unwrap_or(0);
        if found != expected {
            return Err(format!(
                "{shared:?} is {found}, and the changesets that are there add {expected} to it"
            ));
        }
    }
    Ok(left)
}
