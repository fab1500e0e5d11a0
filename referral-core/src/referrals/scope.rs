//! Every verb inside the host's own transaction.

use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};

use crate::referrals::effects::{Effects, Sink};
use crate::referrals::handle::Referrals;
use crate::store::Store;

/// The handle inside a transaction of the host's. Its reads see what the transaction wrote, and its hooks wait until the
/// host has committed.
///
/// ```
/// # use referral_core::{KeyRing, LinkDraft, Referrals};
/// # use referral_core::memory::MemoryStore;
/// # async fn show(referrals: Referrals) -> Result<(), Box<dyn std::error::Error>> {
/// # let joined = MemoryStore::new();
/// // `joined` comes from the SQL store's `join(tx)`.
/// let scope = referrals.within(joined.clone());
/// scope.links().create(LinkDraft::to("/")?).await?;
/// let effects = scope.into_effects();
/// // let tx = joined.release().await?; … tx.commit().await?;
/// referrals.committed(effects).await;
/// # Ok(()) }
/// ```
#[must_use = "its effects are to be run after the host's commit"]
#[derive(Debug)]
pub struct Scope {
    referrals: Referrals,
    effects: Arc<Mutex<Effects>>,
}

impl Scope {
    /// What is still to be done once the host's transaction is committed. After a rollback, drop it.
    pub fn into_effects(self) -> Effects {
        std::mem::take(&mut *self.effects.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Deref for Scope {
    type Target = Referrals;

    fn deref(&self) -> &Referrals {
        &self.referrals
    }
}

impl Referrals {
    /// The same handle over another store, which is joined to the host's transaction. There is no cache and no group
    /// commit inside.
    ///
    /// Only the stores of `referral-sql` can be joined to a transaction. Any other store writes at once what each call
    /// asks for: no rollback undoes it, and only the hooks wait.
    pub fn within(&self, joined: impl Store) -> Scope {
        let effects = Arc::new(Mutex::new(Effects::default()));
        let joined: Arc<dyn Store> = Arc::new(joined);
        let referrals = Self {
            config: Arc::clone(&self.config),
            site: Arc::clone(&self.site),
            store: Arc::clone(&joined),
            uncached: joined,
            cache: None,
            sink: Sink::Later(Arc::clone(&effects)),
        };
        Scope { referrals, effects }
    }

    /// Runs the hooks of a transaction that the host has committed, and forgets the links it changed.
    pub async fn committed(&self, effects: Effects) {
        self.run(effects).await;
    }
}
