//! The two traits that a store implements.

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;

use crate::catalogue::{Index, Record, RecordId};
use crate::store::change::{Changeset, Outcome};
use crate::store::counter::{CounterKey, CounterPrefix, CounterRange};
use crate::store::error::StoreError;
use crate::store::index::{Prefix, Range};
use crate::store::unique::UniqueKey;

/// What can be read: points, ranges and keyset pages.
///
/// A read that begins after an acknowledgement on the same handle sees what was acknowledged. Reads of one call
/// may see different moments. Typed reads are in [`read`](crate::read), for every `Read`.
#[async_trait]
pub trait Read: Send + Sync {
    /// The records of these ids, one answer for each, in their order.
    ///
    /// # Errors
    /// `Invalid` for over 1,000 ids; faults.
    async fn get(&self, ids: &[RecordId]) -> Result<Vec<Option<Record>>, StoreError>;

    /// The records that hold these keys, one answer for each, in their order.
    ///
    /// # Errors
    /// `Invalid` for over 1,000 keys; faults.
    async fn find(&self, keys: &[UniqueKey]) -> Result<Vec<Option<Record>>, StoreError>;

    /// At most `limit` records of an index: those of the prefix, inside the range, in its direction.
    ///
    /// # Errors
    /// `Invalid` if [`Index::check`] says so; faults.
    async fn page(
        &self,
        index: Index,
        prefix: &Prefix,
        range: &Range,
        limit: u32,
    ) -> Result<Vec<Record>, StoreError>;

    /// Numbers that are not 0, in the order of their keys. A striped tally is summed.
    ///
    /// # Errors
    /// `Invalid` for over 1,000, or over two parts; faults.
    async fn counters(
        &self,
        prefix: &CounterPrefix,
        range: &CounterRange,
    ) -> Result<Vec<(CounterKey, i64)>, StoreError>;
}

/// Where everything is kept: four reads, one write, and facts about both.
///
/// A store never reads a clock, never invents an id, never checks a reference and never interprets a rule. Text is
/// stored byte for byte. There are no default methods: a store that forgets one does not compile. Prove yours with
/// `referral-testkit`.
#[async_trait]
pub trait Store: Read + Debug + 'static {
    /// What this store promises. Not an apology: a store that is not durable says so here and is tested for it.
    fn facts(&self) -> StoreFacts;

    /// Applies changesets, as if one after another; the answers are in their order.
    ///
    /// Each is all or nothing, also across a crash, and durable per [`Store::facts`] when this returns. A conflict
    /// never touches a neighbour. Of two calls that want the same key, one gets `Applied` and the other `Taken`;
    /// the store retries its own transient trouble (busy, deadlock, serialization, also from COMMIT), bounded and
    /// with jitter, and then says `Contended`. Dropping the future at any await leaves each changeset whole or
    /// absent, and a usable store.
    ///
    /// # Errors
    /// Per changeset: `Invalid` if [`Changeset::check`] says so; faults. `UnknownOutcome` where the answer of the
    /// database was lost.
    async fn commit(&self, batch: &[Changeset]) -> Vec<Result<Outcome, StoreError>>;
}

/// What a store promises.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StoreFacts {
    /// Its name: `memory`, `sqlite` …
    pub name: &'static str,
    /// Whether what it acknowledged survives a crash of the process and a loss of power.
    pub durable: bool,
    /// Whether several processes may use the same data at once.
    pub shared: bool,
    /// The most changesets that it likes to be given at once.
    pub batch: usize,
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<T: Read + ?Sized> Read for Arc<T> {
    async fn get(&self, ids: &[RecordId]) -> Result<Vec<Option<Record>>, StoreError> {
        (**self).get(ids).await
    }

    async fn find(&self, keys: &[UniqueKey]) -> Result<Vec<Option<Record>>, StoreError> {
        (**self).find(keys).await
    }

    async fn page(
        &self,
        index: Index,
        prefix: &Prefix,
        range: &Range,
        limit: u32,
    ) -> Result<Vec<Record>, StoreError> {
        (**self).page(index, prefix, range, limit).await
    }

    async fn counters(
        &self,
        prefix: &CounterPrefix,
        range: &CounterRange,
    ) -> Result<Vec<(CounterKey, i64)>, StoreError> {
        (**self).counters(prefix, range).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<T: Store + ?Sized> Store for Arc<T> {
    fn facts(&self) -> StoreFacts {
        (**self).facts()
    }

    async fn commit(&self, batch: &[Changeset]) -> Vec<Result<Outcome, StoreError>> {
        (**self).commit(batch).await
    }
}

// A store is held as `Arc<dyn Store>`; this stops compiling if it no longer can be.
const _: fn(Arc<dyn Store>) = |_| {};
