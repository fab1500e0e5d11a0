//! What the writers of a load met, and when.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use referral_core::store::{StoreError, StoreErrorKind};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::load::Load;
use crate::samples::WRITERS;
use crate::told::Ack;

/// How long anything may take that the load shall do: then it is stuck.
const STUCK: Duration = Duration::from_secs(90);

/// What the writers met so far.
#[derive(Clone, Debug, Default)]
pub struct Met {
    /// All that was acknowledged.
    pub told: BTreeSet<Ack>,
    /// The errors that callers got, with their kinds, in the order of time.
    pub errors: Vec<(Instant, StoreErrorKind, String)>,
    /// Clicks of which nobody knows whether they were recorded.
    pub doubtful_clicks: usize,
    /// How many acknowledgements each writer got since its last error, or since somebody began to count.
    calm: BTreeMap<u64, u64>,
}

impl Met {
    /// How many errors of each kind.
    #[must_use]
    pub fn by_kind(&self) -> String {
        let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
        for (_, kind, _) in &self.errors {
            *kinds.entry(format!("{kind:?}")).or_default() += 1;
        }
        let all: Vec<_> = kinds.into_iter().map(|(kind, times)| format!("{times} {kind}")).collect();
        if all.is_empty() { "none".to_owned() } else { all.join(" + ") }
    }

    /// The errors since a moment.
    pub fn errors_since(&self, moment: Instant) -> impl Iterator<Item = &(Instant, StoreErrorKind, String)> {
        self.errors.iter().filter(move |(when, ..)| *when > moment)
    }
}

/// Sixteen writers at work, and what they met.
#[derive(Debug)]
pub struct Journal {
    met: Arc<Mutex<Met>>,
    stop: watch::Sender<bool>,
    writers: Vec<JoinHandle<()>>,
}

impl Journal {
    /// Starts the writers. Each takes the next of these loads, and does not stop at an error: it writes the same
    /// changeset again until it is acknowledged, and makes a new click.
    #[must_use]
    pub fn start(loads: &[Load]) -> Self {
        let met = Arc::new(Mutex::new(Met::default()));
        let (stop, stopped) = watch::channel(false);
        let writers = (0..WRITERS)
            .zip(loads.iter().cycle())
            .map(|(writer, load)| tokio::spawn(work(load.clone(), writer, met.clone(), stopped.clone())))
            .collect();
        Self { met, stop, writers }
    }

    /// What they met so far.
    ///
    /// # Panics
    /// If a writer gave up; as does everything here.
    pub fn met(&self) -> MutexGuard<'_, Met> {
        self.met.lock().expect("no writer gave up")
    }

    /// Waits until so much more was acknowledged.
    pub async fn acknowledges(&self, more: usize) {
        let enough = self.met().told.len() + more;
        self.becomes(|met| met.told.len() >= enough).await;
    }

    /// Waits until every writer got so many acknowledgements in a row, counted from now.
    pub async fn is_calm(&self, each: u64) {
        self.met().calm.clear();
        let calm = |met: &Met| (0..WRITERS).all(|writer| met.calm.get(&writer).is_some_and(|n| *n >= each));
        self.becomes(calm).await;
    }

    async fn becomes(&self, so: impl Fn(&Met) -> bool) {
        let begun = Instant::now();
        while !so(&self.met()) {
            assert!(self.writers.iter().all(|writer| !writer.is_finished()), "a writer gave up");
            if begun.elapsed() > STUCK {
                let met = self.met();
                panic!("the load is stuck: {} acknowledged, errors {}", met.told.len(), met.by_kind());
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// Ends the writers, each after what it is writing, and gives all that they met.
    pub async fn end(self) -> Met {
        self.stop.send_replace(true);
        for writer in self.writers {
            let ended = tokio::time::timeout(STUCK, writer).await.expect("a writer is stuck");
            ended.unwrap_or_else(|lost| std::panic::resume_unwind(lost.into_panic()));
        }
        Arc::into_inner(self.met).expect("no writer is left").into_inner().expect("no writer gave up")
    }
}

async fn work(load: Load, writer: u64, met: Arc<Mutex<Met>>, stopped: watch::Receiver<bool>) {
    let told = |ack: Ack| {
        let mut met = met.lock().unwrap();
        assert!(met.told.insert(ack), "{ack} was acknowledged twice");
        *met.calm.entry(writer).or_default() += 1;
    };
    let heard = |error: &StoreError| {
        let mut met = met.lock().unwrap();
        met.errors.push((Instant::now(), error.kind(), format!("{error}: {}", chain(error))));
        met.calm.insert(writer, 0);
    };
    for round in 0.. {
        if *stopped.borrow() {
            return;
        }
        let number = writer + round * WRITERS;
        load.write(number, heard).await;
        told(Ack::Number(number));
        match load.click(writer).await {
            Ok(id) => told(Ack::Click(id)),
            Err(error) => {
                let Some(error) = error.detail::<StoreError>() else {
                    panic!("a click of {writer}: {error:?}")
                };
                heard(error);
                if error.kind() == StoreErrorKind::UnknownOutcome {
                    met.lock().unwrap().doubtful_clicks += 1;
                }
                load.pause().await;
            }
        }
    }
}

/// What caused an error, and what caused that.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = String::new();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text} < {cause}");
        source = cause.source();
    }
    text
}
