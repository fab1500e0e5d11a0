//! `GET /r/{code}`: the contract of landing.

use std::time::Duration;

use crate::common::*;
use referral_core::LinkEdit;
use referral_core::{Flags, LinkDraft};
use referral_tower::DeadCodes;

#[tokio::test]
async fn a_link_redirects_with_a_cookie_and_is_recorded() {
    let site = Site::new();
    let link = site.link("spring", "/products/7?x=1").await;
    let mut browser =
        site.browser().with("user-agent", "Mozilla/5.0").with("referer", "https://blog.example/");
    let answer = browser.get("/r/spring?utm_source=mail").await;
    answer.redirects_to("/products/7?x=1");
    assert!(answer.sets());
    let responses = site.responses().await;
    assert_eq!(responses.len(), 1);
    assert_eq!(responses[0].link, link.id);
    assert!(responses[0].counted && responses[0].visitor.is_some() && responses[0].user.is_none());
    assert_eq!(responses[0].landing.as_ref().unwrap().as_str(), "/r/spring");
    assert_eq!(responses[0].tags.as_ref().unwrap().get("utm_source"), Some("mail"));
    assert_eq!(responses[0].referrer.as_ref().unwrap().as_str(), "https://blog.example/");
    assert_eq!(responses[0].agent.as_ref().unwrap().as_str(), "Mozilla/5.0");
}

#[tokio::test]
async fn a_slash_behind_the_code_changes_nothing() {
    let site = Site::new();
    site.link("spring", "/sale").await;
    let answer = site.browser().get("/r/spring/").await;
    answer.redirects_to("/sale");
    assert!(answer.sets());
}

#[tokio::test]
async fn redirect_to_is_used_where_it_is_safe_and_wins_over_next() {
    let site = Site::with(|core| core.with_allowed_host("blog.example"), |layer| layer);
    site.link("spring", "/sale").await;
    let mut browser = site.browser();
    for (query, location) in [
        ("?redirect_to=/a%3Fb=1", "/a?b=1"),
        ("?next=/n", "/n"),
        ("?next=/n&redirect_to=/r", "/r"),
        ("?redirect_to=%2Fcaf%C3%A9", "/caf%C3%A9"),
        ("?redirect_to=https://blog.example/post", "https://blog.example/post"),
        ("?redirect_to=https://evil.example/", "/sale"),
        ("?redirect_to=//evil.example", "/sale"),
        ("?redirect_to=%5C%5Cevil.example", "/sale"),
        ("?redirect_to=/%0d%0aSet-Cookie:a=b", "/sale"),
        ("?redirect_to=", "/sale"),
        ("?redirect_to=javascript:alert(1)", "/sale"),
    ] {
        browser.get(&format!("/r/spring{query}")).await.redirects_to(location);
    }
}

#[tokio::test]
async fn the_host_header_changes_no_verdict() {
    let site = Site::new();
    site.link("spring", "/sale").await;
    let mut browser = site.browser().with("host", "evil.example").with("x-forwarded-host", "evil.example");
    browser.get("/r/spring?redirect_to=https://evil.example/").await.redirects_to("/sale");
    browser.get("/r/spring?redirect_to=https://shop.example/x").await.redirects_to("https://shop.example/x");
}

#[tokio::test]
async fn head_answers_the_same_and_leaves_no_trace() {
    let site = Site::new();
    site.link("spring", "/sale").await;
    for uri in ["/r/spring", "/r/spring/", "/r/spring?redirect_to=/x", "/r/nobody"] {
        let head = site.browser().head(uri).await;
        let get = site.browser().get(uri).await;
        assert_eq!((head.status, head.location()), (get.status, get.location()));
        assert_eq!(head.header("cache-control"), "no-store");
        assert_eq!(head.cookie(), None);
        assert_eq!(head.body, "");
    }
    assert_eq!(site.responses().await.len(), 3, "of the three GETs");
}

#[tokio::test]
async fn a_head_with_a_worthless_cookie_sets_nothing_either() {
    let site = Site::new();
    site.link("spring", "/sale").await;
    let mut browser = site.browser();
    browser.cookies.insert(COOKIE.into(), "junk".into());
    assert_eq!(browser.head("/r/spring").await.cookie(), None);
    assert!(browser.get("/who").await.clears());
}

#[tokio::test]
async fn dead_codes_redirect_to_the_best_that_is_known() {
    let site = Site::with(|core| core.with_fallback("/hello"), |layer| layer);
    let off = site.link("off", "/off").await;
    site.referrals.links().disable(off.id).await.unwrap();
    let old = site.link("old", "/old").await;
    let edit = LinkEdit::default().with_expiry(Some(NOW));
    site.referrals.links().edit(old.id, edit).await.unwrap();
    let once = LinkDraft::to("/once").unwrap().with_code("once".parse().unwrap()).with_click_limit(1);
    site.referrals.links().create(once).await.unwrap();
    site.browser().get("/r/once").await.redirects_to("/once");
    let before = site.responses().await.len();
    let mut browser = site.browser();
    for (uri, location) in [
        ("/r/nobody", "/hello"),
        ("/r/off", "/hello"),
        ("/r/old", "/old"),
        ("/r/once", "/once"),
        ("/r/nobody?redirect_to=/x", "/x"),
        ("/r/off?next=/x", "/x"),
        ("/r/old?next=/x", "/x"),
        ("/r/off?next=//evil.example", "/hello"),
    ] {
        let answer = browser.get(uri).await;
        answer.redirects_to(location);
        assert_eq!(answer.cookie(), None, "{uri}");
    }
    assert_eq!(site.responses().await.len(), before);
}

#[tokio::test]
async fn dead_codes_are_404_where_so_configured_and_nothing_better_is_known() {
    let site = Site::with_layer(|layer| layer.with_dead_codes(DeadCodes::NotFound));
    let old = site.link("old", "/old").await;
    site.referrals.links().edit(old.id, LinkEdit::default().with_expiry(Some(NOW))).await.unwrap();
    let answer = site.browser().get("/r/nobody").await;
    assert_eq!(answer.status, 404);
    assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
    assert_eq!(answer.header("x-robots-tag"), "noindex");
    assert!(answer.body.contains("<h1>This link does not work</h1>"), "{}", answer.body);
    assert_eq!(site.browser().head("/r/nobody").await.status, 404);
    site.browser().get("/r/nobody?redirect_to=/x").await.redirects_to("/x");
    site.browser().get("/r/old").await.redirects_to("/old");
    // A store that is away is not a dead link.
    site.store.fail(true, true);
    site.browser().get("/r/other").await.redirects_to("/");
}

#[tokio::test]
async fn a_store_that_fails_costs_the_attribution_and_not_the_visit() {
    let site = Site::new();
    site.link("spring", "/sale").await;
    site.store.fail(true, true);
    let mut browser = site.browser();
    let answer = browser.get("/r/spring?redirect_to=/x").await;
    answer.redirects_to("/x");
    assert_eq!(answer.cookie(), None);
    site.browser().get("/r/spring").await;
    assert_eq!(browser.get("/products/7").await.status, 200);
    site.store.fail(false, false);
    assert!(browser.get("/r/spring").await.sets());
}

#[tokio::test]
async fn a_signed_in_visitor_is_recorded_with_the_user_and_gets_no_cookie() {
    let site = Site::new();
    site.link("spring", "/sale").await;
    let answer = site.browser().signed_in_as("grace").get("/r/spring").await;
    answer.redirects_to("/sale");
    assert_eq!(answer.cookie(), None);
    let responses = site.responses().await;
    assert_eq!(responses[0].user, Some(user("grace")));
    assert_eq!((responses[0].visitor, responses[0].claimed_at), (None, None));
}

#[tokio::test]
async fn bots_speculative_loads_and_frames_are_redirected_without_credit() {
    let site = Site::new();
    site.link("spring", "/sale").await;
    for (name, value) in [
        ("user-agent", "Slackbot-LinkExpanding 1.0"),
        ("sec-purpose", "prefetch;prerender"),
        ("purpose", "preview"),
        ("x-moz", "prefetch"),
        ("sec-fetch-dest", "iframe"),
        ("sec-fetch-mode", "no-cors"),
    ] {
        let answer = site.browser().with(name, value).get("/r/spring").await;
        answer.redirects_to("/sale");
        assert_eq!(answer.cookie(), None, "{name}: {value}");
    }
    let responses = site.responses().await;
    assert_eq!(responses.len(), 1, "only the bot's");
    assert!(responses[0].flags.contains(Flags::BOT) && !responses[0].counted);
}

#[tokio::test]
async fn a_repeated_click_within_the_hour_is_a_flagged_duplicate_of_the_same_visitor() {
    let site = Site::new();
    site.link("spring", "/sale").await;
    let mut browser = site.browser();
    browser.get("/r/spring").await;
    site.clock.advance(Duration::from_secs(3599));
    browser.get("/r/spring").await;
    site.clock.advance(Duration::from_secs(1));
    browser.get("/r/spring").await;
    let responses = site.responses().await;
    let counted: Vec<bool> = responses.iter().map(|response| response.counted).collect();
    assert_eq!(counted, [true, false, true]);
    assert!(responses.iter().all(|response| response.visitor == responses[0].visitor));
}
