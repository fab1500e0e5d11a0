//! Interleaved rounds and their medians.

use std::error::Error;
use std::pin::Pin;
use std::time::{Duration, Instant};

use referral_core::store::StoreFacts;
use serde::Serialize;

/// What goes wrong ends the program, whatever it is.
pub(crate) type Failure = Box<dyn Error + Send + Sync>;

/// Work that was begun.
pub(crate) type Turn<'a> = Pin<Box<dyn Future<Output = Result<(), Failure>> + Send + 'a>>;

/// Work that is done as often as it is told.
pub(crate) type Work<'a> = &'a (dyn Fn(u32) -> Turn<'a> + Sync);

/// Work that says how long it took, without what it had to prepare.
pub(crate) type Timed<'a> = Pin<Box<dyn Future<Output = Result<Duration, Failure>> + Send + 'a>>;

/// Prepares something and does it once.
pub(crate) type PreparedWork<'a> = &'a (dyn Fn() -> Timed<'a> + Sync);

/// How many rounds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rounds(pub(crate) u32);

/// One measured case.
#[derive(Debug, Serialize)]
pub(crate) struct Line {
    pub(crate) case: &'static str,
    pub(crate) store: &'static str,
    pub(crate) durability: &'static str,
    pub(crate) ours: f64,
    pub(crate) theirs: f64,
    pub(crate) ratio: f64,
    pub(crate) rounds: u32,
    /// Of `ours` and `theirs`.
    pub(crate) unit: &'static str,
}

/// What the rounds came to, for one operation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measured {
    /// Nanoseconds.
    ours: f64,
    /// Nanoseconds.
    theirs: f64,
    /// Of times: less is better.
    ratio: f64,
    rounds: u32,
}

impl Measured {
    /// As nanoseconds for an operation; a ratio below 1 is faster than theirs.
    pub(crate) fn as_time(self, case: &'static str, store: &'static str, durability: &'static str) -> Line {
        let Self { ours, theirs, ratio, rounds } = self;
        Line { case, store, durability, ours, theirs, ratio: fine(ratio), rounds, unit: "ns" }
    }

    /// As operations in a second; a ratio above 1 is faster than theirs.
    pub(crate) fn as_rate(self, case: &'static str, store: &'static str, durability: &'static str) -> Line {
        let rate = |nanos: f64| (1e9 / nanos).round();
        let (ours, theirs) = (rate(self.ours), rate(self.theirs));
        let (ratio, rounds) = (fine(1.0 / self.ratio), self.rounds);
        Line { case, store, durability, ours, theirs, ratio, rounds, unit: "rows/s" }
    }
}

fn fine(number: f64) -> f64 {
    (number * 1000.0).round() / 1000.0
}

/// Measures two ways of doing the same, in turns. Each is told how often to do it, so that one turn takes at least
/// `least`.
pub(crate) async fn compare(
    rounds: Rounds,
    least: Duration,
    ours: Work<'_>,
    theirs: Work<'_>,
) -> Result<Measured, Failure> {
    let (often_ours, often_theirs) = (calibrate(least, ours).await?, calibrate(least, theirs).await?);
    let (mut all_ours, mut all_theirs, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..rounds.0 {
        // They take turns in going first, because the first may find a machine that the other one has warmed up.
        let (a, b) = if round % 2 == 0 {
            let a = time(often_ours, ours).await?;
            (a, time(often_theirs, theirs).await?)
        } else {
            let b = time(often_theirs, theirs).await?;
            (time(often_ours, ours).await?, b)
        };
        all_ours.push(a);
        all_theirs.push(b);
        ratios.push(a / b);
    }
    let (ours, theirs) = (median(all_ours).round(), median(all_theirs).round());
    Ok(Measured { ours, theirs, ratio: median(ratios), rounds: rounds.0 })
}

/// Measures two ways of doing the same, once in each turn. Each prepares what it needs before, and says how long the
/// work itself took.
pub(crate) async fn compare_prepared(
    rounds: Rounds,
    ours: PreparedWork<'_>,
    theirs: PreparedWork<'_>,
) -> Result<Measured, Failure> {
    let (mut all_ours, mut all_theirs, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..rounds.0 {
        let (a, b) = if round % 2 == 0 {
            let a = ours().await?;
            (a, theirs().await?)
        } else {
            let b = theirs().await?;
            (ours().await?, b)
        };
        let (a, b) = (a.as_secs_f64() * 1e9, b.as_secs_f64() * 1e9);
        all_ours.push(a);
        all_theirs.push(b);
        ratios.push(a / b);
    }
    let (ours, theirs) = (median(all_ours).round(), median(all_theirs).round());
    Ok(Measured { ours, theirs, ratio: median(ratios), rounds: rounds.0 })
}

/// How often it has to be done for a turn to take long enough. This warms up too.
async fn calibrate(least: Duration, work: Work<'_>) -> Result<u32, Failure> {
    let mut often = 1_u32;
    loop {
        let started = Instant::now();
        work(often).await?;
        if started.elapsed() >= least || often > u32::MAX / 2 {
            return Ok(often);
        }
        often *= 2;
    }
}

/// Nanoseconds for doing it once.
async fn time(often: u32, work: Work<'_>) -> Result<f64, Failure> {
    let started = Instant::now();
    work(often).await?;
    Ok(started.elapsed().as_secs_f64() * 1e9 / f64::from(often))
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    let middle = numbers.len() / 2;
    let upper = numbers.get(middle).copied().unwrap_or(f64::NAN);
    if numbers.len() % 2 == 1 {
        return upper;
    }
    let lower = middle.checked_sub(1).and_then(|at| numbers.get(at)).copied().unwrap_or(f64::NAN);
    f64::midpoint(lower, upper)
}

/// What a store promises about what it acknowledged.
pub(crate) const fn durability(facts: StoreFacts) -> &'static str {
    if facts.durable { "durable" } else { "none" }
}
