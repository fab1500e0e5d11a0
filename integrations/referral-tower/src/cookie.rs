//! The cookie that carries a visitor's token.

use std::time::Duration;

use cookie::{Cookie, SameSite};
use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};
use referral_core::Referrals;
use referral_core::Timestamp;
use referral_core::token::{Purpose, Token, TokenSigner};
use referral_core::visit::TokenChange;

use crate::error::LayerError;

/// How the cookie is bound to the site. `HttpOnly`, `SameSite=Lax` and `Path=/` are part of every mode.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum CookieMode {
    /// `__Host-referral`: it goes back to exactly the host that set it, over https only. No other host of the domain can
    /// set one ([RFC 6265bis, 4.1.3.2](https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#section-4.1.3.2)).
    #[default]
    Host,
    /// `__Secure-referral` with this `Domain`: all hosts of the domain share it, over https only. Each of these hosts
    /// can read it and set one.
    Domain(String),
    /// `referral`, also over plain http. The layer is not built with it unless the public URL is `http`.
    InsecureDevelopment,
}

impl CookieMode {
    /// [`CookieMode::Domain`] with this domain.
    pub fn domain(domain: impl Into<String>) -> Self {
        Self::Domain(domain.into())
    }

    /// [`CookieMode::InsecureDevelopment`], for development on plain http.
    #[must_use]
    pub const fn insecure_development() -> Self {
        Self::InsecureDevelopment
    }

    const fn prefix(&self) -> &'static str {
        match self {
            Self::Host => "__Host-",
            Self::Domain(_) => "__Secure-",
            Self::InsecureDevelopment => "",
        }
    }
}

/// Browsers keep no cookie longer (RFC 6265bis, 5.5), so nothing else is promised.
const LIFE_MAX: Duration = Duration::from_hours(400 * 24);

/// How many cookies of our name are looked at. A browser sends one, or two where another path or host has set one.
const CANDIDATES_MAX: usize = 8;

/// The cookie of one site.
#[derive(Clone, Debug)]
pub(crate) struct VisitorCookie {
    mode: CookieMode,
    name: String,
    /// The host of the public URL, whatever its port: cookies do not tell ports apart.
    host: String,
    signer: TokenSigner,
}

/// What a request's cookies said.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Carried {
    /// There is none of ours.
    Nothing,
    /// One of ours that is worth nothing: to be cleared.
    Worthless,
    /// A token of ours.
    Token {
        token: Token,
        /// It is to be signed again, under the key that signs now.
        stale: bool,
    },
}

impl VisitorCookie {
    /// The cookie of the site that a handle works for.
    pub(crate) fn new(referrals: &Referrals, mode: CookieMode) -> Result<Self, LayerError> {
        check_mode(referrals, &mode)?;
        let name = format!("{}{}", mode.prefix(), referrals.site().cookie_name());
        // The audience binds a token to this cookie and to this tenant.
        let tenant = referrals.tenant().as_str();
        let audience = if tenant.is_empty() { name.clone() } else { format!("{name} {tenant}") };
        let signer = referrals.signer(Purpose::Visitor, &audience);
        let host = referrals.public_url().host_str().unwrap_or_default().to_owned();
        Ok(Self { mode, name, host, signer })
    }

    /// Whether a browser sends one cookie of this name to both sites.
    pub(crate) fn is_shared_with(&self, other: &Self) -> bool {
        // In a domain, every host of it is sent the cookie, and each site was checked to be in the domain.
        let one_jar = matches!(self.mode, CookieMode::Domain(_)) || self.host == other.host;
        self.name == other.name && one_jar
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Reads all `Cookie` headers; of several cookies of our name the first that verifies.
    pub(crate) fn read(&self, headers: &HeaderMap, now: Timestamp) -> Carried {
        let mut found = 0_usize;
        for value in cookie_values(headers, &self.name).take(CANDIDATES_MAX) {
            found = found.saturating_add(1);
            // What is no UTF-8 is no token either.
            let verified = std::str::from_utf8(value).ok().map(|value| self.signer.verify(value, now));
            if let Some(Ok(verified)) = verified {
                return Carried::Token { token: verified.token, stale: verified.stale_key };
            }
        }
        if found == 0 { Carried::Nothing } else { Carried::Worthless }
    }

    /// The `Set-Cookie` header of a change; none if nothing changes.
    pub(crate) fn header(&self, change: &TokenChange, now: Timestamp) -> Option<HeaderValue> {
        let cookie = match change {
            TokenChange::Set(token) => {
                let life = token.expires_at.since(now).min(LIFE_MAX);
                let seconds = i64::try_from(life.as_secs()).unwrap_or(0);
                let mut cookie = self.bare(self.signer.sign(token));
                cookie.set_max_age(cookie::time::Duration::seconds(seconds));
                cookie
            }
            TokenChange::Clear => {
                let mut cookie = self.bare(String::new());
                cookie.make_removal();
                cookie
            }
            _ => return None,
        };
        // Name and domain were checked when the layer was built, and a token is ASCII.
        HeaderValue::try_from(cookie.to_string()).ok()
    }

    /// With the attributes that must be the same for setting and for clearing.
    fn bare(&self, value: String) -> Cookie<'static> {
        let mut cookie = Cookie::new(self.name.clone(), value);
        cookie.set_path("/");
        cookie.set_http_only(true);
        cookie.set_same_site(SameSite::Lax);
        if self.mode != CookieMode::InsecureDevelopment {
            cookie.set_secure(true);
        }
        if let CookieMode::Domain(domain) = &self.mode {
            cookie.set_domain(domain.clone());
        }
        cookie
    }
}

/// The values of the cookies of exactly this name, in all `Cookie` headers of a request, in their order.
///
/// Names are compared byte for byte, and only spaces and tabs are trimmed. A parser that trims Unicode's white space
/// takes `\u{2000}__Host-session` for `__Host-session`, and any host of the domain may set the first. A header that is
/// not ASCII loses no cookie. Read your session cookie with this too. There may be several of one name, of which others
/// may have set some: try each, and trust none that you cannot verify.
pub fn cookie_values<'h>(headers: &'h HeaderMap, name: &'h str) -> impl Iterator<Item = &'h [u8]> {
    headers.get_all(COOKIE).iter().flat_map(move |header| {
        header.as_bytes().split(|byte| *byte == b';').filter_map(move |pair| {
            let value = trim(pair).strip_prefix(name.as_bytes())?;
            trim_start(value).strip_prefix(b"=").map(trim)
        })
    })
}

fn trim(mut bytes: &[u8]) -> &[u8] {
    while let Some((b' ' | b'\t', rest)) = bytes.split_last() {
        bytes = rest;
    }
    trim_start(bytes)
}

fn trim_start(mut bytes: &[u8]) -> &[u8] {
    while let Some((b' ' | b'\t', rest)) = bytes.split_first() {
        bytes = rest;
    }
    bytes
}

fn check_mode(referrals: &Referrals, mode: &CookieMode) -> Result<(), LayerError> {
    let url = referrals.public_url();
    let host = url.host_str().unwrap_or_default();
    match mode {
        CookieMode::InsecureDevelopment if url.scheme() != "http" => {
            Err(LayerError::InsecureCookie { url: url.as_str().to_owned() })
        }
        CookieMode::InsecureDevelopment => {
            tracing::warn!(url = url.as_str(), "the visitor's cookie is not secure: for development only");
            Ok(())
        }
        CookieMode::Domain(domain) => {
            let plain = domain
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.'));
            let inside = host == domain.as_str()
                || host.strip_suffix(domain.as_str()).is_some_and(|rest| rest.ends_with('.'));
            // A last label of digits is an IP address, which no cookie can be shared under.
            let named =
                domain.rsplit('.').next().is_some_and(|last| last.chars().any(|c| c.is_ascii_alphabetic()));
            if plain && inside && named && !domain.starts_with('.') {
                Ok(())
            } else {
                Err(LayerError::CookieDomain { domain: domain.clone(), host: host.to_owned() })
            }
        }
        CookieMode::Host => {
            if url.scheme() == "http" {
                tracing::warn!(
                    url = url.as_str(),
                    "the visitor's cookie is secure, but the public URL is http: only some browsers keep it, and only on localhost"
                );
            }
            Ok(())
        }
    }
}
