//! What is stored by key, before and after the changes, with a way to undo a changeset.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// One thing that applied changesets rest on. Both sides are equal if it was only looked at. A store with other writers
/// guards that too.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Transition<K, V> {
    /// The key of the thing.
    pub key: K,
    /// What is stored when the batch begins.
    pub before: Option<V>,
    /// What is stored when the batch is written.
    pub after: Option<V>,
}

impl<K, V: PartialEq> Transition<K, V> {
    /// Whether there is anything to write.
    #[must_use]
    pub fn is_change(&self) -> bool {
        self.before != self.after
    }
}

/// What was read of one kind of thing, and what the changes so far make of it.
pub(super) struct Slots<K, V> {
    slots: BTreeMap<K, Slot<V>>,
    /// The slots that the changeset at hand overwrote, newest last.
    undo: Vec<(K, State<V>)>,
}

struct Slot<V> {
    before: Option<V>,
    state: State<V>,
}

enum State<V> {
    /// It was read, and no applied change rests on it.
    Read,
    /// It stays as it was, and an applied change rests on that.
    Held,
    /// A change gave it this value, or removed it.
    Set(Option<V>),
}

impl<V> Slot<V> {
    fn now(&self) -> Option<&V> {
        match &self.state {
            State::Read | State::Held => self.before.as_ref(),
            State::Set(value) => value.as_ref(),
        }
    }
}

impl<K, V> Default for Slots<K, V> {
    fn default() -> Self {
        Self { slots: BTreeMap::new(), undo: Vec::new() }
    }
}

impl<K: Ord + Clone, V: Clone> Slots<K, V> {
    /// The value as the changes so far leave it. It is looked up if it is not known yet.
    pub(super) fn get<E>(
        &mut self,
        key: &K,
        look: impl FnOnce(&K) -> Result<Option<V>, E>,
    ) -> Result<Option<&V>, E> {
        let slot = match self.slots.entry(key.clone()) {
            Entry::Occupied(slot) => slot.into_mut(),
            Entry::Vacant(slot) => slot.insert(Slot { before: look(key)?, state: State::Read }),
        };
        Ok(slot.now())
    }

    /// Says what is stored, without a look.
    pub(super) fn know(&mut self, key: &K, before: V) {
        self.slots.entry(key.clone()).or_insert_with(|| Slot { before: Some(before), state: State::Read });
    }

    /// Gives a new value to something that is known.
    pub(super) fn set(&mut self, key: &K, value: Option<V>) {
        self.replace(key, State::Set(value));
    }

    /// Notes that the changeset at hand rests on this and leaves it as it is.
    pub(super) fn hold(&mut self, key: &K) {
        if self.slots.get(key).is_some_and(|slot| matches!(slot.state, State::Read)) {
            self.replace(key, State::Held);
        }
    }

    fn replace(&mut self, key: &K, state: State<V>) {
        if let Some(slot) = self.slots.get_mut(key) {
            self.undo.push((key.clone(), std::mem::replace(&mut slot.state, state)));
        }
    }

    /// Ends a changeset: keeps what it did, or undoes it.
    pub(super) fn end(&mut self, keep: bool) {
        while let Some((key, state)) = self.undo.pop() {
            if !keep && let Some(slot) = self.slots.get_mut(&key) {
                slot.state = state;
            }
        }
    }

    /// Everything that the applied changesets rest on, sorted.
    pub(super) fn transitions(self) -> Vec<Transition<K, V>> {
        let transition = |(key, Slot { before, state })| match state {
            State::Read => None,
            State::Held => Some(Transition { key, after: before.clone(), before }),
            State::Set(after) => Some(Transition { key, before, after }),
        };
        self.slots.into_iter().filter_map(transition).collect()
    }
}
