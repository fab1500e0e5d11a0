//! The reference store behind a file to which everything is appended before it is acknowledged.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::time::Instant;

use referral_core::memory::MemoryStore;
use referral_core::store::{
    Change, Changeset, CounterKey, CounterPrefix, CounterRange, Index, Kind, Outcome, Prefix, Range, Read,
    Record, RecordId, Store, StoreError, StoreFacts, UniqueKey,
};
use referral_testkit::{async_trait, samples};
use tokio::sync::Mutex;
use uuid::Uuid;

use crate::format::{cut, decode, frame};

/// How it writes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Habit {
    /// All of a changeset, and then the answer.
    Honest,
    /// The answer, and sometimes what it had in memory. It says that it is durable.
    Buffered,
    /// As that, and it says that it is not durable.
    Forgetful,
    /// One change after another.
    Piecemeal,
    /// A hundred changes after a hundred others.
    InPieces,
    /// As that, and it says that it is not durable.
    ForgetfulInPieces,
    /// All changes of a batch in one list, a hundred after a hundred others.
    BatchInPieces,
    /// A hundred records of a patch after a hundred others.
    PatchInPieces,
    /// A few kilobytes at a time; and it replays what it can read of the last changeset.
    LastHalf,
    /// The records into one file, and then the numbers into another.
    NumbersApart,
    /// No statistics.
    NoTallies,
    /// No updates.
    NoUpdates,
    /// No deletes.
    NoDeletes,
    /// Everything, and it makes no index entries of what it replays.
    NoEntries,
    /// Everything, and it adds the numbers twice when it replays them.
    NumbersTwice,
}

impl Habit {
    /// Whether it writes a changeset in several pieces.
    const fn tears(self) -> bool {
        matches!(
            self,
            Self::Piecemeal
                | Self::InPieces
                | Self::ForgetfulInPieces
                | Self::BatchInPieces
                | Self::PatchInPieces
                | Self::LastHalf
                | Self::NumbersApart
        )
    }
}

/// The journal, the file of the numbers where there is one, and what is not written yet.
#[derive(Debug)]
struct Files {
    journal: File,
    numbers: File,
    buffer: Vec<u8>,
}

#[derive(Debug)]
pub(crate) struct Journal {
    memory: MemoryStore,
    files: Mutex<Files>,
    habit: Habit,
    /// Records without index entries.
    unlisted: BTreeSet<RecordId>,
}

fn is_number(change: &Change) -> bool {
    matches!(change, Change::Count { .. } | Change::Tally { .. })
}

/// A number stays with the record before it: without a witness it would not replay.
fn pieces(changes: &[Change]) -> impl Iterator<Item = &[Change]> {
    changes.chunk_by(|_, next| is_number(next) || matches!(next, Change::Expect { .. }))
}

/// A hundred changes or a few more.
fn hundreds(changes: &[Change]) -> Vec<Vec<Change>> {
    let mut all: Vec<Vec<Change>> = Vec::new();
    for piece in pieces(changes) {
        match all.last_mut().filter(|last| last.len() < 100) {
            Some(last) => last.extend_from_slice(piece),
            None => all.push(piece.to_vec()),
        }
    }
    all
}

/// Adds numbers that have lost their record.
async fn add(memory: &MemoryStore, numbers: Vec<Change>) {
    let witness = samples::bare(Kind::Link, Uuid::max());
    let id = witness.id();
    let was = witness.version();
    let all = std::iter::once(Change::Insert(witness)).chain(numbers);
    memory.commit(&[Changeset::new(all), Changeset::new([Change::Delete { id, was }])]).await;
}

impl Journal {
    pub(crate) async fn open(folder: &Path, habit: Habit) -> Self {
        let memory = MemoryStore::new();
        let (journal, frames) = Self::file(folder, "journal", habit);
        let mut unlisted = BTreeSet::new();
        for mut changes in frames {
            match habit {
                Habit::NoTallies => changes.retain(|change| !matches!(change, Change::Tally { .. })),
                Habit::NoEntries => unlisted.extend(changes.iter().filter_map(|change| match change {
                    Change::Insert(record) | Change::Update { record, .. } => Some(record.id()),
                    _ => None,
                })),
                _ => {}
            }
            let replayed: Vec<_> = pieces(&changes).map(|piece| Changeset::new(piece.to_vec())).collect();
            let answers = memory.commit(&replayed).await;
            let whole = answers.iter().all(|answer| matches!(answer, Ok(Outcome::Applied)));
            assert!(whole || habit != Habit::Honest, "the journal replays: {answers:?}");
            if habit == Habit::NumbersTwice {
                changes.retain(is_number);
                add(&memory, changes).await;
            }
        }
        let (numbers, frames) = Self::file(folder, "numbers", habit);
        for changes in frames {
            add(&memory, changes).await;
        }
        let files = Mutex::new(Files { journal, numbers, buffer: Vec::new() });
        Self { memory, files, habit, unlisted }
    }

    /// A file, and what it holds in whole frames.
    fn file(folder: &Path, name: &str, habit: Habit) -> (File, Vec<Vec<Change>>) {
        let path = folder.join(name);
        let written = std::fs::read(&path).unwrap_or_default();
        let (mut rest, mut frames) = (written.as_slice(), Vec::new());
        while let Some((frame, left)) = cut(rest) {
            frames.push(decode(frame));
            rest = left;
        }
        // What a kill left behind the last whole frame goes, so that new frames follow whole ones.
        let whole = (written.len() - rest.len()) as u64;
        let mut file = OpenOptions::new().create(true).append(true).open(&path).expect("the journal");
        file.set_len(whole).expect("the journal");
        if habit == Habit::LastHalf && rest.len() > 8 {
            let mut buffer = Vec::new();
            frames.push(decode(&rest[8..]));
            frames.last().into_iter().for_each(|changes| frame(&mut buffer, changes));
            file.write_all(&buffer).expect("the journal");
        }
        (file, frames)
    }

    fn write(&self, started: Instant, files: &mut Files, changes: &[Change]) {
        let Files { journal, numbers, buffer } = files;
        let mut waited = false;
        let torn = self.habit.tears();
        let mut sync = |file: &mut File, buffer: &mut Vec<u8>| {
            file.write_all(buffer).expect("the journal");
            file.sync_data().expect("the journal");
            buffer.clear();
            if torn && !waited {
                // As for the second transaction of a server, which takes at least as long as the first.
                std::thread::sleep(2 * started.elapsed());
                waited = true;
            }
        };
        let mut changes = changes.to_vec();
        match self.habit {
            Habit::Honest | Habit::NoTallies | Habit::NoEntries | Habit::NumbersTwice => {}
            Habit::NoUpdates => changes.retain(|change| !matches!(change, Change::Update { .. })),
            Habit::NoDeletes => changes.retain(|change| !matches!(change, Change::Delete { .. })),
            Habit::Buffered | Habit::Forgetful => {
                frame(buffer, &changes);
                if buffer.len() > 1 << 20 {
                    sync(journal, buffer);
                }
                return;
            }
            Habit::Piecemeal => {
                for piece in pieces(&changes) {
                    frame(buffer, piece);
                    sync(journal, buffer);
                }
                return;
            }
            Habit::InPieces | Habit::ForgetfulInPieces | Habit::BatchInPieces => {
                for piece in hundreds(&changes) {
                    frame(buffer, &piece);
                    sync(journal, buffer);
                }
                return;
            }
            Habit::PatchInPieces => {
                let long = |change: &Change| matches!(change, Change::Patch { of, .. } if of.len() > 100);
                while let Some(at) = changes.iter().position(long)
                    && let Change::Patch { kind, of, set } = &mut changes[at]
                {
                    let rest = of.split_off(100);
                    let rest = Change::Patch { kind: *kind, of: rest, set: set.clone() };
                    let first: Vec<_> = changes.drain(..=at).collect();
                    frame(buffer, &first);
                    sync(journal, buffer);
                    changes.insert(0, rest);
                }
            }
            Habit::LastHalf => {
                frame(buffer, &changes);
                for piece in buffer.chunks(4096) {
                    sync(journal, &mut piece.to_vec());
                }
                buffer.clear();
                return;
            }
            Habit::NumbersApart => {
                let (apart, records): (Vec<Change>, Vec<Change>) = changes.into_iter().partition(is_number);
                frame(buffer, &records);
                sync(journal, buffer);
                changes = apart;
                frame(buffer, &changes);
                sync(numbers, buffer);
                return;
            }
        }
        frame(buffer, &changes);
        sync(journal, buffer);
    }
}

#[async_trait]
impl Read for Journal {
    async fn get(&self, ids: &[RecordId]) -> Result<Vec<Option<Record>>, StoreError> {
        self.memory.get(ids).await
    }

    async fn find(&self, keys: &[UniqueKey]) -> Result<Vec<Option<Record>>, StoreError> {
        self.memory.find(keys).await
    }

    async fn page(
        &self,
        index: Index,
        prefix: &Prefix,
        range: &Range,
        limit: u32,
    ) -> Result<Vec<Record>, StoreError> {
        let mut found = self.memory.page(index, prefix, range, limit).await?;
        found.retain(|record| !self.unlisted.contains(&record.id()));
        Ok(found)
    }

    async fn counters(
        &self,
        prefix: &CounterPrefix,
        range: &CounterRange,
    ) -> Result<Vec<(CounterKey, i64)>, StoreError> {
        self.memory.counters(prefix, range).await
    }
}

#[async_trait]
impl Store for Journal {
    fn facts(&self) -> StoreFacts {
        StoreFacts {
            name: "journal",
            durable: !matches!(self.habit, Habit::Forgetful | Habit::ForgetfulInPieces),
            shared: false,
            batch: 64,
        }
    }

    async fn commit(&self, batch: &[Changeset]) -> Vec<Result<Outcome, StoreError>> {
        let mut files = self.files.lock().await;
        let started = Instant::now();
        // The reference store never waits, so from here on the call is in one piece.
        let answers = self.memory.commit(batch).await;
        let applied = batch.iter().zip(&answers).filter(|(_, answer)| matches!(answer, Ok(Outcome::Applied)));
        let applied = applied.map(|(changeset, _)| changeset.changes());
        if self.habit == Habit::BatchInPieces {
            self.write(started, &mut files, &applied.flatten().cloned().collect::<Vec<_>>());
        } else {
            applied.for_each(|changes| self.write(started, &mut files, changes));
        }
        answers
    }
}
