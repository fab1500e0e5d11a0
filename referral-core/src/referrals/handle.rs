//! The handle that applications hold.

use std::fmt;
use std::sync::Arc;

use url::Url;

use super::config::Config;
use super::effects::Sink;
use super::site::Site;
use crate::link::LinkCache;
use crate::redirect::RedirectPolicy;
use crate::source::Clock;
use crate::store::Store;
use crate::token::{Purpose, TokenSigner};
use crate::value::Tenant;

/// The handle that an application holds. It is cheap to clone and safe to share.
///
/// What happens to a visitor is a method of it: [`land`](Self::land), [`touch`](Self::touch),
/// [`enter_code`](Self::enter_code), [`record`](Self::record), [`respond`](Self::respond) and
/// [`identify`](Self::identify). Everything else is on a handle for each area: [`links`](Self::links),
/// [`responses`](Self::responses).
///
/// ```
/// use referral_core::{KeyRing, LinkDraft, Referrals, UserId, memory::MemoryStore};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let referrals =
///     Referrals::builder(MemoryStore::new(), KeyRing::generate()?, "https://shop.example").build()?;
/// let draft = LinkDraft::to("/products/7")?.with_owner(UserId::new("ada")?);
/// let link = referrals.links().create(draft).await?;
/// assert!(referrals.links().url(&link).starts_with("https://shop.example/r/"));
/// # Ok(()) }) }
/// ```
#[derive(Clone)]
pub struct Referrals {
    pub(crate) config: Arc<Config>,
    pub(crate) site: Arc<Site>,
    pub(crate) store: Arc<dyn Store>,
    /// The same without the cache, for decisions that must not rest on what another process has changed since.
    pub(crate) uncached: Arc<dyn Store>,
    pub(crate) cache: Option<Arc<LinkCache<Arc<dyn Store>>>>,
    pub(super) sink: Sink,
}

impl Referrals {
    /// The same handle for another site of the host's. Everything but the site is shared, also group commit and the cache.
    #[must_use]
    pub fn for_site(&self, site: &Site) -> Self {
        Self { site: Arc::new(site.clone()), ..self.clone() }
    }

    /// The site that this handle works for.
    #[must_use]
    pub fn site(&self) -> &Site {
        &self.site
    }

    /// The tenant whose data the site uses.
    #[must_use]
    pub fn tenant(&self) -> &Tenant {
        self.site.tenant()
    }

    /// The public URL of the site.
    #[must_use]
    pub fn public_url(&self) -> &Url {
        self.site.public_url()
    }

    /// The path of links below the public URL, without a slash at its end, such as `/r`.
    #[must_use]
    pub fn route(&self) -> &str {
        self.site.route()
    }

    /// Which destinations are safe.
    #[must_use]
    pub fn redirects(&self) -> &RedirectPolicy {
        self.site.redirects()
    }

    /// The clock that every verb asks.
    #[must_use]
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.config.clock
    }

    /// Signs and verifies tokens of a purpose for an audience. For a visitor's cookie the audience is the cookie's
    /// name and the tenant, so that no other cookie's value passes for it.
    #[must_use]
    pub fn signer(&self, purpose: Purpose, audience: &str) -> TokenSigner {
        TokenSigner::new(&self.config.keys, purpose, audience)
    }
}

impl fmt::Debug for Referrals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Referrals")
            .field("public_url", &self.public_url().as_str())
            .field("tenant", self.tenant())
            .field("store", &self.store)
            .finish_non_exhaustive()
    }
}
