//! A store inside a transaction of the host's.

use std::fmt;
use std::mem;
use std::sync::Arc;

use async_trait::async_trait;
use referral_core::store::plan::sort_out;
use referral_core::store::{
    Changeset, CounterKey, CounterPrefix, CounterRange, Index, Outcome, Prefix, Range, Read, Record,
    RecordId, Store, StoreError, StoreErrorKind, StoreFacts, UniqueKey, check_counters, check_keys,
    check_points,
};
use sqlx::Transaction;
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::apply::apply;
use crate::backend::Backend;
use crate::error::{DbError, lost_read, lost_task};
use crate::lease::{TransactionGuard, in_time};
use crate::pools::Pools;
use crate::read::{self, Reading};

/// A store over a transaction that the host owns. [`SqlStore::join`](crate::SqlStore::join) makes it.
///
/// Clones share the transaction. Reads see what the transaction wrote. A conflict undoes its own changeset and
/// nothing else. There is no retry: where another store would try again, this one answers `Contended`, because only
/// the host can run its transaction again. If a commit or the statement of a read fails, the transaction is rolled
/// back, and every later call returns the same error. If a read only meets a row that this library did not write
/// (`Corrupt`), the read fails and the transaction goes on.
///
/// One read call shows one moment as far as the host's transaction does. What the transaction wrote is always seen whole.
/// A call that needs several statements, as [`Read::get`] does for records of several kinds, sees each changeset of others
/// whole if the host began its transaction at REPEATABLE READ. SQLite has no other level.
///
/// [`SqlStore::with_timeout`](crate::SqlStore::with_timeout) limits each call. A call that takes longer fails with
/// `Unavailable`, and the transaction is rolled back. The limit does not cover what the host does with the
/// transaction before and after, such as its commit.
///
/// ```
/// # #[cfg(feature = "sqlite")]
/// # async fn sign_up(store: &referral_sql::SqliteStore) -> Result<(), Box<dyn std::error::Error>> {
/// # use referral_core::store::{Changeset, Store};
/// let mut tx = store.begin().await?;
/// sqlx::query("INSERT INTO users (name) VALUES ('ada')").execute(&mut *tx).await?;
/// let joined = store.join(tx);
/// joined.commit(&[Changeset::default()]).await;
/// let tx = joined.release().await?;
/// tx.commit().await?;
/// # Ok(())
/// # }
/// ```
pub struct JoinedStore<B: Backend> {
    pools: Arc<Pools<B>>,
    state: Arc<Mutex<State<B>>>,
}

/// The transaction stays in the lock while statements run, so that it is not dropped together with a caller.
enum State<B: Backend> {
    Open(TransactionGuard<B>),
    Broken(StoreError),
    Released,
}

impl<B: Backend> Clone for JoinedStore<B> {
    fn clone(&self) -> Self {
        Self { pools: self.pools.clone(), state: self.state.clone() }
    }
}

impl<B: Backend> fmt::Debug for JoinedStore<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinedStore").field("backend", &B::STORE).finish_non_exhaustive()
    }
}

impl<B: Backend> State<B> {
    fn transaction(&mut self) -> Result<&mut Transaction<'static, B>, StoreError> {
        match self {
            Self::Open(guard) => guard.get().ok_or_else(released::<B>),
            Self::Broken(error) => Err(error.clone()),
            Self::Released => Err(released::<B>()),
        }
    }

    /// The answer to a read. A failed statement ends the transaction. A row that this library did not write does
    /// not end it.
    fn answer<T>(&mut self, result: Result<T, DbError>, operation: &'static str) -> Result<T, StoreError> {
        result.map_err(|error| {
            let (breaks, silent) = (!error.is_of_one_row(), matches!(error, DbError::TimedOut));
            let error = error.into_error::<B>(operation);
            if breaks && let Self::Open(guard) = mem::replace(self, Self::Broken(error.clone())) {
                guard.undo_after(silent);
            }
            error
        })
    }
}

fn released<B: Backend>() -> StoreError {
    StoreError::new(StoreErrorKind::Invalid, B::STORE, "join", "the transaction was given back to the host")
}

impl<B: Backend> JoinedStore<B> {
    pub(crate) fn new(pools: Arc<Pools<B>>, transaction: Transaction<'static, B>) -> Self {
        let guard = TransactionGuard::new(transaction, pools.timeout);
        Self { pools, state: Arc::new(Mutex::new(State::Open(guard))) }
    }

    /// Gives the transaction back, so that the host can commit it. It waits until calls on clones are done. Later
    /// calls on clones fail with `Invalid`.
    ///
    /// # Errors
    /// The error that broke the transaction, which is then rolled back; `Invalid` if the transaction was given back
    /// before.
    pub async fn release(self) -> Result<Transaction<'static, B>, StoreError> {
        let mut state = self.state.lock().await;
        match mem::replace(&mut *state, State::Released) {
            State::Open(guard) => guard.into_inner().ok_or_else(released::<B>),
            State::Broken(error) => {
                *state = State::Broken(error.clone());
                Err(error)
            }
            State::Released => Err(released::<B>()),
        }
    }

    /// Applies a batch. The transaction is taken out of the lock. If this is cancelled, the store stays broken and
    /// the transaction rolls back.
    async fn apply(
        pools: Arc<Pools<B>>,
        mut state: OwnedMutexGuard<State<B>>,
        batch: Vec<Changeset>,
    ) -> Vec<Result<Outcome, StoreError>> {
        let torn = StoreError::new(
            StoreErrorKind::Other,
            B::STORE,
            "commit",
            "a commit was torn off inside the transaction",
        );
        let mut guard = match mem::replace(&mut *state, State::Broken(torn)) {
            State::Open(guard) => guard,
            other => {
                *state = other;
                let error = state.transaction().err().unwrap_or_else(released::<B>);
                return vec![Err(error); batch.len()];
            }
        };
        let work = async {
            let transaction = guard.get().ok_or_else(released::<B>)?;
            pools.check(transaction).await?;
            apply::<B>(transaction, &batch).await
        };
        match in_time(pools.deadline(), work).await {
            Ok(outcomes) => {
                *state = State::Open(guard);
                outcomes.into_iter().map(Ok).collect()
            }
            Err(error) => {
                guard.undo_after(matches!(error, DbError::TimedOut));
                let error = error.into_error::<B>("commit");
                *state = State::Broken(error.clone());
                vec![Err(error); batch.len()]
            }
        }
    }
}

impl<B: Backend> JoinedStore<B> {
    /// Reads in its own task. If the caller is dropped, unread rows would stay on the connection, and the next
    /// statement would read them as its answer.
    async fn read<T: Send + 'static>(
        &self,
        operation: &'static str,
        read: impl for<'c> FnOnce(&'c mut B::Connection) -> Reading<'c, T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let mut state = self.state.clone().lock_owned().await;
        let deadline = self.pools.deadline();
        let task = tokio::spawn(async move {
            let result = in_time(deadline, read(state.transaction()?)).await;
            state.answer(result, operation)
        });
        task.await.unwrap_or_else(|lost| Err(lost_read::<B>(operation, lost)))
    }
}

#[async_trait]
impl<B: Backend> Read for JoinedStore<B> {
    async fn get(&self, ids: &[RecordId]) -> Result<Vec<Option<Record>>, StoreError> {
        check_points("get", ids.len())?;
        let ids = ids.to_vec();
        self.read("get", move |connection| Box::pin(async move { read::get::<B>(connection, &ids).await }))
            .await
    }

    async fn find(&self, keys: &[UniqueKey]) -> Result<Vec<Option<Record>>, StoreError> {
        check_keys(keys)?;
        let keys = keys.to_vec();
        self.read("find", move |connection| Box::pin(async move { read::find::<B>(connection, &keys).await }))
            .await
    }

    async fn page(
        &self,
        index: Index,
        prefix: &Prefix,
        range: &Range,
        limit: u32,
    ) -> Result<Vec<Record>, StoreError> {
        index.check(prefix, limit)?;
        let (prefix, range) = (prefix.clone(), *range);
        self.read("page", move |connection| {
            Box::pin(async move { read::page::<B>(connection, index, &prefix, &range, limit).await })
        })
        .await
    }

    async fn counters(
        &self,
        prefix: &CounterPrefix,
        range: &CounterRange,
    ) -> Result<Vec<(CounterKey, i64)>, StoreError> {
        check_counters(prefix, range)?;
        let (prefix, range) = (prefix.clone(), range.clone());
        self.read("counters", move |connection| {
            Box::pin(async move { read::counters::<B>(connection, &prefix, &range).await })
        })
        .await
    }
}

#[async_trait]
impl<B: Backend> Store for JoinedStore<B> {
    /// The facts of the store. What is acknowledged here becomes durable, and visible to others, when the host
    /// commits.
    fn facts(&self) -> StoreFacts {
        StoreFacts { shared: false, ..self.pools.facts() }
    }

    async fn commit(&self, batch: &[Changeset]) -> Vec<Result<Outcome, StoreError>> {
        let (valid, refusals) = sort_out(batch);
        let count = valid.len();
        let state = self.state.clone().lock_owned().await;
        // In its own task, so that the changeset is applied whole even if the caller is dropped.
        let task = tokio::spawn(Self::apply(self.pools.clone(), state, valid));
        let answers = task.await.unwrap_or_else(|lost| vec![Err(lost_task::<B>("commit", lost)); count]);
        refusals.merge(answers)
    }
}
