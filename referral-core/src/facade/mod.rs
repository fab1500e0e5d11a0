//! The facade: the verbs that applications call.

mod builder;
mod edit;
mod error;
mod hook;
mod identify;
mod landing;
mod links;
mod record;
mod scope;
mod statistics;
mod touch;
mod write;

use std::fmt;
use std::sync::Arc;

use url::Url;

pub use builder::Builder;
pub use edit::LinkEdit;
pub use error::{BuildError, Error};
pub use hook::{Effects, Guard, Hook, HookError, Trouble, Verdict};
pub use identify::{Identified, SignedIn};
pub use landing::Landing;
pub use links::{Existing, Preview};
pub use scope::Scope;
pub use statistics::{ActionCount, Statistics};
pub use touch::{DeadCode, TokenChange, Touch, TouchOutcome};

use crate::layer::LinkCache;
use crate::record::Tenant;
use crate::redirect::RedirectPolicy;
use crate::source::Clock;
use crate::store::Store;
use crate::token::{KeyRing, Purpose, TokenSigner};

use builder::Config;
use hook::Sink;

/// What an application holds: cheap to clone, safe to share.
///
/// ```
/// use referral_core::{LinkDraft, UserId, facade::Referrals, memory::MemoryStore, token::KeyRing};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let referrals =
///     Referrals::builder(MemoryStore::new(), KeyRing::generate()?, "https://shop.example").build()?;
/// let link = referrals.create(LinkDraft::to("/products/7")?.with_owner(UserId::new("ada")?)).await?;
/// assert!(referrals.url(&link).starts_with("https://shop.example/r/"));
/// # Ok(()) }) }
/// ```
#[derive(Clone)]
pub struct Referrals {
    config: Arc<Config>,
    tenant: Tenant,
    store: Arc<dyn Store>,
    /// The same without the cache, for decisions that must not rest on what another process has changed since.
    uncached: Arc<dyn Store>,
    cache: Option<Arc<LinkCache<Arc<dyn Store>>>>,
    sink: Sink,
}

impl Referrals {
    /// Begins to set up a facade over a store, with the keys that sign tokens and the URL that the public knows the
    /// site by. `Host` headers are never asked.
    pub fn builder<S: Store>(store: S, keys: KeyRing, public_url: impl Into<String>) -> Builder<S> {
        Builder::new(store, keys, public_url.into())
    }

    /// The same facade for another customer of the host's. Everything but the tenant is shared.
    #[must_use]
    pub fn for_tenant(&self, tenant: Tenant) -> Self {
        Self { tenant, ..self.clone() }
    }

    /// The customer of the host's that this handle works for.
    #[must_use]
    pub const fn tenant(&self) -> &Tenant {
        &self.tenant
    }

    /// The store, with group commit and cache around it.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// The clock that every verb asks.
    #[must_use]
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.config.clock
    }

    /// The site's own URL.
    #[must_use]
    pub fn public_url(&self) -> &Url {
        &self.config.public_url
    }

    /// The path that links live under, without a slash at its end: `/r`.
    #[must_use]
    pub fn route(&self) -> &str {
        &self.config.route
    }

    /// Which destinations are safe.
    #[must_use]
    pub fn redirects(&self) -> &RedirectPolicy {
        &self.config.redirects
    }

    /// Signs and verifies tokens of a purpose for an audience. For a visitor's cookie the audience is the cookie's
    /// name, so that no other cookie's value passes for it.
    #[must_use]
    pub fn signer(&self, purpose: Purpose, audience: &str) -> TokenSigner {
        TokenSigner::new(&self.config.keys, purpose, audience)
    }
}

impl fmt::Debug for Referrals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Referrals")
            .field("public_url", &self.config.public_url.as_str())
            .field("tenant", &self.tenant)
            .field("store", &self.store)
            .finish_non_exhaustive()
    }
}
