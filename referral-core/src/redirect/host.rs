//! The hosts that absolute destinations may lead to.

use std::fmt;
use std::str::FromStr;

use url::Url;

/// One allowed host: a name or address as WHATWG URLs write it, and a port.
///
/// Without a port, the default port of the destination's scheme is meant, and no other.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Host {
    name: String,
    port: Option<u16>,
    // Set for the site's own origin only. Then this scheme is allowed and no other.
    scheme: Option<String>,
}

impl Host {
    /// The origin of a URL: its scheme, host and port.
    pub(super) fn of_origin(url: &Url) -> Option<Self> {
        let name = url.host_str()?.to_owned();
        Some(Self { name, port: url.port_or_known_default(), scheme: Some(url.scheme().to_owned()) })
    }

    /// Is this where the URL leads?
    pub(super) fn is_of(&self, url: &Url) -> bool {
        // The parser has lower-cased the name, mapped it to ASCII and dropped a default port.
        url.host_str() == Some(self.name.as_str())
            && match self.port {
                Some(port) => url.port_or_known_default() == Some(port),
                None => url.port().is_none(),
            }
            && self.scheme.as_deref().is_none_or(|scheme| scheme == url.scheme())
    }
}

impl FromStr for Host {
    type Err = HostError;

    fn from_str(entry: &str) -> Result<Self, HostError> {
        // These would turn the entry into more than a host and a port.
        let foreign = |symbol: char| {
            matches!(symbol, '/' | '\\' | '?' | '#' | '@' | '%' | '*')
                || symbol.is_control()
                || symbol.is_whitespace()
        };
        if entry.is_empty() || entry.contains(foreign) {
            return Err(HostError { entry: entry.to_owned(), source: None });
        }
        let parse = |scheme: &str| {
            Url::parse(&format!("{scheme}://{entry}/"))
                .map_err(|source| HostError { entry: entry.to_owned(), source: Some(source) })
        };
        // The parser drops a default port. Read under both schemes, a port that was
        // written survives in at least one of them.
        let (https, http) = (parse("https")?, parse("http")?);
        let port = https.port().or_else(|| http.port());
        let name = https.host_str().unwrap_or_default().to_owned();
        Ok(Self { name, port, scheme: None })
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(scheme) = &self.scheme {
            write!(f, "{scheme}://")?;
        }
        f.write_str(&self.name)?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        Ok(())
    }
}

/// An entry of a list of allowed hosts is neither `host` nor `host:port`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{entry:?} is no host name or address with or without a port, such as `shop.example:8443`")]
pub struct HostError {
    entry: String,
    source: Option<url::ParseError>,
}
