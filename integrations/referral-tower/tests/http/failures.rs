//! The bugs of the four predecessors that concern HTTP, each by its name. This library has none of them.

use crate::common::*;
use referral_core::Action;
use referral_core::visit::ResponseFilter;

#[tokio::test]
async fn pb1_the_cookie_holds_no_session_and_scripts_cannot_read_it() {
    let site = Site::new();
    site.link("spring", "/sale").await;
    let mut browser = site.browser();
    browser.cookies.insert("session".into(), "secret-session-key".into());
    let cookie = browser.get("/r/spring").await.cookie().unwrap();
    assert!(!cookie.value().contains("secret"));
    assert_eq!((cookie.http_only(), cookie.secure()), (Some(true), Some(true)));
    assert_eq!(cookie.same_site(), Some(cookie::SameSite::Lax));
}

#[tokio::test]
async fn pb2_no_session_of_the_hosts_is_stored() {
    let site = Site::new();
    site.link("spring", "/sale").await;
    let mut browser = site.browser().signed_in_as("grace");
    browser.cookies.insert("session".into(), "secret-session-key".into());
    browser.get("/r/spring").await;
    assert!(!format!("{:?}", site.responses().await).contains("secret"));
    assert_eq!(site.responses().await[0].visitor, None, "a user's touch names no browser at all");
}

#[tokio::test]
async fn pb3_a_malformed_cookie_is_ignored_and_cleared_also_while_signed_in() {
    let site = Site::new();
    for value in ["", "spring", "spring:", ":::", "spring:key:key", "%ff", "{}"] {
        let mut browser = site.browser().signed_in_as("grace");
        browser.cookies.insert(COOKIE.into(), value.into());
        let answer = browser.get("/p").await;
        assert_eq!(answer.status, 200);
        assert!(answer.clears());
        assert_eq!(browser.get("/p").await.cookie(), None);
    }
}

#[tokio::test]
async fn pb4_knowing_a_code_and_a_visitor_claims_nothing() {
    let site = Site::new();
    site.link("spring", "/sale").await;
    site.browser().get("/r/spring").await;
    let visitor = site.responses().await[0].visitor.unwrap();
    for value in [visitor.to_string(), format!("spring:{visitor}"), format!("v1.kid.{visitor}.mac")] {
        let mut mallory = site.browser().signed_in_as("mallory");
        mallory.cookies.insert(COOKIE.into(), value);
        mallory.get("/p").await;
    }
    assert!(site.responses().await[0].is_unclaimed());
}

#[tokio::test]
async fn pb10_no_user_can_store_a_destination_off_the_site() {
    let site = Site::new();
    let mut mallory = site.browser().signed_in_as("mallory");
    for to in [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "https:evil.example",
        "javascript:alert(1)",
    ] {
        let body = serde_json::json!({ "redirect_to": to }).to_string();
        mallory.json("POST", "/r", &body).await.is_problem(422, "bad-input");
    }
    let made = mallory.form("/r", "redirect_to=/fine").await.json();
    let uri = format!("/r/{}", made["id"].as_str().unwrap());
    mallory.json("PATCH", &uri, r#"{"redirect_to":"//evil.example"}"#).await.is_problem(422, "bad-input");
}

#[tokio::test]
async fn pb11_a_missing_destination_or_an_unknown_target_is_no_500() {
    let site = Site::new();
    let mut ada = site.browser().signed_in_as("ada");
    ada.form("/r", "label=x").await.is_problem(422, "bad-input");
    ada.json("POST", "/r", "{}").await.is_problem(422, "bad-input");
    // Targets are opaque: nothing can be found out about what exists.
    for id in ["7", "99999999999999999999", "no-such-thing", "%C3%A9"] {
        let form = format!("redirect_to=/&target_kind=no.such.kind&target_id={id}");
        assert_eq!(ada.form("/r", &form).await.status, 200);
    }
}

#[tokio::test]
async fn pb14_rb5_head_is_not_counted() {
    let site = Site::new();
    let link = site.link("spring", "/sale").await;
    for uri in ["/r/spring", "/r/spring/", "/p?ref=spring"] {
        assert_eq!(site.browser().head(uri).await.status, 302);
    }
    assert_eq!(site.referrals.responses().count(link.id).await.unwrap(), 0);
    assert_eq!(site.responses().await.len(), 0);
}

#[tokio::test]
async fn pb16_rb2_all_touches_of_a_visitor_become_the_users() {
    let site = Site::new();
    let mut browser = site.browser();
    for code in ["aaa", "bbb", "ccc"] {
        site.link(code, "/x").await;
        browser.get(&format!("/r/{code}")).await;
    }
    let before = site.responses().await;
    assert!(before.iter().all(|response| response.visitor == before[0].visitor), "one visitor all along");
    assert_eq!(browser.post("/signup", "grace").await.body, "claimed 3, recorded true");
    let of_grace = ResponseFilter::of_user(user("grace"));
    let page = site.referrals.responses().list(&of_grace, &Default::default()).await.unwrap();
    assert_eq!(page.items.len(), 4);
}

#[tokio::test]
async fn pb17_recording_inside_the_sign_up_request_finds_the_touch() {
    let site = Site::new();
    let link = site.link("spring", "/sale").await;
    let mut browser = site.browser();
    browser.get("/r/spring").await;
    browser.post("/signup", "grace").await;
    let statistics = site.referrals.responses().statistics(link.id).await.unwrap();
    let signed_up = Action::new("SIGNED_UP").unwrap();
    assert_eq!(statistics.of(&signed_up).counted, 1);
}

#[tokio::test]
async fn pb20_rb7_every_code_that_is_a_code_has_a_route() {
    let site = Site::new();
    let long = "x".repeat(64);
    for code in ["a-b", "a_b", "-a-", "__a", "--9", long.as_str(), "Ada-Lovelace"] {
        let mut ada = site.browser().signed_in_as("ada");
        let made = ada
            .json("POST", "/r", &serde_json::json!({ "redirect_to": "/x", "code": code }).to_string())
            .await;
        assert_eq!(made.json()["url"], format!("{SITE}/r/{code}"));
        site.browser().get(&format!("/r/{code}")).await.redirects_to("/x");
        site.browser().get(&format!("/p?ref={code}")).await.redirects_to("/p");
    }
    for name in ["a.b", "a@b", "a b", "é", "a/b"] {
        let json = serde_json::json!({ "redirect_to": "/x", "code": name }).to_string();
        site.browser().signed_in_as("ada").json("POST", "/r", &json).await.is_problem(422, "bad-input");
    }
}

#[tokio::test]
async fn rb1_a_dead_code_erases_no_attribution() {
    let site = Site::new();
    site.link("spring", "/sale").await;
    let off = site.link("off", "/off").await;
    site.referrals.links().disable(off.id).await.unwrap();
    let mut browser = site.browser();
    browser.get("/r/spring").await;
    for uri in ["/r/nobody", "/r/off", "/r/a%2Fb", "/p?ref=nobody", "/p?ref=off", "/p?affiliate_id=nobody"] {
        assert_eq!(browser.get(uri).await.cookie(), None, "{uri}");
    }
    assert_eq!(browser.post("/signup", "grace").await.body, "claimed 1, recorded true");
}

#[tokio::test]
async fn rb6_repeated_parameters_survive_the_strip() {
    let site = Site::new();
    site.link("spring", "/sale").await;
    let answer = site.browser().get("/p?size=1&size=2&ref=spring&size=3&colour=red").await;
    answer.redirects_to("/p?size=1&size=2&size=3&colour=red");
}

#[tokio::test]
async fn rb8_a_visitor_without_an_address_is_served() {
    let site = Site::new();
    site.link("spring", "/sale").await;
    // No peer is known, as on a Unix socket.
    site.browser().get("/r/spring").await.redirects_to("/sale");
    assert_eq!(site.responses().await[0].address, None);
}

#[tokio::test]
async fn rb9_a_hostile_or_long_destination_fails_no_click() {
    let site = Site::new();
    site.link("spring", "/sale").await;
    let long = format!("/r/spring?next=/{}", "x".repeat(10_000));
    for uri in ["/r/spring?next=https://evil.example/x", &long] {
        site.browser().get(uri).await.redirects_to("/sale");
    }
    let responses = site.responses().await;
    assert_eq!(responses.len(), 2);
    assert!(responses.iter().all(|response| response.landing.as_ref().unwrap().as_str().len() <= 2048));
}

#[tokio::test]
async fn rb11_any_url_is_one_hop() {
    let site = Site::new();
    site.link("spring", "/sale").await;
    let mut browser = site.browser();
    let answer = browser.get("/p?ref=spring&affiliate_id=nobody&a=1").await;
    answer.redirects_to("/p?a=1");
    assert_eq!(browser.get(answer.location()).await.status, 200, "the second request is the page");
}

#[tokio::test]
async fn ab3_ordinary_sign_ups_work_without_any_visitor() {
    let site = Site::new();
    let answer = site.browser().post("/signup", "grace").await;
    assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, "claimed 0, recorded false"));
    assert_eq!(answer.cookie(), None);
}

#[tokio::test]
async fn ab5_look_alike_and_blank_parameters_are_no_parameters() {
    let site = Site::new();
    site.link("spring", "/sale").await;
    for uri in [
        "/affiliate_id/p",
        "/ref=spring",
        "/p?xaffiliate_id=spring",
        "/p?affiliate_ids=1",
        "/p?href=spring",
        "/p?x=affiliate_id",
        "/p?x=ref=spring",
        "/p?ref=",
        "/p?REF=spring",
    ] {
        let answer = site.browser().get(uri).await;
        assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, uri));
    }
    site.browser().get("/p?affiliate_id=").await.redirects_to("/p");
}

#[tokio::test]
async fn ab6_blank_parameters_and_their_order_survive_the_strip() {
    let site = Site::new();
    site.link("spring", "/sale").await;
    site.browser().get("/p?z=&affiliate_id=spring&a&m=1&").await.redirects_to("/p?z=&a&m=1&");
}

#[tokio::test]
async fn ab16_no_handler_runs_for_a_request_that_is_redirected() {
    let site = Site::new();
    site.link("spring", "/sale").await;
    site.browser().get("/p?ref=spring").await;
    site.browser().get("/p?affiliate_id=nobody").await;
    assert_eq!(site.handlers_run(), 0);
    site.browser().get("/p").await;
    assert_eq!(site.handlers_run(), 1);
}

#[tokio::test]
async fn ab19_a_path_of_two_slashes_leads_to_no_other_host() {
    let site = Site::new();
    site.link("spring", "/sale").await;
    site.browser().get("//evil.example/x?ref=spring&a=1").await.redirects_to("/evil.example/x?a=1");
    site.browser().get("//evil.example/x?affiliate_id=nobody").await.redirects_to("/evil.example/x");
}
