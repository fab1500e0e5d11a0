//! Sites that would get in each other's way are refused when the layer is built.

use referral_core::memory::MemoryStore;
use referral_core::{KeyRing, Referrals, Tenant};
use referral_tower::{CookieMode, HostSites, LayerError, NoUsers, PathSites, ReferralLayer, Sites};

/// A site: its public URL, its tenant, its cookie.
type Given<'a> = (&'a str, &'static str, &'a str);

fn site((url, tenant, cookie): Given<'_>) -> referral_core::Site {
    let site = referral_core::Site::new(url).unwrap().with_tenant(Tenant::new(tenant).unwrap());
    site.with_cookie_name(cookie).unwrap()
}

fn build(url: &str, mode: CookieMode, sites: impl Sites) -> Result<ReferralLayer, LayerError> {
    let referrals =
        Referrals::builder(MemoryStore::new(), KeyRing::generate().unwrap(), url).build().unwrap();
    ReferralLayer::builder(referrals, NoUsers).with_cookie(mode).with_sites(sites).build()
}

fn paths(given: &[Given<'_>]) -> Result<ReferralLayer, LayerError> {
    let sites = PathSites::new(given.iter().copied().map(site));
    build("https://shop.example", CookieMode::Host, sites)
}

fn hosts(given: &[Given<'_>], mode: CookieMode) -> Result<ReferralLayer, LayerError> {
    build("https://shop.example", mode, HostSites::new(given.iter().copied().map(site)))
}

#[test]
fn two_tenants_with_one_cookie_on_one_host_are_refused() {
    let shared = |built: Result<ReferralLayer, LayerError>| match built {
        Err(LayerError::SharedCookie { name, first, second }) => {
            assert_ne!(first, second);
            name
        }
        other => panic!("{other:?}"),
    };
    let (a, b) = ("https://shop.example/a", "https://shop.example/b");
    assert_eq!(shared(paths(&[(a, "a", "referral")])), "__Host-referral", "the default site's");
    assert_eq!(shared(paths(&[(a, "a", "x"), (b, "b", "x")])), "__Host-x");
    assert!(paths(&[(a, "a", "x"), (b, "b", "y")]).is_ok());
    assert!(paths(&[(a, "a", "x"), (b, "a", "x")]).is_ok(), "one tenant shares one token");
    assert!(paths(&[]).is_ok());

    let (a, b) = ("https://a.shop.example", "https://b.shop.example");
    assert!(hosts(&[(a, "a", "referral"), (b, "b", "referral")], CookieMode::Host).is_ok());
    let domain = || CookieMode::domain("shop.example");
    assert_eq!(shared(hosts(&[(a, "a", "x"), (b, "b", "x")], domain())), "__Secure-x");
    assert!(hosts(&[(a, "a", "x"), (b, "b", "y")], domain()).is_ok());
    // Cookies do not tell the ports of a host apart.
    let port = "https://shop.example:8443";
    assert_eq!(shared(hosts(&[(port, "a", "referral")], CookieMode::Host)), "__Host-referral");
}

#[test]
fn a_cookie_that_would_not_be_safe_at_one_of_the_sites_is_refused() {
    let elsewhere = [("https://other.example", "a", "referral")];
    let built = hosts(&elsewhere, CookieMode::domain("shop.example"));
    assert!(matches!(built, Err(LayerError::CookieDomain { .. })), "{built:?}");
    let sites = HostSites::new(elsewhere.map(site));
    let built = build("http://localhost:3000", CookieMode::InsecureDevelopment, sites);
    assert!(matches!(built, Err(LayerError::InsecureCookie { .. })), "{built:?}");
}

#[test]
fn a_site_that_its_own_links_would_not_reach_is_refused() {
    let unreachable = |built: Result<ReferralLayer, LayerError>, expected: &str| match built {
        Err(LayerError::UnreachableSite { url }) => assert_eq!(url, expected),
        other => panic!("{other:?}"),
    };
    let (a, b) = ("https://shop.example/a", "https://shop.example/b");
    unreachable(paths(&[(a, "a", "x"), (a, "b", "y")]), "https://shop.example/a/");
    unreachable(paths(&[("https://shop.example/", "a", "x")]), "https://shop.example/");
    unreachable(paths(&[("https://shop.example/r", "a", "x")]), "https://shop.example/r/code");
    unreachable(
        paths(&[(a, "a", "x"), ("https://shop.example/a/r", "b", "y")]),
        "https://shop.example/a/r/code",
    );
    assert!(paths(&[(a, "a", "x"), ("https://shop.example/a/deeper", "b", "y"), (b, "c", "z")]).is_ok());
    unreachable(hosts(&[("https://shop.example", "a", "x")], CookieMode::Host), "https://shop.example/");
    let twice = [("https://a.example:8443", "a", "x"), ("https://a.example:8443", "b", "y")];
    unreachable(hosts(&twice, CookieMode::Host), "https://a.example:8443/");
}

#[test]
fn a_path_that_would_be_a_pattern_in_a_route_is_refused() {
    let built = paths(&[("https://shop.example/:a", "a", "x")]);
    assert!(matches!(built, Err(LayerError::Route { .. })), "{built:?}");
    assert!(paths(&[("https://shop.example/caf\u{e9}", "a", "x")]).is_ok());
}
