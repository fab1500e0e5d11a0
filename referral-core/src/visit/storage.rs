//! What is kept of what a browser says: the page it came from, where it landed, its name, its address.

use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ipnet::IpNet;
use url::Url;

use super::tags::Tags;
use super::visit::Visit;
use crate::token::{KeyRing, Purpose};
use crate::value::{Address, Agent, LandingUrl, Referrer, Timestamp};

/// What is kept of a visitor's address with a response.
///
/// Everything but [`Never`](Self::Never) is still personal data: pseudonymous, and not anonymous.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum AddressStorage {
    /// Nothing. The default.
    #[default]
    Never,
    /// The network that it is in: the first 24 bits of an IPv4 address, the first 48
    /// of an IPv6 one, as `198.51.100.0/24` or `2001:db8:1::/48`.
    Masked,
    /// A keyed hash of it, which is different on every day of UTC. It tells whether two
    /// responses of one day came from one address, but neither from which address nor
    /// anything about other days. The hash is keyed, because without a key all IPv4
    /// addresses could be tried quickly.
    Hashed(KeyRing),
}

const DAY: i64 = 86_400_000;

impl AddressStorage {
    /// What is kept of this address at this time.
    pub fn keep(&self, address: Option<IpAddr>, at: Timestamp) -> Option<Address> {
        let address = address?.to_canonical();
        let kept = match self {
            Self::Never => return None,
            Self::Masked => {
                let bits = if address.is_ipv4() { 24 } else { 48 };
                IpNet::new(address, bits).ok()?.trunc().to_string()
            }
            Self::Hashed(keys) => {
                let octets = match address {
                    IpAddr::V4(address) => address.octets().to_vec(),
                    IpAddr::V6(address) => address.octets().to_vec(),
                };
                let day = at.as_millis().div_euclid(DAY).to_be_bytes();
                let hash = keys.mac(Purpose::ClientAddress, &[&day, &octets]);
                // 128 bits tell all addresses of a day apart.
                URL_SAFE_NO_PAD.encode(hash.first_chunk::<16>()?)
            }
        };
        Some(Address::cut(&kept))
    }
}

/// How much of a text is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Keep {
    /// The whole text, up to what its column holds.
    Whole,
    /// The part that rarely tells who somebody is. [`VisitStorage`] says what that is for each field.
    Cut,
    /// Nothing.
    Nothing,
}

/// What is kept of a visit with a response, beside its [address](AddressStorage).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct VisitStorage {
    /// The URL landed on. Default: cut, which is its path without the query, because queries carry secrets.
    pub landing: Keep,
    /// The page that the visitor came from. Default: cut, which is its scheme, host and path.
    pub referrer: Keep,
    /// The user agent. Default: whole. Cut, it is kept without minor versions.
    pub agent: Keep,
    /// The parameters of the landing URL that are kept as [`Tags`]. If there is not enough room, the first ones are kept.
    /// Default: `utm_source`, `utm_medium`, `utm_campaign`, `utm_term`, `utm_content` and `sub1` to `sub5`.
    pub tags: Vec<String>,
}

impl Default for VisitStorage {
    fn default() -> Self {
        let tags = [
            "utm_source",
            "utm_medium",
            "utm_campaign",
            "utm_term",
            "utm_content",
            "sub1",
            "sub2",
            "sub3",
            "sub4",
            "sub5",
        ];
        Self {
            landing: Keep::Cut,
            referrer: Keep::Cut,
            agent: Keep::Whole,
            tags: tags.map(str::to_owned).to_vec(),
        }
    }
}

impl VisitStorage {
    /// Keeps this much of the URL landed on.
    #[must_use]
    pub const fn with_landing(mut self, keep: Keep) -> Self {
        self.landing = keep;
        self
    }

    /// Keeps this much of the page that the visitor came from.
    #[must_use]
    pub const fn with_referrer(mut self, keep: Keep) -> Self {
        self.referrer = keep;
        self
    }

    /// Keeps this much of the user agent.
    #[must_use]
    pub const fn with_agent(mut self, keep: Keep) -> Self {
        self.agent = keep;
        self
    }

    /// Keeps these parameters, and no others, as tags.
    #[must_use]
    pub fn with_tags<T: Into<String>>(mut self, names: impl IntoIterator<Item = T>) -> Self {
        self.tags = names.into_iter().map(Into::into).collect();
        self
    }

    /// What is kept of the URL landed on.
    #[must_use]
    pub fn landing(&self, visit: &Visit) -> Option<LandingUrl> {
        let path = || visit.url.split(['?', '#']).next().unwrap_or_default();
        kept(self.landing, &visit.url, || path().to_owned()).map(|text| LandingUrl::cut(&text))
    }

    /// What is kept of the page that the visitor came from. If it is cut and is no URL, nothing is kept.
    #[must_use]
    pub fn referrer(&self, visit: &Visit) -> Option<Referrer> {
        let referrer = visit.referrer.as_deref()?;
        let origin_and_path = || {
            let Ok(mut url) = Url::parse(referrer) else { return String::new() };
            url.set_query(None);
            url.set_fragment(None);
            // Neither can be refused for a URL with a host; one without has none to take away.
            let _ = url.set_username("");
            let _ = url.set_password(None);
            if url.has_host() { url.into() } else { String::new() }
        };
        kept(self.referrer, referrer, origin_and_path).map(|text| Referrer::cut(&text))
    }

    /// What is kept of the user agent.
    #[must_use]
    pub fn agent(&self, visit: &Visit) -> Option<Agent> {
        let agent = visit.agent.as_deref()?;
        kept(self.agent, agent, || without_minor_versions(agent)).map(|text| Agent::cut(&text))
    }

    /// The parameters of the URL landed on that are kept.
    #[must_use]
    pub fn tags(&self, visit: &Visit) -> Option<Tags> {
        let (_, query) = visit.url.split_once('?')?;
        let query = query.split_once('#').map_or(query, |(query, _)| query);
        Some(Tags::of_query(query, &self.tags)).filter(|tags| !tags.is_empty())
    }
}

fn kept(keep: Keep, whole: &str, cut: impl FnOnce() -> String) -> Option<String> {
    let text = match keep {
        Keep::Whole => whole.to_owned(),
        Keep::Cut => cut(),
        Keep::Nothing => return None,
    };
    Some(text).filter(|text| !text.is_empty())
}

/// `Chrome/156.0.8078.73` becomes `Chrome/156`: what tells browsers apart, but hardly people.
fn without_minor_versions(agent: &str) -> String {
    let mut out = String::with_capacity(agent.len());
    let (mut digit, mut dropping) = (false, false);
    for symbol in agent.chars() {
        dropping = (symbol == '.' && (digit || dropping)) || (dropping && symbol.is_ascii_digit());
        digit = symbol.is_ascii_digit();
        if !dropping {
            out.push(symbol);
        }
    }
    out
}
