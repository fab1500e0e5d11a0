//! Sites that differ in the host of their public URL.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;

use http::header::HOST;
use http::request::Parts;
use http::uri::Authority;
use referral_core::Site;

use super::path::{base, is_below};
use super::resolve::{Sites, path_of};

/// Sites on hosts of their own, such as `https://acme.example` and `https://globex.example`.
///
/// A request is for the site whose public URL has its host and port; of several on one host, for the one with the
/// longest path that the request is below. The host is that of the request's URL where there is one, as in HTTP/2, and
/// else that of the `Host` header. A host that is not listed, a header that is no host, and two such headers mean the
/// default site.
///
/// Only hosts that are listed here are ever chosen, and what is chosen is the site as it is listed. So a forged header
/// can do nothing that a request to the listed host could not do as well. A proxy in front has to pass `Host` on.
#[derive(Clone, Debug, Default)]
pub struct HostSites {
    listed: Vec<Arc<Site>>,
    /// The sites of each host, the one with the longest path first.
    by_host: HashMap<String, Vec<Arc<Site>>>,
}

impl HostSites {
    /// With these sites. The default site is not one of them.
    pub fn new(sites: impl IntoIterator<Item = Site>) -> Self {
        let listed: Vec<_> = sites.into_iter().map(Arc::new).collect();
        let mut by_host: HashMap<_, Vec<_>> = HashMap::new();
        for site in &listed {
            for name in names(site) {
                by_host.entry(name).or_default().push(Arc::clone(site));
            }
        }
        for sites in by_host.values_mut() {
            sites.sort_by_key(|site| Reverse(base(site).len()));
        }
        Self { listed, by_host }
    }
}

impl Sites for HostSites {
    fn site(&self, request: &Parts) -> Option<Arc<Site>> {
        let sites = self.by_host.get(&asked_for(request)?)?;
        let path = path_of(request);
        sites.iter().find(|site| is_below(path, base(site))).map(Arc::clone)
    }

    fn listed(&self) -> Vec<Arc<Site>> {
        self.listed.clone()
    }
}

/// What a request may call the host of a site: with its port, and without where that is the default one.
fn names(site: &Site) -> impl Iterator<Item = String> {
    let url = site.public_url();
    // The parser of URLs has lower-cased the name and dropped a default port.
    let host = url.host_str().unwrap_or_default();
    let bare = url.port().is_none().then(|| host.to_owned());
    let full = url.port_or_known_default().map(|port| format!("{host}:{port}"));
    bare.into_iter().chain(full)
}

/// The host that a request is for, as whoever sent it says, in the spelling of [`names`].
fn asked_for(request: &Parts) -> Option<String> {
    // RFC 9112, 3.2.2 and RFC 9113, 8.3.1: the target's own host goes before the header.
    if let Some(authority) = request.uri.authority() {
        return Some(spelled(authority));
    }
    let mut headers = request.headers.get_all(HOST).iter();
    let header = headers.next()?;
    // With two of them, a proxy in front may have judged by the other one.
    if headers.next().is_some() {
        return None;
    }
    Some(spelled(&Authority::try_from(header.as_bytes()).ok()?))
}

fn spelled(authority: &Authority) -> String {
    let host = authority.host().to_ascii_lowercase();
    match authority.port_u16() {
        Some(port) => format!("{host}:{port}"),
        None => host,
    }
}
