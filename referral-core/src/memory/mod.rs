//! The reference store: in memory, and simple enough to be obviously right.

mod state;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use crate::catalogue::{Index, Record, RecordId};
use crate::store::{
    Changeset, CounterKey, CounterPrefix, CounterRange, Outcome, Prefix, Range, Read, Store, StoreError,
    StoreFacts, UniqueKey, bytes, check_counters, check_keys, check_points, plan,
};

use state::State;

/// A store in the memory of this process. Its data is gone when the process ends. Clones share the data.
///
/// It is made for tests and examples. A write copies only what it changes, so it is quick, but everything goes through one
/// lock.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    state: Arc<Mutex<State>>,
}

impl MemoryStore {
    /// Makes an empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing that holds the lock panics, so the state is whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Read for MemoryStore {
    async fn get(&self, ids: &[RecordId]) -> Result<Vec<Option<Record>>, StoreError> {
        check_points("get", ids.len())?;
        let state = self.state();
        Ok(ids.iter().map(|id| state.records.get(id).cloned()).collect())
    }

    async fn find(&self, keys: &[UniqueKey]) -> Result<Vec<Option<Record>>, StoreError> {
        check_keys(keys)?;
        let state = self.state();
        let holder = |key| state.records.get(state.holders.get(key)?).cloned();
        Ok(keys.iter().map(holder).collect())
    }

    async fn page(
        &self,
        index: Index,
        prefix: &Prefix,
        range: &Range,
        limit: u32,
    ) -> Result<Vec<Record>, StoreError> {
        index.check(prefix, limit)?;
        let Some(keys) = bytes::page(index, prefix, range) else { return Ok(Vec::new()) };
        let state = self.state();
        let inside = state.entries.range(keys).filter_map(|(_, id)| state.records.get(id));
        let limit = limit as usize;
        Ok(if range.ascending {
            inside.take(limit).cloned().collect()
        } else {
            inside.rev().take(limit).cloned().collect()
        })
    }

    async fn counters(
        &self,
        prefix: &CounterPrefix,
        range: &CounterRange,
    ) -> Result<Vec<(CounterKey, i64)>, StoreError> {
        check_counters(prefix, range)?;
        let state = self.state();
        let inside = |key: &CounterKey| {
            key.tenant == prefix.tenant
                && key.family == prefix.family
                && key.parts.starts_with(&prefix.parts)
                && range.contains(key)
        };
        Ok(state
            .numbers
            .iter()
            .filter(|(key, _)| inside(key))
            .take(range.limit as usize)
            .map(|(key, value)| (key.clone(), *value))
            .collect())
    }
}

#[async_trait]
impl Store for MemoryStore {
    fn facts(&self) -> StoreFacts {
        StoreFacts { name: "memory", durable: false, shared: false, batch: 256 }
    }

    async fn commit(&self, batch: &[Changeset]) -> Vec<Result<Outcome, StoreError>> {
        let mut state = self.state();
        let plan = plan::decide(batch, &*state);
        state.write(plan)
    }
}
