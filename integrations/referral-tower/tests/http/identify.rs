//! Session jumping: a visitor turns out to be a user.

use std::time::Duration;

use crate::common::*;
use referral_core::Action;
use referral_core::Failure;

#[tokio::test]
async fn signing_up_in_the_same_request_claims_clears_and_credits() {
    let site = Site::new();
    let link = site.link("spring", "/sale").await;
    let mut browser = site.browser();
    browser.get("/r/spring").await;
    site.clock.advance(Duration::from_secs(60));
    let answer = browser.post("/signup", "grace").await;
    assert_eq!(answer.body, "claimed 1, recorded true");
    assert!(answer.clears());
    let responses = site.responses().await;
    assert_eq!(responses.len(), 2);
    assert_eq!((responses[0].user.clone(), responses[0].claimed_at.is_some()), (Some(user("grace")), true));
    let signed_up = &responses[1];
    assert_eq!(signed_up.action, Action::new("SIGNED_UP").unwrap());
    assert_eq!((signed_up.user.clone(), signed_up.link), (Some(user("grace")), link.id));
}

#[tokio::test]
async fn a_signed_in_user_with_a_token_is_identified_once_on_any_get_or_post() {
    for (method, uri) in
        [("GET", "/p"), ("POST", "/p"), ("GET", "/who"), ("GET", "/r/nobody"), ("GET", "/p?ref=aaa")]
    {
        let site = Site::new();
        site.link("spring", "/sale").await;
        site.link("aaa", "/a").await;
        let mut browser = site.browser();
        browser.get("/r/spring").await;
        let mut browser = browser.signed_in_as("grace");
        let answer = browser.send(method, uri, None, "").await;
        assert!(answer.clears(), "{method} {uri}: {answer:?}");
        assert!(browser.cookies.is_empty());
        let responses = site.responses().await;
        assert_eq!((responses[0].user.clone(), responses[0].claimed_at), (Some(user("grace")), Some(NOW)));
        assert_eq!(browser.send(method, uri, None, "").await.cookie(), None, "only once");
    }
}

#[tokio::test]
async fn other_methods_and_speculative_loads_identify_nobody() {
    let site = Site::new();
    site.link("spring", "/sale").await;
    let mut browser = site.browser();
    browser.get("/r/spring").await;
    for method in ["HEAD", "PUT", "OPTIONS", "DELETE"] {
        let answer = browser.clone().signed_in_as("grace").send(method, "/p", None, "").await;
        assert_eq!(answer.cookie(), None, "{method}");
    }
    let answer = browser.clone().signed_in_as("grace").with("sec-purpose", "prefetch").get("/p").await;
    assert_eq!(answer.cookie(), None);
    assert!(site.responses().await[0].is_unclaimed());
}

#[tokio::test]
async fn a_store_that_fails_keeps_the_token_for_the_next_request() {
    let site = Site::new();
    site.link("spring", "/sale").await;
    let mut browser = site.browser();
    browser.get("/r/spring").await;
    let mut browser = browser.signed_in_as("grace");
    for (reads, writes) in [(true, true), (false, true)] {
        site.store.fail(reads, writes);
        let answer = browser.get("/p").await;
        assert_eq!((answer.status.as_u16(), answer.cookie()), (200, None));
        let answer = browser.post("/signup", "grace").await;
        answer.is_problem(503, "unavailable");
        assert_eq!((answer.header("retry-after"), answer.cookie()), ("2", None));
    }
    site.store.fail(false, false);
    assert!(browser.get("/p").await.clears());
    assert_eq!(site.responses().await[0].user, Some(user("grace")));
}

#[tokio::test]
async fn an_authenticator_that_fails_costs_the_user_and_keeps_the_token() {
    let site = Site::new();
    site.link("spring", "/sale").await;
    let mut browser = site.browser();
    browser.get("/r/spring").await;
    let mut unsure = browser.clone().with("x-auth", "fails");
    let answer = unsure.get("/who").await;
    assert_eq!((answer.status.as_u16(), answer.cookie()), (200, None));
    unsure.form("/r", "redirect_to=/").await.is_problem(503, "unavailable");
    assert!(browser.signed_in_as("grace").get("/who").await.clears());
}

#[tokio::test]
async fn an_account_older_than_the_touches_claims_them_and_is_no_sign_up() {
    let site = Site::new();
    site.link("spring", "/sale").await;
    let mut browser = site.browser();
    browser.get("/r/spring").await;
    let since = NOW.saturating_sub(Duration::from_secs(86_400)).as_millis().to_string();
    let mut old = browser.signed_in_as("grace").with("x-since", &since);
    assert!(old.get("/p").await.clears());
    assert_eq!(site.responses().await[0].user, Some(user("grace")));
}

#[tokio::test]
async fn what_one_user_has_claimed_is_never_another_users() {
    let site = Site::new();
    site.link("spring", "/sale").await;
    let mut browser = site.browser();
    browser.get("/r/spring").await;
    let stolen = browser.clone();
    assert!(browser.signed_in_as("grace").get("/p").await.clears());
    let answer = stolen.signed_in_as("mallory").get("/p").await;
    assert!(answer.clears(), "it is worth nothing any more");
    assert_eq!(site.responses().await[0].user, Some(user("grace")));
}

#[tokio::test]
async fn concurrent_requests_of_one_browser_claim_each_response_once() {
    let site = Site::new();
    let mut browser = site.browser();
    for code in ["aaa", "bbb", "ccc"] {
        site.link(code, "/sale").await;
        browser.get(&format!("/r/{code}")).await;
    }
    let requests = (0..16).map(|_| {
        let mut browser = browser.clone().signed_in_as("grace");
        tokio::spawn(async move { browser.get("/p").await.status })
    });
    for request in requests.collect::<Vec<_>>() {
        assert_eq!(request.await.unwrap(), 200);
    }
    let responses = site.responses().await;
    assert_eq!(responses.len(), 3);
    assert!(responses.iter().all(|r| r.user == Some(user("grace")) && r.version.get() == 2));
}

#[tokio::test]
async fn a_code_that_was_typed_at_sign_up_is_the_users() {
    let site = Site::new();
    site.link("spring", "/sale").await;
    let mut browser = site.browser();
    let answer = browser.post("/code", " Spring ").await;
    assert_eq!(answer.body, "true 1");
    assert!(!answer.sets() && browser.cookies.is_empty());
    assert_eq!(site.browser().post("/code", "nobody").await.body, "false 0");
    assert_eq!(site.responses().await[0].user, Some(user("grace")));
}

#[tokio::test]
async fn no_attribution_is_an_ordinary_result() {
    let site = Site::new();
    assert_eq!(site.browser().post("/signup", "grace").await.body, "claimed 0, recorded false");
    assert_eq!(site.browser().post("/act", "ORDERED").await.body, "None false");
    assert_eq!(site.browser().signed_in_as("grace").post("/act", "ORDERED").await.body, "None false");
}

#[tokio::test]
async fn later_actions_are_credited_to_the_winning_touch_of_visitor_and_user() {
    let site = Site::new();
    site.link("spring", "/sale").await;
    let mut browser = site.browser();
    browser.get("/r/spring").await;
    assert_eq!(browser.post("/act", "VIEWED").await.body, "Some(\"spring\") true");
    browser.post("/signup", "grace").await;
    assert_eq!(
        site.browser().signed_in_as("grace").post("/act", "ORDERED").await.body,
        "Some(\"spring\") true"
    );
    site.browser().post("/act", "").await.is_problem(422, "bad-input");
}

#[tokio::test]
async fn inside_a_transaction_the_cookie_goes_only_after_the_hosts_commit() {
    use axum::{Router, routing::post};
    use referral_tower::{Problem, Visitor};
    let site = Site::new();
    site.link("spring", "/sale").await;
    let store = site.store.clone();
    let handler = move |visitor: Visitor, body: String| async move {
        // The store in memory stands for one that is joined to a transaction.
        let scope = visitor.referrals().within(store.clone());
        let inside = visitor.within(&scope);
        inside.identify(&user("grace")).await?;
        inside.record("SIGNED_UP", None).await?;
        assert_eq!(inside.user(), Some(user("grace")));
        assert_eq!(visitor.user(), None, "outside nothing has happened yet");
        let effects = scope.into_effects();
        if body == "commit" {
            visitor.referrals().committed(effects).await;
            inside.committed();
            assert_eq!(visitor.user(), Some(user("grace")));
        }
        Ok::<_, Problem>(())
    };
    let app: Router = Router::new().route("/tx", post(handler)).layer(site.layer.clone());
    let mut browser = site.browser();
    browser.get("/r/spring").await;
    let mut inside = Browser::new(app);
    inside.cookies = browser.cookies.clone();
    assert_eq!(inside.post("/tx", "roll back").await.cookie(), None);
    assert!(inside.post("/tx", "commit").await.clears());
}

#[tokio::test]
async fn the_observer_hears_of_a_landing_that_failed() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    let heard = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&heard);
    let observer = move |failure: &Failure<'_>| {
        assert!(matches!(failure, Failure::Landing { .. }));
        count.fetch_add(1, Ordering::SeqCst);
    };
    let site = Site::with(|core| core.with_observer(observer), |layer| layer);
    site.link("spring", "/sale").await;
    site.store.fail(false, true);
    site.browser().get("/r/spring").await.redirects_to("/sale");
    assert_eq!(heard.load(Ordering::SeqCst), 1);
}
