//! The handle that applications hold.

use std::fmt;
use std::sync::Arc;

use url::Url;

use crate::link::LinkCache;
use crate::redirect::RedirectPolicy;
use crate::referrals::config::Config;
use crate::referrals::effects::Sink;
use crate::source::Clock;
use crate::store::Store;
use crate::token::{Purpose, TokenSigner};
use crate::value::Tenant;

/// What an application holds: cheap to clone, safe to share.
///
/// ```
/// use referral_core::{KeyRing, LinkDraft, Referrals, UserId};
/// use referral_core::memory::MemoryStore;
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
    pub(crate) config: Arc<Config>,
    pub(crate) tenant: Tenant,
    pub(crate) store: Arc<dyn Store>,
    /// The same without the cache, for decisions that must not rest on what another process has changed since.
    pub(crate) uncached: Arc<dyn Store>,
    pub(crate) cache: Option<Arc<LinkCache<Arc<dyn Store>>>>,
    pub(super) sink: Sink,
}

impl Referrals {
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
