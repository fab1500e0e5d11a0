//! The cookie that carries the token.

use std::time::Duration;

use crate::common::*;
use cookie::SameSite;
use http::{HeaderValue, Request};
use referral_core::KeyRing;
use referral_core::Referrals;
use referral_core::VisitorId;
use referral_core::memory::MemoryStore;
use referral_core::token::{Key, Purpose, Token};
use referral_tower::{CookieMode, LayerError, NoUsers, ReferralLayer};

fn keys() -> KeyRing {
    KeyRing::generate().unwrap()
}

fn build(url: &str, mode: CookieMode) -> Result<ReferralLayer, LayerError> {
    let referrals = Referrals::builder(MemoryStore::new(), keys(), url).build().unwrap();
    ReferralLayer::builder(referrals, NoUsers).with_cookie(mode).build()
}

async fn cookie_of(url: &str, mode: CookieMode) -> (String, cookie::Cookie<'static>) {
    let site = Site::at(Flaky::default(), keys(), url, |core| core, |layer| layer.with_cookie(mode));
    site.link("spring", "/sale").await;
    let answer = site.browser().get("/r/spring").await;
    (answer.header("set-cookie").to_owned(), answer.cookie().unwrap())
}

#[tokio::test]
async fn host_mode_is_host_prefixed_secure_http_only_lax_and_without_domain() {
    let (text, cookie) = cookie_of(SITE, CookieMode::default()).await;
    assert_eq!(cookie.name(), "__Host-referral");
    assert_eq!(cookie.path(), Some("/"));
    assert_eq!(cookie.domain(), None);
    assert_eq!((cookie.secure(), cookie.http_only()), (Some(true), Some(true)));
    assert_eq!(cookie.same_site(), Some(SameSite::Lax));
    assert_eq!(cookie.max_age().unwrap().whole_days(), 90);
    assert!(text.len() < 320, "{} bytes: {text}", text.len());
    assert!(cookie.value().len() < 200);
}

#[tokio::test]
async fn domain_mode_is_secure_prefixed_with_the_domain() {
    let (_, cookie) = cookie_of("https://www.shop.example", CookieMode::domain("shop.example")).await;
    assert_eq!(cookie.name(), "__Secure-referral");
    assert_eq!(cookie.domain(), Some("shop.example"));
    assert_eq!((cookie.secure(), cookie.http_only(), cookie.path()), (Some(true), Some(true), Some("/")));
}

#[tokio::test]
async fn insecure_development_has_a_plain_name_and_is_refused_unless_the_site_is_http() {
    let (_, cookie) = cookie_of("http://192.168.0.7:3000", CookieMode::insecure_development()).await;
    assert_eq!((cookie.name(), cookie.secure()), ("referral", None));
    assert_eq!((cookie.http_only(), cookie.same_site()), (Some(true), Some(SameSite::Lax)));
    assert!(matches!(build(SITE, CookieMode::InsecureDevelopment), Err(LayerError::InsecureCookie { .. })));
}

#[test]
fn a_domain_that_browsers_would_refuse_is_refused_when_the_layer_is_built() {
    for domain in
        ["other.example", "op.example", ".shop.example", "SHOP.example", "", "shop.example;x", "example:1"]
    {
        assert!(
            matches!(build(SITE, CookieMode::domain(domain)), Err(LayerError::CookieDomain { .. })),
            "{domain}"
        );
    }
    assert!(build("https://10.0.0.1", CookieMode::domain("10.0.0.1")).is_err());
    assert!(build(SITE, CookieMode::domain("shop.example")).is_ok());
}

#[tokio::test]
async fn the_cookie_is_called_as_the_site_says() {
    let site = Site::with(|core| core.with_cookie_name("visitor"), |layer| layer);
    site.link("spring", "/sale").await;
    let answer = site.browser().get("/r/spring").await;
    assert_eq!(answer.cookies()[0].name(), "__Host-visitor");
    assert_eq!(site.layer.cookie_name(), "__Host-visitor");
}

#[tokio::test]
async fn names_that_only_look_like_ours_are_not_ours() {
    let site = Site::new();
    site.link("spring", "/sale").await;
    let mut browser = site.browser();
    browser.get("/r/spring").await;
    let token = &browser.cookies[COOKIE];
    // Any host of the domain may set cookies of these names.
    for name in [
        "\u{2000}__Host-referral",
        "\u{a0}__Host-referral",
        "__Host-referral\u{2000}",
        "__host-referral",
        "x__Host-referral",
        "__Host-referral2",
        "referral",
    ] {
        let value = HeaderValue::from_bytes(format!("{name}={token}").as_bytes()).unwrap();
        let request = Request::get("/who").header("cookie", value).body(Default::default()).unwrap();
        let answer = site.browser().take(request).await;
        assert_eq!((answer.body.as_str(), answer.cookie()), ("- -", None), "{name:?}");
    }
}

#[tokio::test]
async fn the_cookie_lives_as_long_as_its_token_and_never_over_400_days() {
    let year = Duration::from_secs(1000 * 86_400);
    let site = Site::with(|core| core.with_token_life(year), |layer| layer);
    site.link("spring", "/sale").await;
    let cookie = site.browser().get("/r/spring").await.cookie().unwrap();
    assert_eq!(cookie.max_age().unwrap().whole_days(), 400);
}

#[tokio::test]
async fn clearing_has_the_attributes_of_setting() {
    for (url, mode) in [
        (SITE, CookieMode::Host),
        ("https://www.shop.example", CookieMode::domain("shop.example")),
        ("http://localhost:3000", CookieMode::InsecureDevelopment),
    ] {
        let site = Site::at(Flaky::default(), keys(), url, |core| core, |layer| layer.with_cookie(mode));
        site.link("spring", "/sale").await;
        let set = site.browser().get("/r/spring").await.cookie().unwrap();
        let mut browser = site.browser();
        browser.cookies.insert(site.layer.cookie_name().to_owned(), "junk".into());
        let clear = browser.get("/who").await.cookie().unwrap();
        assert_eq!(clear.value(), "");
        assert!(clear.max_age().unwrap().is_zero());
        assert_eq!(
            (
                clear.name(),
                clear.path(),
                clear.domain(),
                clear.secure(),
                clear.http_only(),
                clear.same_site()
            ),
            (set.name(), set.path(), set.domain(), set.secure(), set.http_only(), set.same_site())
        );
    }
}

#[tokio::test]
async fn all_cookie_headers_are_read_and_the_first_that_verifies_wins() {
    let site = Site::new();
    site.link("spring", "/sale").await;
    let (mut first, mut second) = (site.browser(), site.browser());
    first.get("/r/spring").await;
    second.get("/r/spring").await;
    let (a, b) = (first.cookies[COOKIE].clone(), second.cookies[COOKIE].clone());
    let me = first.get("/who").await.body;
    for headers in [
        vec![format!("{COOKIE}=junk"), format!("x=1; {COOKIE}={a}"), format!("{COOKIE}={b}")],
        vec![format!("a=1; {COOKIE}=; {COOKIE}={a}; {COOKIE}={b}")],
        vec!["a=1".into(), format!("b=2;{COOKIE}={a}")],
        vec![format!("=; ;;{COOKIE}={a}")],
    ] {
        let mut request = Request::get("/who");
        for header in &headers {
            request = request.header("cookie", header);
        }
        let answer = site.browser().take(request.body(Default::default()).unwrap()).await;
        assert_eq!(answer.body, me, "{headers:?}");
        assert_eq!(answer.cookie(), None);
    }
}

#[tokio::test]
async fn the_hosts_cookies_may_hold_any_bytes() {
    let site = Site::new();
    site.link("spring", "/sale").await;
    let mut browser = site.browser();
    browser.get("/r/spring").await;
    let me = browser.get("/who").await.body;
    let mut cookie = b"theirs=\xff\xfe; ".to_vec();
    cookie.extend_from_slice(format!("{COOKIE}={}", browser.cookies[COOKIE]).as_bytes());
    let request = Request::get("/who").header("cookie", HeaderValue::from_bytes(&cookie).unwrap());
    assert_eq!(site.browser().take(request.body(Default::default()).unwrap()).await.body, me);
}

#[tokio::test]
async fn what_is_no_token_is_absent_and_cleared() {
    let site = Site::new();
    let token = |name: &str, purpose| {
        let token = Token::new(VisitorId::from_uuid(uuid()), NOW, Duration::from_secs(1000));
        site.referrals.signer(purpose, name).sign(&token)
    };
    let good = token(COOKIE, Purpose::Visitor);
    let foreign = Site::new();
    foreign.link("spring", "/sale").await;
    let mut other = foreign.browser();
    other.get("/r/spring").await;
    for value in [
        String::new(),
        "x".into(),
        "v1.a.b.c".into(),
        "....".into(),
        "%00".into(),
        "x".repeat(100_000),
        other.cookies[COOKIE].clone(),
        token("session", Purpose::Visitor),
        token(COOKIE, Purpose::Portable),
        good.replacen("v1", "v2", 1),
        format!("{good}="),
        format!("\"{good}\""),
    ] {
        let mut browser = site.browser();
        browser.cookies.insert(COOKIE.into(), value.clone());
        let answer = browser.get("/who").await;
        assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, "- -"), "{value:.60}");
        assert!(answer.clears(), "{value:.60}");
    }
    let mut browser = site.browser();
    browser.cookies.insert(COOKIE.into(), good);
    assert_ne!(browser.get("/who").await.body, "- -");
    site.clock.advance(Duration::from_secs(1000));
    assert!(browser.get("/who").await.clears(), "an expired one too");
}

fn uuid() -> uuid::Uuid {
    uuid::Uuid::from_u128(0x0197_0000_0000_7000_8000_0000_0000_0001)
}

#[tokio::test]
async fn a_token_of_a_retired_key_is_signed_again_under_the_new_one() {
    let (old, new) = (Key::generate().unwrap(), Key::generate().unwrap());
    let store = Flaky::default();
    let site = Site::at(store.clone(), KeyRing::new(old.clone()), SITE, |core| core, |layer| layer);
    site.link("spring", "/sale").await;
    let mut browser = site.browser();
    browser.get("/r/spring").await;
    let before = browser.cookies[COOKIE].clone();

    let retires = NOW.saturating_add(Duration::from_secs(100));
    let ring = KeyRing::new(new.clone()).with_retired(old, retires).unwrap();
    let site = Site::at(store, ring, SITE, |core| core, |layer| layer);
    let mut moved = site.browser();
    moved.cookies = browser.cookies.clone();
    let me = browser.get("/who").await.body;
    assert_eq!(moved.head("/who").await.cookie(), None, "HEAD sets nothing");
    let answer = moved.get("/who").await;
    assert_eq!(answer.body, me);
    assert!(answer.sets());
    assert_eq!(answer.header("cache-control"), "private, no-cache", "no shared cache may keep a token");
    assert_eq!(answer.cookie().unwrap().max_age().unwrap().whole_days(), 90, "it lives no longer for it");
    assert!(moved.cookies[COOKIE].contains(new.id()) && moved.cookies[COOKIE] != before);
    assert_eq!(moved.get("/who").await.cookie(), None, "once is enough");

    site.clock.set(retires);
    let mut late = site.browser();
    late.cookies.insert(COOKIE.into(), before);
    let answer = late.get("/who").await;
    assert_eq!(answer.body, "- -");
    assert!(answer.clears());
    assert_eq!(moved.get("/who").await.body, me);
}

#[tokio::test]
async fn the_hosts_own_cookies_and_caching_stay() {
    use axum::response::AppendHeaders;
    use axum::{Router, routing::get};
    let site = Site::new();
    let own = || async {
        AppendHeaders([("set-cookie", "a=1"), ("set-cookie", "b=2"), ("cache-control", "no-store, x")])
    };
    let app: Router = Router::new().route("/own", get(own)).layer(site.layer.clone());
    let mut browser = Browser::new(app);
    browser.cookies.insert(COOKIE.into(), "junk".into());
    let answer = browser.get("/own").await;
    let names: Vec<String> = answer.cookies().iter().map(|cookie| cookie.name().to_owned()).collect();
    assert_eq!(names, ["a", "b", COOKIE]);
    assert_eq!(answer.header("cache-control"), "no-store, x");
    let answer = browser.get("/own").await;
    assert_eq!(answer.cookies().len(), 2, "nothing of ours where nothing changed");
}

#[tokio::test]
async fn tokens_are_bound_to_the_tenant() {
    let ring = keys();
    let store = Flaky::default();
    let tenant = |name: &'static str| referral_core::Tenant::new(name).unwrap();
    let a = Site::at(store.clone(), ring.clone(), SITE, |core| core.with_tenant(tenant("a")), |layer| layer);
    let b = Site::at(store, ring, SITE, |core| core.with_tenant(tenant("b")), |layer| layer);
    a.link("spring", "/sale").await;
    let mut browser = a.browser();
    browser.get("/r/spring").await;
    let mut other = b.browser();
    other.cookies = browser.cookies.clone();
    assert!(other.get("/who").await.clears());
    assert_eq!(browser.get("/who").await.cookie(), None);
}
