//! The one write: a thread that applies batches, each in one transaction over all trees.

use std::collections::HashMap;
use std::fs::File;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use referral_core::Response;
use referral_core::store::{Record, RecordId, Version};
use referral_core::store::{Change, Changeset, Conflict, CounterKey, Index, Outcome, StoreError, StoreErrorKind, Unique, UniqueKey, bytes};
use sled::transaction::{ConflictableTransactionError, TransactionError, Transactional};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;

use crate::error;
use crate::schema::{self, Trees};

type Answer = Result<Outcome, StoreError>;

/// What one caller wants written.
pub(crate) struct Job {
    batch: Vec<Changeset>,
    reply: oneshot::Sender<Vec<Answer>>,
}

/// How long a caller waits. sled has been reported to hang under load; a caller then gets its answer all the same.
const PATIENCE: Duration = Duration::from_secs(30);
/// The most changesets of one transaction.
const MOST: usize = 1024;

/// Hands a batch to the writer and waits until it is on the disk.
pub(crate) async fn submit(jobs: &UnboundedSender<Job>, batch: &[Changeset]) -> Vec<Answer> {
    let (reply, answer) = oneshot::channel();
    let lost = || batch.iter().map(|_| Err(error::gone("commit"))).collect();
    if jobs.send(Job { batch: batch.to_vec(), reply }).is_err() {
        return lost();
    }
    match tokio::time::timeout(PATIENCE, answer).await {
        Ok(Ok(answers)) => answers,
        _ => lost(),
    }
}

/// The only one who writes. There is nothing to race with, so a conflict is known before the transaction begins.
pub(crate) struct Writer {
    db: sled::Db,
    trees: Trees,
    log: File,
}

impl Writer {
    pub(crate) fn start(
        db: sled::Db,
        trees: Trees,
        log: File,
    ) -> std::io::Result<(UnboundedSender<Job>, JoinHandle<()>)> {
        let (sender, receiver) = unbounded_channel();
        let writer = Self { db, trees, log };
        let thread =
            thread::Builder::new().name("referral-sled".into()).spawn(move || writer.run(receiver))?;
        Ok((sender, thread))
    }

    fn run(self, mut jobs: UnboundedReceiver<Job>) {
        while let Some(first) = jobs.blocking_recv() {
            let mut taken = vec![first];
            let mut size = taken.iter().map(|job| job.batch.len()).sum::<usize>();
            while size < MOST
                && let Ok(job) = jobs.try_recv()
            {
                size = size.saturating_add(job.batch.len());
                taken.push(job);
            }
            let mut overlay = Overlay::new(&self.trees);
            let answers: Vec<Vec<Answer>> = taken
                .iter()
                .map(|job| job.batch.iter().map(|changeset| overlay.apply(changeset)).collect())
                .collect();
            let written = overlay.write().and_then(|wrote| if wrote { self.sync() } else { Ok(()) });
            for (job, answers) in taken.into_iter().zip(answers) {
                let answers = match &written {
                    Ok(()) => answers,
                    Err(error) => answers.into_iter().map(|_| Err(error.clone())).collect(),
                };
                // A caller that was dropped does not want to know.
                let _ = job.reply.send(answers);
            }
        }
    }

    /// sled's `flush()` ends in `sync_file_range` on Linux, which leaves the device's cache and the file's metadata
    /// alone; a second handle on the log does the rest.
    fn sync(&self) -> Result<(), StoreError> {
        let unknown = |message| StoreError::new(StoreErrorKind::UnknownOutcome, error::NAME, "flush", message);
        self.db.flush().map_err(|e| unknown("the log could not be flushed").with_source(e))?;
        self.log.sync_data().map_err(|e| unknown("the log could not be synced").with_source(e))
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Tree {
    Records,
    Unique,
    Entries,
    Numbers,
}

type Slot = (Tree, Vec<u8>);

/// What a batch will have written, over what the trees hold.
struct Overlay<'a> {
    trees: &'a Trees,
    new: HashMap<Slot, Option<Vec<u8>>>,
    /// What the changeset at hand overwrote in `new`, newest last.
    undo: Vec<(Slot, Option<Option<Vec<u8>>>)>,
}

enum Failure {
    Conflict(Conflict),
    Fault(StoreError),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Fault(error)
    }
}

impl<'a> Overlay<'a> {
    fn new(trees: &'a Trees) -> Self {
        Self { trees, new: HashMap::new(), undo: Vec::new() }
    }

    fn apply(&mut self, changeset: &Changeset) -> Answer {
        changeset.check()?;
        self.undo.clear();
        for (index, change) in changeset.changes.iter().enumerate() {
            if let Err(failure) = self.step(change) {
                self.roll_back();
                return match failure {
                    Failure::Conflict(conflict) => Ok(Outcome::Conflict { index, conflict }),
                    Failure::Fault(error) => Err(error),
                };
            }
        }
        Ok(Outcome::Applied)
    }

    fn step(&mut self, change: &Change) -> Result<(), Failure> {
        match change {
            Change::Insert(record) => {
                if let Some(found) = self.record(record.id())? {
                    let stale = Conflict::Stale { id: record.id(), now: Some(found.version()) };
                    return Err(Failure::Conflict(stale));
                }
                self.put(None, Some(record.clone().at_version(Version::FIRST)))
            }
            Change::Update { record, was } => {
                let old = self.expect(record.id(), *was)?;
                let new = record.clone().replacing(&old).at_version(was.next());
                self.put(Some(&old), Some(new))
            }
            Change::Delete { id, was } => {
                let old = self.expect(*id, *was)?;
                self.put(Some(&old), None)
            }
            Change::Expect { id, was } => self.expect(*id, *was).map(drop),
            Change::Claim { responses, user, at } => responses.iter().try_for_each(|response| {
                let id = RecordId::from(*response);
                let found = self.record(id)?;
                let now = found.as_ref().map(Record::version);
                let old = found.clone().and_then(|record| Response::try_from(record).ok());
                let Some(old) = old.filter(Response::is_unclaimed) else {
                    return Err(Failure::Conflict(Conflict::Stale { id, now }));
                };
                let version = old.version.next();
                let new = Response { user: Some(user.clone()), claimed_at: Some(*at), version, ..old };
                self.put(found.as_ref(), Some(new.into()))
            }),
            Change::Count { counter, add, within } => {
                let value = self.number(counter)?;
                match value.checked_add(*add) {
                    Some(sum) if within.contains(sum) => self.set_number(counter, sum),
                    _ => {
                        let counter = counter.clone();
                        Err(Failure::Conflict(Conflict::OutOfBounds { counter, value }))
                    }
                }
            }
            Change::Tally { counter, add } => {
                let value = self.number(counter)?;
                self.set_number(counter, value.saturating_add(*add))
            }
        }
    }

    fn get(&self, tree: Tree, key: Vec<u8>) -> Result<Option<Vec<u8>>, StoreError> {
        let slot = (tree, key);
        if let Some(value) = self.new.get(&slot) {
            return Ok(value.clone());
        }
        let found = self.tree(tree).get(&slot.1).map_err(|e| error::from_sled("commit", e))?;
        Ok(found.map(|value| value.to_vec()))
    }

    fn set(&mut self, tree: Tree, key: Vec<u8>, value: Option<Vec<u8>>) {
        let slot = (tree, key);
        let before = self.new.insert(slot.clone(), value);
        self.undo.push((slot, before));
    }

    fn roll_back(&mut self) {
        while let Some((slot, before)) = self.undo.pop() {
            match before {
                Some(value) => drop(self.new.insert(slot, value)),
                None => drop(self.new.remove(&slot)),
            }
        }
    }

    fn record(&self, id: RecordId) -> Result<Option<Record>, StoreError> {
        let key = bytes::record(id);
        let value = self.get(Tree::Records, key.clone())?;
        value.map(|value| schema::decode(&key, &value)).transpose()
    }

    fn expect(&self, id: RecordId, was: Version) -> Result<Record, Failure> {
        match self.record(id)? {
            Some(record) if record.version() == was => Ok(record),
            found => {
                let now = found.as_ref().map(Record::version);
                Err(Failure::Conflict(Conflict::Stale { id, now }))
            }
        }
    }

    /// Replaces a record together with its unique keys and index entries.
    fn put(&mut self, old: Option<&Record>, new: Option<Record>) -> Result<(), Failure> {
        if let Some(new) = &new {
            for key in UniqueKey::all_of(new) {
                let holder = self.get(Tree::Unique, bytes::unique(&key))?;
                let holder = holder.as_deref().and_then(bytes::read_record).filter(|id| *id != new.id());
                if let Some(holder) = holder {
                    return Err(Failure::Conflict(Conflict::Taken { key, holder }));
                }
            }
        }
        if let Some(old) = old {
            self.set(Tree::Records, bytes::record(old.id()), None);
            for (tree, key) in derived(old) {
                self.set(tree, key, None);
            }
        }
        if let Some(new) = new {
            let id = bytes::record(new.id());
            self.set(Tree::Records, id.clone(), Some(schema::encode(&new)));
            for (tree, key) in derived(&new) {
                self.set(tree, key, Some(id.clone()));
            }
        }
        Ok(())
    }

    fn number(&self, counter: &CounterKey) -> Result<i64, StoreError> {
        let value = self.get(Tree::Numbers, bytes::counter(counter))?;
        value.map_or(Ok(0), |value| schema::number(&value))
    }

    fn set_number(&mut self, counter: &CounterKey, value: i64) -> Result<(), Failure> {
        let value = (value != 0).then(|| value.to_be_bytes().to_vec());
        self.set(Tree::Numbers, bytes::counter(counter), value);
        Ok(())
    }

    const fn tree(&self, tree: Tree) -> &sled::Tree {
        match tree {
            Tree::Records => &self.trees.records,
            Tree::Unique => &self.trees.unique,
            Tree::Entries => &self.trees.entries,
            Tree::Numbers => &self.trees.numbers,
        }
    }

    /// Writes everything in one transaction; `false` if there was nothing to write.
    fn write(self) -> Result<bool, StoreError> {
        if self.new.is_empty() {
            return Ok(false);
        }
        let mut batches = [(); 4].map(|()| sled::Batch::default());
        let [records, unique, entries, numbers] = &mut batches;
        for ((tree, key), value) in self.new {
            let batch = match tree {
                Tree::Records => &mut *records,
                Tree::Unique => &mut *unique,
                Tree::Entries => &mut *entries,
                Tree::Numbers => &mut *numbers,
            };
            match value {
                Some(value) => batch.insert(key, value),
                None => batch.remove(key),
            }
        }
        let [records, unique, entries, numbers] = &batches;
        let trees = self.trees;
        let done: Result<(), TransactionError<()>> =
            (&trees.records, &trees.unique, &trees.entries, &trees.numbers).transaction(|(r, u, e, n)| {
                r.apply_batch(records)?;
                u.apply_batch(unique)?;
                e.apply_batch(entries)?;
                n.apply_batch(numbers)?;
                Ok::<(), ConflictableTransactionError<()>>(())
            });
        match done {
            Ok(()) => Ok(true),
            Err(TransactionError::Storage(error)) => Err(error::from_sled("commit", error)),
            Err(TransactionError::Abort(())) => Err(error::gone("commit")),
        }
    }
}

/// The keys that a record has in the other trees.
fn derived(record: &Record) -> Vec<Slot> {
    let (id, values) = (record.id(), record.values());
    let unique = Unique::of(id.kind).filter_map(|unique| UniqueKey::held(unique, record.tenant(), &values));
    let unique = unique.map(|key| (Tree::Unique, bytes::unique(&key)));
    let entries = Index::of(id.kind).filter_map(|index| Some((index, index.entry(record, &values)?)));
    let entries = entries.map(|(index, entry)| (Tree::Entries, schema::spaced(&bytes::entry(index, &entry))));
    unique.chain(entries).collect()
}
