//! How the layer is put together with other things.

use std::convert::Infallible;
use std::net::SocketAddr;

use axum::extract::ConnectInfo;
use axum::{Router, routing::get};
use http::{Request, Response};
use referral_core::KeyRing;
use referral_core::Referrals;
use referral_core::memory::MemoryStore;
use referral_core::visit::{AddressStorage, ClientAddress, Header, TrustedProxies};
use referral_tower::{LayerError, NoUsers, Peer, ReferralLayer, Visitor, routes};
use tower::{Layer, ServiceExt, service_fn};

use crate::common::*;

#[tokio::test]
async fn it_works_around_any_service_without_axum() {
    let site = Site::new();
    site.link("spring", "/sale").await;
    let service = site.layer.layer(service_fn(|request: Request<Vec<u8>>| async move {
        let visitor: &Visitor = request.extensions().get().unwrap();
        let landing = visitor.land("spring").await;
        Ok::<_, Infallible>(Response::new(format!("{} {}", request.body().len(), landing.redirect)))
    }));
    let request = Request::get("/x").body(vec![1, 2, 3]).unwrap();
    let response = service.clone().oneshot(request).await.unwrap();
    assert_eq!(response.body(), "3 /sale");
    assert!(response.headers().contains_key("set-cookie"));
    let request = Request::get("/x?ref=spring").body(Vec::new()).unwrap();
    let response = service.oneshot(request).await.unwrap();
    assert_eq!((response.status().as_u16(), &response.headers()["location"]), (302, &"/x".parse().unwrap()));
}

#[tokio::test]
async fn a_handler_without_the_layer_answers_a_500_problem_and_is_never_silently_unattributed() {
    let app: Router = Router::new().route("/", get(|_: Visitor| async { "attributed?" }));
    Browser::new(app).get("/").await.is_problem(500, "misconfigured");
}

#[tokio::test]
async fn a_session_layer_in_the_wrong_place_answers_a_500_problem() {
    let site = Site::new();
    for uri in ["/", "/r/spring", "/p?ref=spring"] {
        site.browser().with("x-auth", "missing").get(uri).await.is_problem(500, "misconfigured");
    }
    assert_eq!(site.handlers_run(), 0);
}

#[tokio::test]
async fn the_routes_carry_the_layer_and_two_layers_act_as_one() {
    let site = Site::new();
    site.link("spring", "/sale").await;
    let alone: Router = routes(&site.layer);
    assert!(Browser::new(alone.clone()).get("/r/spring").await.sets());
    let twice = alone.layer(site.layer.clone()).layer(site.layer.clone());
    let answer = Browser::new(twice).get("/r/spring").await;
    answer.redirects_to("/sale");
    assert_eq!(answer.cookies().len(), 1);
    assert_eq!(site.responses().await.len(), 2);
}

#[tokio::test]
async fn links_live_where_the_facade_says() {
    let site = Site::at(
        Flaky::default(),
        KeyRing::generate().unwrap(),
        "https://shop.example/app",
        |core| core.with_route("/go/to"),
        |layer| layer,
    );
    let link = site.link("spring", "/sale").await;
    assert_eq!(site.referrals.links().url(&link), "https://shop.example/app/go/to/spring");
    let mut browser = Browser::new(Router::new().nest("/app", site.app.clone())).signed_in_as("grace");
    browser.get("/app/go/to/spring").await.redirects_to("/sale");
    let answer = browser.with("accept", "text/html").form("/app/go/to", "redirect_to=/x").await;
    assert_eq!((answer.status.as_u16(), answer.location()), (303, "/app/go/to"));
}

#[test]
fn what_cannot_work_is_refused_when_the_layer_is_built() {
    let build = |route: &str, sign_in: &str| {
        let builder = Referrals::builder(MemoryStore::new(), KeyRing::generate().unwrap(), SITE);
        let referrals = builder.with_route(route).build().unwrap();
        ReferralLayer::builder(referrals, NoUsers).with_sign_in(sign_in).build()
    };
    // Core itself refuses "/".
    for route in ["/{r}", "/*r", "/r?x", "/r:x"] {
        assert!(matches!(build(route, "/login"), Err(LayerError::Route { .. })), "{route}");
    }
    assert!(matches!(build("/r", "//evil.example"), Err(LayerError::SignIn { .. })));
    assert!(matches!(build("/r", "login"), Err(LayerError::SignIn { .. })));
    assert!(build("/r/", "/login?x=1").is_ok());
}

#[tokio::test]
async fn the_visitors_address_is_the_peers_or_what_trusted_proxies_say() {
    let masked = |core: referral_core::Builder<Flaky>| core.with_addresses(AddressStorage::Masked);
    let proxies = TrustedProxies::new(["10.0.0.0/8".parse().unwrap()], Header::XForwardedFor);
    let site = Site::with(masked, |layer| layer.with_client_address(ClientAddress::Proxied(proxies)));
    site.link("spring", "/sale").await;
    let peer = |text: &str| text.parse::<SocketAddr>().unwrap();
    let request = || {
        Request::get("/r/spring")
            .header("x-forwarded-for", "6.6.6.6")
            .header("x-forwarded-for", "198.51.100.7")
    };
    let mut browser = site.browser();
    let proxied = request().extension(ConnectInfo(peer("10.0.0.1:5"))).body(Default::default()).unwrap();
    browser.take(proxied).await;
    let direct = request().extension(Peer(peer("203.0.113.9:5"))).body(Default::default()).unwrap();
    browser.take(direct).await;
    browser.take(request().body(Default::default()).unwrap()).await;
    let site2 =
        Site::with(masked, |layer| layer.with_address_source(|_| Some("192.0.2.77".parse().unwrap())));
    site2.link("spring", "/sale").await;
    site2.browser().get("/r/spring").await;
    let mut kept: Vec<_> = site.responses().await.into_iter().map(|r| r.address).collect();
    kept.extend(site2.responses().await.into_iter().map(|r| r.address));
    let kept: Vec<_> = kept.iter().map(|address| address.as_ref().map(|a| a.as_str())).collect();
    assert_eq!(kept, [Some("198.51.100.0/24"), Some("203.0.113.0/24"), None, Some("192.0.2.0/24")]);
}

#[test]
fn debug_shows_neither_visitors_nor_keys() {
    let site = Site::new();
    let text = format!("{:?}", site.layer);
    assert!(text.contains("__Host-referral") && !text.contains("secret"), "{text}");
}
