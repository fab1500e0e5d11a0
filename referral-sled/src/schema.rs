//! Trees, keys and values.
//!
//! | Tree | Key | Value |
//! | --- | --- | --- |
//! | `v1.records` | kind, uuid | the record, in the form of [`json`] |
//! | `v1.unique` | rule, tenant, parts | the key of the record that holds it |
//! | `v1.entries` | index, tenant, parts, order, uuid; [`spaced`] | the key of the record |
//! | `v1.numbers` | tenant, family, part, part, bucket | the number, big-endian |
//!
//! Keys are those of [`referral_core::store::bytes`]. The names carry the version of the format.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use referral_core::store::plan::Look;
use referral_core::store::{CounterKey, Record, RecordId, StoreError, UniqueKey, bytes, json};

use crate::error;

/// The four trees of one database, and the lock that makes a read see one moment of them.
#[derive(Clone, Debug)]
pub(crate) struct Trees {
    pub(crate) records: sled::Tree,
    pub(crate) unique: sled::Tree,
    pub(crate) entries: sled::Tree,
    pub(crate) numbers: sled::Tree,
    applying: Arc<RwLock<()>>,
}

impl Trees {
    pub(crate) fn open(db: &sled::Db) -> Result<Self, sled::Error> {
        Ok(Self {
            applying: Arc::default(),
            records: db.open_tree("v1.records")?,
            unique: db.open_tree("v1.unique")?,
            entries: db.open_tree("v1.entries")?,
            numbers: db.open_tree("v1.numbers")?,
        })
    }

    /// Keeps the writer from applying anything, so that all look-ups of a read see one moment. It is held by a thread
    /// that reads and never by a caller, so nobody who goes away can keep it.
    pub(crate) fn reading(&self) -> RwLockReadGuard<'_, ()> {
        // It guards nothing that a panic could leave half done.
        self.applying.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until nobody reads, and keeps readers out while a batch is applied.
    pub(crate) fn applying(&self) -> RwLockWriteGuard<'_, ()> {
        self.applying.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The record under a key of `v1.records`.
    pub(crate) fn record(&self, key: &[u8]) -> Result<Option<Record>, StoreError> {
        let found = self.records.get(key).map_err(|e| error::from_sled("read", e))?;
        found.map(|value| json::decode(error::NAME, key, &value)).transpose()
    }

    /// The record that holds a key.
    pub(crate) fn holder_of(&self, key: &UniqueKey) -> Result<Option<Record>, StoreError> {
        let Some(id) = Look::holder(self, key)? else { return Ok(None) };
        let found = Look::record(self, id)?;
        let holds = |record: &Record| {
            UniqueKey::held(key.unique, record.tenant(), &record.values()).as_ref() == Some(key)
        };
        let held = found.filter(holds).map(Some);
        held.ok_or_else(|| error::corrupt("a unique key names a record that does not hold it"))
    }
}

impl Look for Trees {
    fn record(&self, id: RecordId) -> Result<Option<Record>, StoreError> {
        Self::record(self, &bytes::record(id))
    }

    fn holder(&self, key: &UniqueKey) -> Result<Option<RecordId>, StoreError> {
        let found = self.unique.get(bytes::unique(key)).map_err(|e| error::from_sled("commit", e))?;
        let read = |id: sled::IVec| bytes::read_record(&id).ok_or_else(|| error::corrupt("a key of no kind"));
        found.map(read).transpose()
    }

    fn number(&self, key: &CounterKey) -> Result<Option<i64>, StoreError> {
        let found = self.numbers.get(bytes::counter(key)).map_err(|e| error::from_sled("commit", e))?;
        found.map(|value| number(&value)).transpose()
    }
}

/// The key of an index entry, with a zero byte behind every three.
///
/// sled 0.34.7 finds the node before another by the key that ends in four bytes of 255; where a longer run of them
/// is in a key, it walks in circles and panics. Positions are fixed, so order and prefixes stay what they were.
pub(crate) fn spaced(key: &[u8]) -> Vec<u8> {
    key.chunks(3).collect::<Vec<_>>().join(&0)
}

/// A number as it is stored.
pub(crate) fn number(bytes: &[u8]) -> Result<i64, StoreError> {
    let bytes = bytes.try_into().map_err(|_| error::corrupt("a number of another size"))?;
    Ok(i64::from_be_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spacing_keeps_order_and_prefixes() {
        let keys: [&[u8]; 8] =
            [&[], &[0], &[0, 0, 0, 0], &[1, 2], &[1, 2, 3], &[1, 2, 3, 0], &[1, 2, 3, 4], &[255; 9]];
        assert!(keys.map(spaced).is_sorted());
        for end in 0..9 {
            assert!(spaced(&[255; 9]).starts_with(&spaced(&[255; 9][..end])));
        }
        assert_eq!(spaced(&[255; 9]), [255, 255, 255, 0, 255, 255, 255, 0, 255, 255, 255]);
    }
}
