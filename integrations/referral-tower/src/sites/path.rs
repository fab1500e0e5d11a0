//! Sites that differ in the path of their public URL.

use std::collections::HashMap;
use std::sync::Arc;

use http::request::Parts;
use referral_core::Site;

use super::resolve::{Sites, path_of};

/// Sites below paths of one host, such as `https://shop.example/acme` and `https://shop.example/globex`.
///
/// A request is for the site whose path it is below; of several the longest counts. Paths are compared by whole
/// segments and byte for byte, so `/acme` has `/acme` and `/acme/x`, and neither `/acmes` nor `/Acme`. The host is not
/// looked at. Because browsers send a cookie to every path of a host, each site needs a cookie name of its own.
#[derive(Clone, Debug, Default)]
pub struct PathSites {
    listed: Vec<Arc<Site>>,
    by_path: HashMap<String, Arc<Site>>,
    /// How many segments the longest of the paths has.
    deepest: usize,
}

impl PathSites {
    /// With these sites. The default site is not one of them.
    pub fn new(sites: impl IntoIterator<Item = Site>) -> Self {
        let mut all = Self::default();
        for site in sites.into_iter().map(Arc::new) {
            all.deepest = all.deepest.max(base(&site).matches('/').count());
            all.by_path.insert(base(&site).to_owned(), Arc::clone(&site));
            all.listed.push(site);
        }
        all
    }
}

impl Sites for PathSites {
    fn site(&self, request: &Parts) -> Option<Arc<Site>> {
        let path = path_of(request);
        // No path is looked up that is longer than all there are, so a long one costs nothing.
        let end = path.match_indices('/').nth(self.deepest).map_or(path.len(), |(at, _)| at);
        let mut path = path.get(..end)?;
        loop {
            if let Some(site) = self.by_path.get(path) {
                return Some(Arc::clone(site));
            }
            path = path.rsplit_once('/')?.0;
        }
    }

    fn listed(&self) -> Vec<Arc<Site>> {
        self.listed.clone()
    }
}

/// The path of a site's public URL, without a slash at its end.
pub(super) fn base(site: &Site) -> &str {
    site.public_url().path().trim_end_matches('/')
}

/// Whether a path is this one or below it.
pub(crate) fn is_below(path: &str, base: &str) -> bool {
    path.strip_prefix(base).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
