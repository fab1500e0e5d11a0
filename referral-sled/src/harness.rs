//! What the conformance suite opens these stores with, and any other test that wants a sled of its own.
//!
//! ```
//! # mod tests {
//! use referral_sled::harness::SledHarness;
//!
//! referral_testkit::conformance!(SledHarness::new());
//! # }
//! ```
//!
//! sled offers no way to make its disk fail. So where a test breaks the backend, the store itself fails where a call of
//! sled's would; damage is written into the trees.
#![allow(clippy::expect_used, reason = "the suite makes a failure of the case out of a panic here")]

use std::collections::BTreeMap;
use std::io::Error;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use referral_core::store::{StoreError, StoreErrorKind};
use referral_testkit::{Breakage, FolderHarness, FolderStore};

use crate::SledStore;
use crate::error::NAME;
use crate::folder::OpenFolder;
use crate::schema::Trees;

/// Opens each store in a folder of its own. Only one at a time can have a folder open.
pub type SledHarness = FolderHarness<SledStore>;

/// Small, because every case has a database of its own.
const CACHE: u64 = 4 * 1024 * 1024;

/// The folders that are open and can be broken.
static OPEN: Mutex<BTreeMap<PathBuf, Weak<OpenFolder>>> = Mutex::new(BTreeMap::new());

impl FolderStore for SledStore {
    const NAME: &'static str = NAME;

    async fn open_in(folder: PathBuf) -> Result<Self, StoreError> {
        Self::open_with_cache(folder, CACHE).await
    }

    async fn open_breakable_in(folder: PathBuf) -> Result<Self, StoreError> {
        let store = Self::open_in(folder.clone()).await?;
        let open = Arc::downgrade(&store.inner.open);
        OPEN.lock().unwrap_or_else(PoisonError::into_inner).insert(folder, open);
        Ok(store)
    }

    async fn break_in(folder: PathBuf, breakage: Option<Breakage>) -> bool {
        let found = OPEN.lock().unwrap_or_else(PoisonError::into_inner).get(&folder).and_then(Weak::upgrade);
        let Some(open) = found else { return false };
        let work = tokio::task::spawn_blocking(move || match breakage {
            Some(breakage) => open.broken.breaks(breakage, &open),
            None => open.broken.mends(&open),
        });
        work.await.is_ok_and(|done| done)
    }
}

/// How a store is broken, and what was damaged.
#[derive(Debug, Default)]
pub(crate) struct Broken(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    breakage: Option<Breakage>,
    damaged: Vec<(sled::IVec, sled::IVec)>,
}

impl Broken {
    pub(crate) fn fails_reads(&self) -> Result<(), sled::Error> {
        self.fails(Breakage::Reads)
    }

    pub(crate) fn fails_writes(&self) -> Result<(), sled::Error> {
        self.fails(Breakage::Writes)
    }

    pub(crate) fn fails_commit(&self) -> Result<(), sled::Error> {
        self.fails(Breakage::Commit)
    }

    pub(crate) fn loses_answers(&self) -> Result<(), sled::Error> {
        self.fails(Breakage::CommitAnswer)
    }

    fn fails(&self, breakage: Breakage) -> Result<(), sled::Error> {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.breakage == Some(breakage) {
            return Err(sled::Error::Io(Error::other("the disk is broken")));
        }
        Ok(())
    }

    fn breaks(&self, breakage: Breakage, open: &OpenFolder) -> bool {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(tree) = damages(breakage) {
            let damaged = open.with(|opened| {
                let tree = tree(&opened.trees);
                tree.iter()
                    .map(|pair| {
                        let (key, value) = pair?;
                        tree.insert(&key, b"damage")?;
                        Ok((key, value))
                    })
                    .collect::<Result<Vec<_>, sled::Error>>()
                    .map_err(failed)
            });
            state.damaged = damaged.expect("the trees are damaged");
        } else if !matches!(
            breakage,
            Breakage::Writes | Breakage::Commit | Breakage::CommitAnswer | Breakage::Reads
        ) {
            return false;
        }
        state.breakage = Some(breakage);
        true
    }

    fn mends(&self, open: &OpenFolder) -> bool {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let damaged = std::mem::take(&mut state.damaged);
        if let Some(tree) = state.breakage.take().and_then(damages) {
            let mended = open.with(|opened| {
                let mut pairs = damaged.iter();
                pairs
                    .try_for_each(|(key, value)| tree(&opened.trees).insert(key, value).map(drop))
                    .map_err(failed)
            });
            mended.expect("the trees are mended");
        }
        true
    }
}

fn failed(error: sled::Error) -> StoreError {
    StoreError::new(StoreErrorKind::Other, NAME, "break", "sled failed").with_source(error)
}

/// The tree that is damaged.
fn damages(breakage: Breakage) -> Option<fn(&Trees) -> &sled::Tree> {
    match breakage {
        Breakage::DamagedRecords => Some(|trees| &trees.records),
        Breakage::DamagedNumbers => Some(|trees| &trees.numbers),
        _ => None,
    }
}
