//! The one write: a thread that applies batches, each in one transaction over all trees.

use std::cell::OnceCell;
use std::fs::File;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use referral_core::store::plan::{self, Answer, Plan, Table};
use referral_core::store::{Changeset, StoreError, StoreErrorKind, json};
use sled::transaction::{ConflictableTransactionError, TransactionError, Transactional};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;

use crate::error;
use crate::schema::{self, Trees};

/// What one caller wants written.
pub(crate) struct Job {
    batch: Vec<Changeset>,
    reply: oneshot::Sender<Vec<Answer>>,
}

/// How long a caller waits. sled has been reported to hang under load; a caller then gets `UnknownOutcome`.
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

/// The only one who writes. There is nothing to race with, so a batch is decided before its transaction begins.
pub(crate) struct Writer {
    db: sled::Db,
    trees: Trees,
    log: File,
    /// The first write that failed. What the trees hold since then may not be on the disk, and a second `fsync` may say
    /// that it is although it is not.
    failed: OnceCell<StoreError>,
}

impl Writer {
    pub(crate) fn start(
        db: sled::Db,
        trees: Trees,
        log: File,
    ) -> std::io::Result<(UnboundedSender<Job>, JoinHandle<()>)> {
        let (sender, receiver) = unbounded_channel();
        let writer = Self { db, trees, log, failed: OnceCell::new() };
        let thread =
            thread::Builder::new().name("referral-sled".into()).spawn(move || writer.run(receiver))?;
        Ok((sender, thread))
    }

    fn run(self, mut jobs: UnboundedReceiver<Job>) {
        while let Some(first) = jobs.blocking_recv() {
            let mut batch = first.batch;
            let mut waiting = vec![(batch.len(), first.reply)];
            while batch.len() < MOST
                && let Ok(mut job) = jobs.try_recv()
            {
                waiting.push((job.batch.len(), job.reply));
                batch.append(&mut job.batch);
            }
            let mut answers = plan::answer(&batch, |batch| self.transact(batch)).into_iter();
            for (count, reply) in waiting {
                // A caller that was dropped does not want to know.
                let _ = reply.send(answers.by_ref().take(count).collect());
            }
        }
    }

    fn transact(&self, batch: &[Changeset]) -> Result<Vec<Answer>, StoreError> {
        if let Some(error) = self.failed.get() {
            return Err(error.clone());
        }
        let plan = plan::decide(batch, &self.trees);
        // What a conflict names is on the disk already: it was synced before the batch that wrote it was answered, and
        // after a write that failed nothing is answered any more.
        if plan.applies() {
            self.write(&plan).and_then(|()| self.sync()).inspect_err(|error| {
                let _ = self.failed.set(error.clone());
            })?;
        }
        Ok(plan.answers)
    }

    fn write(&self, plan: &Plan) -> Result<(), StoreError> {
        let mut batches = [(); 4].map(|()| sled::Batch::default());
        let [records, keys, entries, numbers] = &mut batches;
        for row in plan.rows(json::encode) {
            let (batch, key) = match row.table {
                Table::Records => (&mut *records, row.key),
                Table::Keys => (&mut *keys, row.key),
                Table::Entries => (&mut *entries, schema::spaced(&row.key)),
                Table::Numbers => (&mut *numbers, row.key),
            };
            match row.value {
                Some(value) => batch.insert(key, value),
                None => batch.remove(key),
            }
        }
        let [records, keys, entries, numbers] = &batches;
        let trees = &self.trees;
        // Not while the log is flushed: readers need not wait for the disk.
        let _alone = trees.applying();
        let done: Result<(), TransactionError<()>> =
            (&trees.records, &trees.unique, &trees.entries, &trees.numbers).transaction(|(r, u, e, n)| {
                r.apply_batch(records)?;
                u.apply_batch(keys)?;
                e.apply_batch(entries)?;
                n.apply_batch(numbers)?;
                Ok::<(), ConflictableTransactionError<()>>(())
            });
        match done {
            Ok(()) => Ok(()),
            // Some of the four trees may have it.
            Err(TransactionError::Storage(error)) => Err(self.unknown("the write failed").with_source(error)),
            Err(TransactionError::Abort(())) => Err(error::gone("commit")),
        }
    }

    fn unknown(&self, message: &str) -> StoreError {
        let message = format!("{message}; open the folder again before anything more is written");
        StoreError::new(StoreErrorKind::UnknownOutcome, error::NAME, "commit", message)
    }

    /// sled's `flush()` ends in `sync_file_range` on Linux, which leaves the device's cache and the file's metadata
    /// alone; a second handle on the log does the rest.
    fn sync(&self) -> Result<(), StoreError> {
        let unknown = |message| self.unknown(message);
        self.db.flush().map_err(|e| unknown("the log could not be flushed").with_source(e))?;
        self.log.sync_data().map_err(|e| unknown("the log could not be synced").with_source(e))
    }
}
