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
/// One call shows the database at one moment, with every changeset whole or absent, and a call that begins after an
/// acknowledgement sees what was acknowledged; part 8 of the [rules](crate::store::rules) says all of it. [`LinkReads`](crate::link::LinkReads) and
/// [`ResponseReads`](crate::visit::ResponseReads) are typed reads over every `Read`.
#[async_trait]
pub trait Read: Send + Sync {
    /// The records of these ids, one answer for each, in their order.
    ///
    /// # Errors
    /// `Invalid` for more than 1,000 ids, and failures of the database.
    async fn get(&self, ids: &[RecordId]) -> Result<Vec<Option<Record>>, StoreError>;

    /// The records that hold these keys, one answer for each, in their order.
    ///
    /// # Errors
    /// `Invalid` for more than 1,000 keys, and failures of the database.
    async fn find(&self, keys: &[UniqueKey]) -> Result<Vec<Option<Record>>, StoreError>;

    /// At most `limit` records of an index: those of the prefix, inside the range, in its direction.
    ///
    /// # Errors
    /// `Invalid` if [`Index::check`] says so, and failures of the database.
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
    /// `Invalid` for more than 1,000 numbers or more than two parts, and failures of the database.
    async fn counters(
        &self,
        prefix: &CounterPrefix,
        range: &CounterRange,
    ) -> Result<Vec<(CounterKey, i64)>, StoreError>;
}

/// A store: four reads, one write, and facts about both.
///
/// A store never reads a clock, never invents an id, never checks a reference and never interprets a rule. Text is
/// stored byte for byte. There are no default methods: a store that forgets one does not compile. What a store has to
/// keep are the numbered [rules](crate::store::rules), and `referral-testkit` holds it to each of them.
#[async_trait]
pub trait Store: Read + Debug + 'static {
    /// What this store promises. The conformance suite holds it to that.
    fn facts(&self) -> StoreFacts;

    /// Applies changesets, as if one after another; the answers are in their order.
    ///
    /// Each changeset is applied whole or not at all, also across a crash, and is as durable as [`Store::facts`] say
    /// when this returns. A conflict of one changeset never touches another one. Of two calls that want the same key,
    /// one gets `Applied` and the other `Taken`. The store tries its own transient failures again (busy, deadlock,
    /// serialization, also from COMMIT), with jitter and for a limited time, and then says `Contended`. Dropping the
    /// future at any await leaves each changeset whole or absent, and the store usable.
    ///
    /// # Errors
    /// For each changeset: `Invalid` if [`Changeset::check`] says so, `UnknownOutcome` if the answer of the database was
    /// lost, and other failures of the database.
    async fn commit(&self, batch: &[Changeset]) -> Vec<Result<Outcome, StoreError>>;
}

/// What a store promises.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StoreFacts {
    /// The name of the store, such as `memory` or `sqlite`.
    pub name: &'static str,
    /// Whether what it acknowledged survives a crash of the process and a loss of power.
    pub durable: bool,
    /// Whether several processes may use the same data at once.
    pub shared: bool,
    /// The most changesets that the store prefers to get in one call. It answers larger batches too.
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
