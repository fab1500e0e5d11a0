//! The visitor's address, also behind proxies.

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;

/// How to find the address of the visitor.
///
/// By default it is the address of whoever is connected, because headers can say
/// anything. Behind proxies, name the proxies and the one header that they maintain.
/// A host that finds the address in another way fills in
/// [`Visit::address`](super::Visit::address) itself.
///
/// ```
/// # use referral_core::visit::{ClientAddress, Header, TrustedProxies};
/// let proxies = TrustedProxies::new(["10.0.0.0/8".parse()?], Header::XForwardedFor);
/// let found = ClientAddress::Proxied(proxies)
///     .resolve("10.0.0.1".parse()?, ["6.6.6.6, 198.51.100.7, 10.0.0.9"]);
/// assert_eq!(found.to_string(), "198.51.100.7");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum ClientAddress {
    /// The address of whoever is connected.
    #[default]
    Peer,
    /// The address of whoever is connected to the first of our proxies.
    Proxied(TrustedProxies),
}

/// The proxies that are trusted about an address, and the header in which they give it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedProxies {
    networks: Vec<IpNet>,
    header: Header,
}

/// The header in which proxies say whom they speak for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Header {
    /// `X-Forwarded-For`
    XForwardedFor,
    /// `Forwarded` (RFC 7239)
    Forwarded,
}

/// How much of a header is looked at, in bytes from its end.
const BYTES_MAX: usize = 4096;

/// How many addresses of a header are looked at, from its end.
const HOPS_MAX: usize = 32;

impl ClientAddress {
    /// The name, in lower case, of the header whose field lines
    /// [`resolve`](Self::resolve) wants; nothing if it wants none.
    pub const fn header(&self) -> Option<&'static str> {
        match self {
            Self::Peer => None,
            Self::Proxied(proxies) => Some(proxies.header.name()),
        }
    }

    /// The visitor's address: `peer` is who is connected, and `lines` are all field
    /// lines of [`header`](Self::header) in the order received.
    ///
    /// The header is read from its end, where our own proxies write: trusted
    /// addresses are skipped, and the first other one is the visitor's. If all are
    /// trusted, it is the leftmost. An entry that is no address ends the search at the
    /// last good one. Ports, brackets and zone ids are dropped, and an IPv4 address in
    /// IPv6 form (`::ffff:192.0.2.1`) becomes plain IPv4. At most 4 KiB and 32 entries are
    /// looked at.
    pub fn resolve<L: AsRef<[u8]>>(&self, peer: IpAddr, lines: impl IntoIterator<Item = L>) -> IpAddr {
        let peer = peer.to_canonical();
        match self {
            Self::Peer => peer,
            Self::Proxied(proxies) => proxies.walk(peer, lines),
        }
    }
}

impl Header {
    /// The name of the header in lower case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::XForwardedFor => "x-forwarded-for",
            Self::Forwarded => "forwarded",
        }
    }
}

impl TrustedProxies {
    /// Trusts what whoever is in these networks says in this header, and in no other.
    /// Name the networks of your own proxies only: a client in one of them can claim
    /// any address.
    pub fn new(networks: impl IntoIterator<Item = IpNet>, header: Header) -> Self {
        Self { networks: networks.into_iter().collect(), header }
    }

    fn trusts(&self, address: &IpAddr) -> bool {
        self.networks.iter().any(|network| network.contains(address))
    }

    fn walk<L: AsRef<[u8]>>(&self, peer: IpAddr, lines: impl IntoIterator<Item = L>) -> IpAddr {
        if !self.trusts(&peer) {
            return peer;
        }
        let mut client = peer;
        let joined = join(lines);
        // An entry that the limit cut in two is refused as garbage, unless what is
        // left of it looks like an address: drop it.
        let whole = if joined.len() > BYTES_MAX {
            let tail = joined.get(joined.ceil_char_boundary(joined.len() - BYTES_MAX)..).unwrap_or_default();
            tail.split_once(',').map_or("", |(_, whole)| whole)
        } else {
            joined.as_str()
        };
        for entry in whole.rsplit(',').take(HOPS_MAX) {
            // Empty entries of a list mean nothing (RFC 9110, section 5.6.1).
            if entry.trim().is_empty() {
                continue;
            }
            let Some(address) = self.header.address(entry.trim()) else { break };
            client = address.to_canonical();
            if !self.trusts(&client) {
                break;
            }
        }
        client
    }
}

/// Several field lines are one list (RFC 9110, section 5.3).
fn join<L: AsRef<[u8]>>(lines: impl IntoIterator<Item = L>) -> String {
    let mut joined = String::new();
    for line in lines {
        if !joined.is_empty() {
            joined.push(',');
        }
        joined.push_str(&String::from_utf8_lossy(line.as_ref()));
    }
    joined
}

impl Header {
    /// The address in one entry of the list.
    fn address(self, entry: &str) -> Option<IpAddr> {
        match self {
            Self::XForwardedFor => bare_address(entry),
            Self::Forwarded => {
                let element = rfc7239::parse(entry).next()?.ok()?;
                element.forwarded_for?.ip().copied()
            }
        }
    }
}

/// An address with or without a port, brackets or a zone id.
fn bare_address(entry: &str) -> Option<IpAddr> {
    if let Ok(address) = entry.parse::<IpAddr>() {
        return Some(address);
    }
    if let Ok(address) = entry.parse::<SocketAddr>() {
        return Some(address.ip());
    }
    let inner = match entry.strip_prefix('[') {
        Some(rest) => {
            let (inner, port) = rest.split_once(']')?;
            if !port.is_empty() {
                port.strip_prefix(':')?.parse::<u16>().ok()?;
            }
            inner
        }
        None => entry,
    };
    // Zones have names such as `eth0`, which the standard library does not read.
    let inner = inner.split_once('%').map_or(inner, |(address, _)| address);
    inner.parse::<std::net::Ipv6Addr>().ok().map(IpAddr::V6)
}
