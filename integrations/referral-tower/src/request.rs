//! What a request says, as a visit.

use std::net::{IpAddr, SocketAddr};

use http::header::{HOST, REFERER, USER_AGENT};
use http::request::Parts;
use http::{HeaderMap, Uri};
use referral_core::Visit;
use referral_core::visit::{ClientAddress, FetchMetadata, Method};

/// The address of the connection, for servers other than axum's. Put it into the request's extensions in front of the
/// layer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Peer(pub SocketAddr);

/// The host's own function for the address of a visitor.
pub(crate) type AddressSource = Box<dyn Fn(&Parts) -> Option<IpAddr> + Send + Sync>;

/// How the address of a visitor is found.
pub(crate) enum Addresses {
    Client(ClientAddress),
    Host(AddressSource),
}

/// The visit that a request is, without user and token.
pub(crate) fn visit(parts: &Parts, addresses: &Addresses) -> Visit {
    let headers = &parts.headers;
    let mut visit = Visit::new(Method::from_name(parts.method.as_str()), url(parts))
        .with_fetch(FetchMetadata::read(|name| headers.get(name)?.to_str().ok()));
    visit.agent = text(headers, &USER_AGENT);
    visit.referrer = text(headers, &REFERER);
    visit.host = text(headers, &HOST).or_else(|| parts.uri.host().map(str::to_owned));
    visit.scheme = parts.uri.scheme_str().map(str::to_owned);
    visit.address = address(parts, addresses);
    visit
}

/// How much of a header is kept. Core cuts shorter; this only bounds what a handler's copy of a visit costs.
const HEADER_MAX: usize = 4096;

/// A header as text, whatever bytes it holds.
fn text(headers: &HeaderMap, name: &http::HeaderName) -> Option<String> {
    let bytes = headers.get(name)?.as_bytes();
    Some(String::from_utf8_lossy(bytes.get(..HEADER_MAX).unwrap_or(bytes)).into_owned())
}

/// Path and query as the browser asked for them.
fn url(parts: &Parts) -> String {
    uri(parts).path_and_query().map_or("/", |url| url.as_str()).to_owned()
}

/// The URI as the browser asked for it, also inside of a router that took a prefix away.
pub(crate) fn uri(parts: &Parts) -> &Uri {
    #[cfg(feature = "axum")]
    if let Some(original) = parts.extensions.get::<axum::extract::OriginalUri>() {
        return &original.0;
    }
    &parts.uri
}

fn address(parts: &Parts, addresses: &Addresses) -> Option<IpAddr> {
    let client = match addresses {
        Addresses::Host(source) => return source(parts),
        Addresses::Client(client) => client,
    };
    let peer = peer(parts)?;
    Some(resolve(client, peer, &parts.headers))
}

fn resolve(client: &ClientAddress, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
    let lines = client.header().map(|name| headers.get_all(name).into_iter());
    client.resolve(peer, lines.into_iter().flatten())
}

/// The address of the connection. On a Unix socket there is none.
fn peer(parts: &Parts) -> Option<IpAddr> {
    if let Some(Peer(peer)) = parts.extensions.get() {
        return Some(peer.ip());
    }
    #[cfg(feature = "axum")]
    if let Some(info) = parts.extensions.get::<axum::extract::ConnectInfo<SocketAddr>>() {
        return Some(info.0.ip());
    }
    None
}
