//! What is kept of an address.

use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ipnet::IpNet;

use crate::token::{KeyRing, Purpose};
use crate::value::{Address, Timestamp};

/// What is kept of a visitor's address with a response.
///
/// All but [`Never`](Self::Never) is personal data still: pseudonymous, not anonymous.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum AddressStorage {
    /// Nothing. The default.
    #[default]
    Never,
    /// The network that it is in: the first 24 bits of an IPv4 address, the first 48
    /// of an IPv6 one, as `198.51.100.0/24` or `2001:db8:1::/48`.
    Masked,
    /// A keyed hash of it, which is another one every UTC day: tells whether two
    /// responses of a day came from one address, but not from which, and not over days.
    /// The hash is keyed because all IPv4 addresses are quickly tried.
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
