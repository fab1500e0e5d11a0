//! A site: a tenant with its own public URL, route and cookie.

use url::Url;

use super::error::BuildError;
use crate::redirect::{RedirectPolicy, SafeDestination};
use crate::value::{Code, Tenant};

/// One of the host's sites: a tenant with its own public URL, route, cookie name and list of allowed hosts.
///
/// The builder of [`Referrals`](crate::Referrals) makes the first site. A host that serves several customers makes one
/// for each, and gets the handle for it from [`Referrals::for_site`](crate::Referrals::for_site). URLs, codes,
/// redirects and cookies of one site never reach another.
///
/// ```
/// use referral_core::{Site, Tenant};
///
/// let acme = Site::new("https://shop.example/acme")?
///     .with_tenant(Tenant::new("acme")?)
///     .with_cookie_name("referral-acme")?;
/// assert_eq!(acme.url_of(&referral_core::Code::new("ada")?), "https://shop.example/acme/r/ada");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Site {
    pub(crate) tenant: Tenant,
    public_url: Url,
    route: String,
    fallback: SafeDestination,
    cookie_name: String,
    redirects: RedirectPolicy,
}

impl Site {
    /// Makes a site with this public URL, the empty tenant, links below `/r` and the cookie `referral`.
    ///
    /// # Errors
    /// `PublicUrl` unless it is an absolute `http` or `https` URL without query, fragment and credentials.
    pub fn new(public_url: impl AsRef<str>) -> Result<Self, BuildError> {
        let public_url = parse_public_url(public_url.as_ref())?;
        let redirects = RedirectPolicy::new(&public_url);
        Ok(Self {
            tenant: Tenant::default(),
            fallback: path(public_url.path().to_owned())?,
            route: "/r".to_owned(),
            cookie_name: "referral".to_owned(),
            public_url,
            redirects,
        })
    }

    /// Sets the tenant whose data the site uses. Default: the empty tenant.
    #[must_use]
    pub fn with_tenant(mut self, tenant: Tenant) -> Self {
        self.tenant = tenant;
        self
    }

    /// Sets the path of links below the public URL. Default: `/r`.
    ///
    /// # Errors
    /// `Path` if the text is no path of the site.
    pub fn with_route(mut self, route: impl Into<String>) -> Result<Self, BuildError> {
        let route = route.into();
        let below = path(route.clone())?.location().trim_end_matches('/').to_owned();
        // Below the root, every page of the site would be a link.
        if below.is_empty() {
            return Err(BuildError::Path { path: route });
        }
        self.route = below;
        Ok(self)
    }

    /// Sets where a dead code leads. Default: the path of the public URL, which is `/` for most sites.
    ///
    /// # Errors
    /// `Path` for what is no path of the site.
    pub fn with_fallback(mut self, fallback: impl Into<String>) -> Result<Self, BuildError> {
        self.fallback = path(fallback.into())?;
        Ok(self)
    }

    /// What the visitor's cookie is called, behind the prefix that its mode needs. Default: `referral`. Sites on one
    /// host need different names. Another name makes all tokens worthless that were given out under the one before.
    ///
    /// # Errors
    /// `Cookie` unless it has 1 to 64 letters, digits, `-` or `_`, and no `__` at its beginning.
    pub fn with_cookie_name(mut self, name: impl Into<String>) -> Result<Self, BuildError> {
        let name = name.into();
        let symbol = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if name.is_empty() || name.len() > 64 || name.starts_with("__") || !name.bytes().all(symbol) {
            return Err(BuildError::Cookie { name });
        }
        self.cookie_name = name;
        Ok(self)
    }

    /// Lets links and `?redirect_to=` lead to this host too: `blog.example`, `blog.example:8443`.
    ///
    /// # Errors
    /// `Host` for what is no host.
    pub fn with_allowed_host(mut self, host: impl AsRef<str>) -> Result<Self, BuildError> {
        self.redirects = self.redirects.with_host(host.as_ref())?;
        Ok(self)
    }

    /// Lets stored links, but not `?redirect_to=`, lead to this host too.
    ///
    /// # Errors
    /// `Host` for what is no host.
    pub fn with_landing_host(mut self, host: impl AsRef<str>) -> Result<Self, BuildError> {
        self.redirects = self.redirects.with_landing_host(host.as_ref())?;
        Ok(self)
    }

    /// The tenant whose data the site uses.
    #[must_use]
    pub const fn tenant(&self) -> &Tenant {
        &self.tenant
    }

    /// The public URL of the site.
    #[must_use]
    pub const fn public_url(&self) -> &Url {
        &self.public_url
    }

    /// The path of links, without a slash at its end, such as `/r`. It begins below the path of the public URL.
    #[must_use]
    pub fn route(&self) -> &str {
        &self.route
    }

    /// Where a dead code leads.
    #[must_use]
    pub const fn fallback(&self) -> &SafeDestination {
        &self.fallback
    }

    /// The name of the visitor's cookie, without the prefix that its mode needs.
    #[must_use]
    pub fn cookie_name(&self) -> &str {
        &self.cookie_name
    }

    /// Which destinations are safe.
    #[must_use]
    pub const fn redirects(&self) -> &RedirectPolicy {
        &self.redirects
    }

    /// The absolute URL that a code has on this site.
    #[must_use]
    pub fn url_of(&self, code: &Code) -> String {
        let site = self.public_url.as_str().trim_end_matches('/');
        format!("{site}{}/{code}", self.route)
    }

    /// Whether a destination is a link of this site; followed, it could come back to where it began. The route itself
    /// is the page of one's own links.
    pub(crate) fn is_link(&self, destination: &SafeDestination) -> bool {
        let Ok(url) = self.public_url.join(destination.location()) else { return false };
        let route = format!("{}{}", self.public_url.path().trim_end_matches('/'), self.route);
        let path = percent_encoding::percent_decode_str(url.path()).decode_utf8_lossy();
        let below = path.strip_prefix(route.as_str());
        url.origin() == self.public_url.origin()
            && below.is_some_and(|rest| rest.len() > 1 && rest.starts_with('/'))
    }
}

fn path(path: String) -> Result<SafeDestination, BuildError> {
    RedirectPolicy::paths_only().check(&path).map_err(|_| BuildError::Path { path })
}

/// The site's own URL: absolute, `http` or `https`, nothing behind the path.
fn parse_public_url(text: &str) -> Result<Url, BuildError> {
    // What stands before an @ may be a password.
    let shown = text.rsplit_once('@').map_or(text, |(_, rest)| rest);
    let refuse = || BuildError::PublicUrl { url: shown.to_owned() };
    let url = Url::parse(text).map_err(|_| refuse())?;
    let plain = matches!(url.scheme(), "http" | "https")
        && url.has_host()
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    if plain { Ok(url) } else { Err(refuse()) }
}
