//! `?ref=CODE` on any page.

use crate::common::*;
use referral_core::{Flags, Via};
use referral_tower::UnknownCode;

#[tokio::test]
async fn a_known_ref_is_recorded_and_redirected_to_the_same_url_without_it() {
    let site = Site::new();
    let link = site.link("spring", "/sale").await;
    let mut browser = site.browser();
    let answer = browser.get("/products/7?ref=spring").await;
    answer.redirects_to("/products/7");
    assert!(answer.sets());
    assert_eq!(site.handlers_run(), 0);
    assert_eq!(browser.get(answer.location()).await.status, 200);
    let responses = site.responses().await;
    assert_eq!((responses.len(), responses[0].link, responses[0].via), (1, link.id, Via::Click));
    assert_eq!(responses[0].landing.as_ref().unwrap().as_str(), "/products/7");
}

#[tokio::test]
async fn every_other_byte_of_the_url_is_kept() {
    let site = Site::new();
    site.link("spring", "/sale").await;
    for (from, to) in [
        ("/p?ref=spring", "/p"),
        ("/?ref=spring", "/"),
        ("/p?a=1&ref=spring&b=2", "/p?a=1&b=2"),
        ("/p?ref=spring&a", "/p?a"),
        ("/p?a=&ref=spring&&b=+%20%zz", "/p?a=&&b=+%20%zz"),
        ("/p%20q/%C3%A9;v=1?x=%2F&ref=spring", "/p%20q/%C3%A9;v=1?x=%2F"),
        ("/p?b=2&a=1&ref=spring&a=0", "/p?b=2&a=1&a=0"),
        ("/p?next=//evil.example&ref=spring", "/p?next=//evil.example"),
        ("/p?x='{|}~^`[]\\&ref=spring", "/p?x='{|}~^`[]\\"),
        ("/p?%72%65f=spring&ref=other&a=1", "/p?a=1"),
    ] {
        site.browser().get(from).await.redirects_to(to);
    }
}

#[tokio::test]
async fn an_unknown_ref_passes_untouched() {
    let site = Site::new();
    site.link("spring", "/sale").await;
    for uri in [
        "/p?ref=main",
        "/p?ref=",
        "/p?ref",
        "/p?a=1&ref=feature%2Fx&ref=spring",
        "/p?ref=a%00b",
        "/p?ref=%ff",
    ] {
        let answer = site.browser().get(uri).await;
        assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, uri));
        assert_eq!(answer.cookie(), None);
    }
    assert_eq!(site.responses().await.len(), 0);
}

#[tokio::test]
async fn an_affiliate_id_is_recorded_where_known_and_stripped_in_any_case() {
    let site = Site::new();
    site.link("partner1", "/sale").await;
    let answer = site.browser().get("/p?a=1&affiliate_id=partner1").await;
    answer.redirects_to("/p?a=1");
    assert!(answer.sets());
    for (from, to) in [
        ("/p?affiliate_id=nobody", "/p"),
        ("/p?affiliate_id=&a=1", "/p?a=1"),
        ("/p?affiliate_id&ref=x", "/p?ref=x"),
    ] {
        let answer = site.browser().get(from).await;
        answer.redirects_to(to);
        assert_eq!(answer.cookie(), None);
    }
    assert_eq!(site.responses().await.len(), 1);
}

#[tokio::test]
async fn several_are_all_removed_and_the_first_wins() {
    let site = Site::new();
    let (a, _) = (site.link("aaa", "/a").await, site.link("bbb", "/b").await);
    site.browser().get("/p?ref=aaa&x=1&ref=bbb&affiliate_id=bbb").await.redirects_to("/p?x=1");
    let responses = site.responses().await;
    assert_eq!((responses.len(), responses[0].link), (1, a.id));
}

#[tokio::test]
async fn other_methods_pass() {
    let site = Site::new();
    site.link("spring", "/sale").await;
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "BREW"] {
        let answer = site.browser().send(method, "/p?ref=spring&affiliate_id=x", None, "").await;
        assert_eq!(
            (answer.status.as_u16(), answer.body.as_str()),
            (200, "/p?ref=spring&affiliate_id=x"),
            "{method}"
        );
    }
    assert_eq!(site.responses().await.len(), 0);
}

#[tokio::test]
async fn head_has_the_same_status_and_location_and_leaves_no_trace() {
    let site = Site::new();
    site.link("spring", "/sale").await;
    for uri in ["/p?ref=spring&a=1", "/p?ref=nobody", "/p?affiliate_id=nobody"] {
        let head = site.browser().head(uri).await;
        let before = site.responses().await.len();
        assert_eq!(before, usize::from(uri.contains("nobody")));
        let get = site.browser().get(uri).await;
        assert_eq!((head.status, head.location(), head.cookie()), (get.status, get.location(), None));
    }
}

#[tokio::test]
async fn a_dead_link_is_stripped_and_changes_neither_touch_nor_token() {
    let site = Site::new();
    let off = site.link("off", "/off").await;
    site.link("spring", "/sale").await;
    site.referrals.links().disable(off.id).await.unwrap();
    let mut browser = site.browser();
    browser.get("/p?ref=spring").await;
    let answer = browser.get("/p?ref=off").await;
    answer.redirects_to("/p");
    assert_eq!(answer.cookie(), None);
    assert_eq!(site.responses().await.len(), 1);
}

#[tokio::test]
async fn odd_paths_never_redirect_off_the_site() {
    let site = Site::new();
    site.link("spring", "/sale").await;
    for uri in [
        "//evil.example/?ref=spring",
        "///evil.example?ref=spring",
        "////evil.example/%2F..?ref=spring",
        "/\\evil.example/?ref=spring",
        "/\\/evil.example?ref=spring",
        "//evil.example\\@shop.example?ref=spring",
        "/%5Cevil.example?ref=spring",
        "/.//evil.example?ref=spring",
        "/..//evil.example?ref=spring",
        "/@evil.example?ref=spring",
        "/:443@evil.example?ref=spring",
    ] {
        let Ok(parsed) = uri.parse::<http::Uri>() else { continue };
        let request = http::Request::get(parsed).body(Default::default()).unwrap();
        let answer = site.browser().take(request).await;
        assert!(answer.status == 302 || answer.status == 200, "{uri}: {answer:?}");
        if answer.status == 302 {
            // As a browser reads it, from an http and from an https page.
            for base in ["https://shop.example/p", "http://shop.example/p"] {
                let to = url::Url::parse(base).unwrap().join(answer.location()).unwrap();
                assert_eq!(to.host_str(), Some("shop.example"), "{uri} leads to {to}");
            }
        }
        assert!(answer.sets(), "the touch counts all the same: {uri}");
    }
}

#[tokio::test]
async fn an_absolute_request_target_leads_to_its_path_only() {
    let site = Site::new();
    site.link("spring", "/sale").await;
    site.browser().get("http://evil.example/p?ref=spring").await.redirects_to("/p");
    site.browser().get("http://evil.example?ref=spring").await.redirects_to("/");
}

#[tokio::test]
async fn under_the_route_of_links_it_is_no_code() {
    let site = Site::new();
    site.link("spring", "/sale").await;
    site.link("other", "/other").await;
    site.browser().get("/r/spring?ref=other").await.redirects_to("/sale");
    assert_eq!(site.browser().get("/r?ref=other").await.status, 401);
    site.browser().get("/rest?ref=other").await.redirects_to("/rest");
    assert_eq!(site.responses().await.len(), 2);
}

#[tokio::test]
async fn names_are_configurable() {
    let site = Site::with_layer(|layer| layer.with_parameters([("via", UnknownCode::Strip)]));
    site.link("spring", "/sale").await;
    site.browser().get("/p?ref=spring&via=spring").await.redirects_to("/p?ref=spring");
    site.browser().get("/p?via=nobody").await.redirects_to("/p");
    assert_eq!(site.browser().get("/p?ref=spring").await.status, 200);
}

#[tokio::test]
async fn a_signed_in_visitor_gets_no_cookie_and_ones_own_link_is_flagged() {
    let site = Site::new();
    site.link("spring", "/sale").await;
    let answer = site.browser().signed_in_as("ada").get("/p?ref=spring").await;
    answer.redirects_to("/p");
    assert_eq!(answer.cookie(), None);
    let responses = site.responses().await;
    assert_eq!(responses[0].user, Some(user("ada")));
    assert!(responses[0].flags.contains(Flags::OWN_LINK) && !responses[0].counted);
}

#[tokio::test]
async fn a_prefetch_is_redirected_and_leaves_no_trace() {
    let site = Site::new();
    site.link("spring", "/sale").await;
    let answer = site.browser().with("sec-purpose", "prefetch").get("/p?ref=spring").await;
    answer.redirects_to("/p");
    assert_eq!((answer.cookie(), site.responses().await.len()), (None, 0));
}

#[tokio::test]
async fn a_store_that_fails_lets_the_request_pass() {
    let site = Site::new();
    site.link("spring", "/sale").await;
    site.store.fail(true, true);
    let answer = site.browser().get("/p?ref=another").await;
    assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, "/p?ref=another"));
    site.browser().get("/p?affiliate_id=another").await.redirects_to("/p");
}

#[tokio::test]
async fn inside_a_nested_router_the_whole_url_comes_back() {
    use axum::{Router, routing::get};
    let site = Site::new();
    site.link("spring", "/sale").await;
    let inner: Router = Router::new().route("/p", get(|| async { "p" })).layer(site.layer.clone());
    let mut browser = Browser::new(Router::new().nest("/shop", inner));
    browser.get("/shop/p?a=1&ref=spring").await.redirects_to("/shop/p?a=1");
    assert_eq!(browser.get("/shop/p?a=1").await.body, "p");
}
