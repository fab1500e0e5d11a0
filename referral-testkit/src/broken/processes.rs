//! Stores in a file that several processes open, for what only two processes can show.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use referral_core::store::{
    Change, Changeset, CounterKey, CounterPrefix, CounterRange, Index, Outcome, Prefix, Range, Read, Record,
    RecordId, Store, StoreError, StoreErrorKind, StoreFacts, UniqueKey, bytes, json,
};
use tempfile::TempDir;

use super::Data;
use super::defect::Defect;
use super::state::{How, State};
use super::store::BrokenStore;
use crate::harness::{Guard, Harness, Opened};

/// Opens stores that several processes may share, with a defect, or an honest one.
#[derive(Clone, Copy, Debug)]
pub struct SharedHarness(pub Option<Defect>);

#[async_trait]
impl Harness for SharedHarness {
    fn name(&self) -> &str {
        self.0.map_or("honest, shared", |_| "broken, shared")
    }

    fn setup(&self) -> &str {
        "nothing is needed"
    }

    async fn open(&self) -> Option<Opened> {
        let folder = TempDir::new().expect("a temporary folder");
        Some(Opened::new(SharedStore::open(folder.path(), self.0), folder))
    }

    async fn reopen(&self, guard: Guard) -> Option<Opened> {
        let folder = guard.downcast::<TempDir>().ok()?;
        Some(Opened::new(SharedStore::open(folder.path(), self.0), *folder))
    }

    fn address(&self, guard: &Guard) -> Option<String> {
        Some(guard.downcast_ref::<TempDir>()?.path().to_str()?.to_owned())
    }

    async fn attach(&self, address: &str) -> Option<Opened> {
        Some(Opened::new(SharedStore::open(address.as_ref(), self.0), ()))
    }
}

/// A store in a file, which every call reads as a whole under a lock that all processes know.
#[derive(Debug)]
struct SharedStore {
    defect: Option<Defect>,
    folder: PathBuf,
    /// What this process knows.
    known: Mutex<State>,
    /// The statistics that this process has not written yet.
    unwritten: Mutex<Vec<Change>>,
}

/// How long a process looks at what it read, before it writes.
const LOOK: std::time::Duration = std::time::Duration::from_millis(1);

type Failure = Box<dyn std::error::Error + Send + Sync>;

impl SharedStore {
    fn open(folder: &Path, defect: Option<Defect>) -> Self {
        let store =
            Self { defect, folder: folder.to_owned(), known: Mutex::default(), unwritten: Mutex::default() };
        if let Ok(state) = store.load() {
            *store.known.lock().unwrap() = state;
        }
        store
    }

    fn is(&self, defect: Defect) -> bool {
        self.defect == Some(defect)
    }

    /// Runs a call while no other process does, except where there is no such lock.
    fn alone<T>(&self, call: impl FnOnce() -> Result<T, Failure>) -> Result<T, StoreError> {
        let locked = || -> Result<T, Failure> {
            let lock = File::create(self.folder.join("lock"))?;
            if !self.is(Defect::ProcessesUnlocked) {
                lock.lock()?;
            }
            call()
        };
        locked().map_err(|cause| {
            StoreError::new(StoreErrorKind::Unavailable, "broken", "lock", "the file fails")
                .with_source(cause)
        })
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    fn load(&self) -> Result<State, Failure> {
        let written = match std::fs::read_to_string(self.data()) {
            Ok(written) => written,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(State::default()),
            Err(error) => return Err(error.into()),
        };
        let mut state = State::default();
        for line in written.lines() {
            let (key, value) = line.split_once(' ').ok_or("a line has a key and a value")?;
            let key = unhex(key).ok_or("a key is hexadecimal")?;
            if let Some(counter) = bytes::read_counter(&key).filter(|_| !value.starts_with('{')) {
                state.numbers.insert(counter, value.parse()?);
            } else {
                let record = json::decode("broken", &key, value.as_bytes())?;
                state.put(record.id(), Some(record), &How::default());
            }
        }
        Ok(state)
    }

    fn save(&self, state: &State) -> Result<(), Failure> {
        let mut lines = String::new();
        for (id, record) in &state.records {
            let value = String::from_utf8(json::encode(id.kind, &record.values()))?;
            lines.push_str(&format!("{} {value}\n", hex(&bytes::record(*id))));
        }
        for (key, value) in &state.numbers {
            lines.push_str(&format!("{} {value}\n", hex(&bytes::counter(key))));
        }
        // Readers without a lock find the old file or the new one.
        let mine = self.folder.join(format!("data-{}-{:?}", std::process::id(), std::thread::current().id()));
        std::fs::write(&mine, lines)?;
        Ok(std::fs::rename(mine, self.data())?)
    }

    /// The honest store over what a read sees.
    fn seen(&self) -> Result<BrokenStore, StoreError> {
        let now = if self.is(Defect::ProcessCaches) {
            self.known.lock().unwrap().clone()
        } else {
            self.alone(|| self.load())?
        };
        let data: Data = Arc::new(Mutex::new(super::state::Data { now, ..Default::default() }));
        Ok(BrokenStore::over(None, data))
    }

    /// Whether the outcome is written later, with others.
    fn is_kept_back(&self, change: &Change) -> bool {
        self.is(Defect::ProcessKeepsTallies) && matches!(change, Change::Tally { .. })
    }

    fn apply(&self, batch: &[Changeset]) -> Result<Vec<Result<Outcome, StoreError>>, Failure> {
        let mut state =
            if self.is(Defect::ProcessOwns) { self.known.lock().unwrap().clone() } else { self.load()? };
        if self.is(Defect::ProcessesUnlocked) {
            std::thread::sleep(LOOK);
        }
        let mut answers = Vec::with_capacity(batch.len());
        for changeset in batch {
            if let Err(refused) = changeset.check() {
                answers.push(Err(refused));
                continue;
            }
            let (late, now): (Vec<_>, Vec<_>) =
                changeset.changes().iter().cloned().partition(|change| self.is_kept_back(change));
            let answer = state.apply(&Changeset::new(now), &How::default());
            if answer == Outcome::Applied {
                self.unwritten.lock().unwrap().extend(late);
            }
            answers.push(Ok(answer));
        }
        let mut unwritten = self.unwritten.lock().unwrap();
        if unwritten.len() > 100 {
            for change in unwritten.drain(..) {
                let _ = state.change(&change, &How::default());
            }
        }
        self.save(&state)?;
        *self.known.lock().unwrap() = state;
        Ok(answers)
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok()).collect()
}

#[async_trait]
impl Read for SharedStore {
    async fn get(&self, ids: &[RecordId]) -> Result<Vec<Option<Record>>, StoreError> {
        self.seen()?.get(ids).await
    }

    async fn find(&self, keys: &[UniqueKey]) -> Result<Vec<Option<Record>>, StoreError> {
        self.seen()?.find(keys).await
    }

    async fn page(
        &self,
        index: Index,
        prefix: &Prefix,
        range: &Range,
        limit: u32,
    ) -> Result<Vec<Record>, StoreError> {
        self.seen()?.page(index, prefix, range, limit).await
    }

    async fn counters(
        &self,
        prefix: &CounterPrefix,
        range: &CounterRange,
    ) -> Result<Vec<(CounterKey, i64)>, StoreError> {
        self.seen()?.counters(prefix, range).await
    }
}

#[async_trait]
impl Store for SharedStore {
    fn facts(&self) -> StoreFacts {
        StoreFacts { name: "broken", durable: false, shared: true, batch: 64 }
    }

    async fn commit(&self, batch: &[Changeset]) -> Vec<Result<Outcome, StoreError>> {
        match self.alone(|| self.apply(batch)) {
            Ok(answers) => answers,
            Err(error) => vec![Err(error); batch.len()],
        }
    }
}
