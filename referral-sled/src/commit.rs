//! The one write: a thread that applies batches, each in one transaction over all trees.

use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use referral_core::store::plan::{self, Answer, Plan, Table};
use referral_core::store::{Changeset, StoreError, StoreErrorKind, json};
use sled::transaction::{ConflictableTransactionError, TransactionError, Transactional};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;

use crate::error;
use crate::folder::{OpenFolder, Opened};
use crate::schema;

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
    open: Arc<OpenFolder>,
}

impl Writer {
    pub(crate) fn start(open: Arc<OpenFolder>) -> std::io::Result<(UnboundedSender<Job>, JoinHandle<()>)> {
        let (sender, receiver) = unbounded_channel();
        let writer = Self { open };
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
        let mut written = true;
        let answers = self.open.with(|opened| {
            let plan = plan::decide(batch, &opened.trees);
            // What a conflict names is on the disk already: it was synced before the batch that wrote it was answered,
            // and after a write that failed the folder is read anew.
            if plan.applies() {
                let done = self.write(opened, &plan).and_then(|()| self.sync(opened));
                written = done.is_ok();
                done?;
            }
            Ok(plan.answers)
        });
        if !written {
            self.open.close();
        }
        answers
    }

    fn write(&self, opened: &Opened, plan: &Plan) -> Result<(), StoreError> {
        #[cfg(feature = "harness")]
        self.open.broken.fails_writes().map_err(|e| Self::unknown("the write failed").with_source(e))?;
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
        let trees = &opened.trees;
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
            Err(TransactionError::Storage(error)) => {
                Err(Self::unknown("the write failed").with_source(error))
            }
            Err(TransactionError::Abort(())) => Err(error::gone("commit")),
        }
    }

    fn unknown(message: &str) -> StoreError {
        StoreError::new(StoreErrorKind::UnknownOutcome, error::NAME, "commit", message)
    }

    /// sled's `flush()` ends in `sync_file_range` on Linux, which leaves the device's cache and the file's metadata
    /// alone; a second handle on the log does the rest.
    fn sync(&self, opened: &Opened) -> Result<(), StoreError> {
        let unknown = Self::unknown;
        #[cfg(feature = "harness")]
        self.open
            .broken
            .fails_commit()
            .map_err(|e| unknown("the log could not be flushed").with_source(e))?;
        opened.db.flush().map_err(|e| unknown("the log could not be flushed").with_source(e))?;
        opened.log.sync_data().map_err(|e| unknown("the log could not be synced").with_source(e))?;
        #[cfg(feature = "harness")]
        self.open
            .broken
            .loses_answers()
            .map_err(|e| unknown("the log could not be synced").with_source(e))?;
        Ok(())
    }
}
