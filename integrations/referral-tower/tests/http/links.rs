//! `POST /r`, `GET /r`, `PATCH /r/{id}`: a user's own links.

use crate::common::*;
use referral_core::Timestamp;

/// Sorted, because a feature of serde_json that another crate turns on decides their order.
fn keys(value: &serde_json::Value) -> std::collections::BTreeSet<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[tokio::test]
async fn post_makes_a_link_and_answers_the_five_fields() {
    let site = Site::new();
    let mut ada = site.browser().signed_in_as("ada");
    let form = ada.form("/r", "redirect_to=%2Fproducts%2F7&label=Mail&target_kind=product&target_id=7").await;
    assert_eq!((form.status.as_u16(), form.header("content-type")), (200, "application/json"));
    let made = form.json();
    assert_eq!(keys(&made), ["code", "id", "label", "redirect_to", "url"].into());
    assert_eq!((&made["label"], &made["redirect_to"]), (&"Mail".into(), &"/products/7".into()));
    assert_eq!(made["url"], format!("{SITE}/r/{}", made["code"].as_str().unwrap()));
    let json = r#"{"redirect_to":"/products/7","label":"Mail","target_kind":"product","target_id":7}"#;
    assert_eq!(ada.json("POST", "/r", json).await.json(), made, "the same again, as JSON");
    let other = ada.json("POST", "/r/", r#"{"redirect_to":"/products/7","label":null}"#).await.json();
    assert_ne!(other["id"], made["id"]);
    let bob =
        site.browser().signed_in_as("bob").form("/r", "redirect_to=/products/7&label=Mail").await.json();
    assert_ne!(bob["id"], made["id"], "another owner's is another link");
}

#[tokio::test]
async fn redirect_to_wins_over_next() {
    let site = Site::new();
    let mut ada = site.browser().signed_in_as("ada");
    assert_eq!(ada.form("/r", "next=/n&redirect_to=/r").await.json()["redirect_to"], "/r");
    assert_eq!(ada.form("/r", "next=/n").await.json()["redirect_to"], "/n");
    assert_eq!(ada.form("/r", "next=/n&redirect_to=").await.json()["redirect_to"], "/n");
}

#[tokio::test]
async fn a_code_on_an_existing_link_adds_a_primary_alias() {
    let site = Site::new();
    let mut ada = site.browser().signed_in_as("ada");
    let first = ada.form("/r", "redirect_to=/sale").await.json();
    let second = ada.form("/r", "redirect_to=/sale&code=Ada-Sale").await.json();
    assert_eq!((&second["id"], &second["code"]), (&first["id"], &"Ada-Sale".into()));
    for code in [first["code"].as_str().unwrap(), "Ada-Sale", "ada-sa1e"] {
        site.browser().get(&format!("/r/{code}")).await.redirects_to("/sale");
    }
}

#[tokio::test]
async fn a_code_that_is_taken_is_409_and_changes_nothing() {
    let site = Site::new();
    site.link("spring", "/sale").await;
    let mut bob = site.browser().signed_in_as("bob");
    for code in ["spring", "SPR1NG"] {
        bob.form("/r", &format!("redirect_to=/x&code={code}")).await.is_problem(409, "code-taken");
    }
    assert_eq!(bob.get("/r").await.json()["links"].as_array().unwrap().len(), 0);
    site.browser().get("/r/spring").await.redirects_to("/sale");
}

#[tokio::test]
async fn bad_input_is_a_422_problem_that_says_why() {
    let site = Site::new();
    let mut ada = site.browser().signed_in_as("ada");
    let long = "x".repeat(101);
    for form in [
        "".to_owned(),
        "label=x".into(),
        "redirect_to=".into(),
        "redirect_to=https://evil.example/".into(),
        "redirect_to=//evil.example".into(),
        "redirect_to=products".into(),
        "redirect_to=/a%0d%0ab".into(),
        "redirect_to=/a%00".into(),
        format!("redirect_to=/{}", "x".repeat(2048)),
        format!("redirect_to=/&label={long}"),
        "redirect_to=/&label=%00".into(),
        "redirect_to=/&code=a%2Fb".into(),
        "redirect_to=/&code=ab".into(),
        "redirect_to=/&code=admin".into(),
        format!("redirect_to=/&code={long}"),
        "redirect_to=/&target_kind=product".into(),
        "redirect_to=/&target_id=7".into(),
        format!("redirect_to=/&target_kind=p&target_id={}", "x".repeat(129)),
    ] {
        let answer = ada.form("/r", &form).await;
        answer.is_problem(422, "bad-input");
        assert!(answer.json()["detail"].as_str().unwrap().len() > 5, "{form}");
    }
    for json in ["[]", "1", r#"{"redirect_to":["/"]}"#, r#"{"redirect_to":{}}"#, r#"{"redirect_to":true}"#] {
        ada.json("POST", "/r", json).await.is_problem(422, "bad-input");
    }
    for json in ["{", "nope", "{\"a\":\"\\ud800\"}"] {
        ada.json("POST", "/r", json).await.is_problem(400, "malformed");
    }
    assert_eq!(ada.get("/r").await.json()["links"].as_array().unwrap().len(), 0);
}

#[tokio::test]
async fn bodies_of_another_kind_or_over_the_limit_are_refused() {
    let site = Site::with_layer(|layer| layer.with_body_limit(1000));
    let mut ada = site.browser().signed_in_as("ada");
    ada.send("POST", "/r", Some("text/plain"), "redirect_to=/").await.is_problem(415, "media-type");
    ada.send("POST", "/r", None, "redirect_to=/").await.is_problem(415, "media-type");
    let long = format!("redirect_to=/&x={}", "x".repeat(1000));
    ada.form("/r", &long).await.is_problem(413, "too-large");
    let kind = "Application/JSON; charset=utf-8";
    assert_eq!(ada.send("POST", "/r", Some(kind), r#"{"redirect_to":"/"}"#).await.status, 200);
}

#[tokio::test]
async fn without_a_user_it_is_401_and_a_person_is_sent_to_sign_in() {
    let site = Site::new();
    let mut nobody = site.browser();
    for (method, uri) in [("POST", "/r"), ("GET", "/r"), ("PATCH", "/r/x"), ("POST", "/r/x")] {
        let answer = nobody.send(method, uri, None, "").await;
        answer.is_problem(401, "sign-in");
        assert!(answer.headers.contains_key("www-authenticate"));
    }
    let mut person = site.browser().with("accept", "text/html,application/xhtml+xml,*/*;q=0.8");
    let answer = person.form("/r", "redirect_to=/sale&return_to=/products/7%3Fa=1").await;
    assert_eq!((answer.status.as_u16(), answer.location()), (303, "/login?next=%2Fproducts%2F7%3Fa%3D1"));
    let answer = person.form("/r", "redirect_to=/sale&return_to=//evil.example").await;
    assert_eq!(answer.location(), "/login?next=%2Fr");
    assert_eq!(person.get("/r").await.location(), "/login?next=%2Fr");
}

#[tokio::test]
async fn a_person_goes_back_to_the_checked_return_to_or_the_links_page() {
    let site = Site::new();
    let mut ada = site.browser().signed_in_as("ada").with("accept", "text/html");
    for (to, location) in [
        ("/products/7?x=1", "/products/7?x=1"),
        ("", "/r"),
        ("//evil.example", "/r"),
        ("https://evil.example/", "/r"),
        ("/\\evil.example", "/r"),
        ("https://shop.example/me", "https://shop.example/me"),
    ] {
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("redirect_to", "/sale"), ("return_to", to)])
            .finish();
        let answer = ada.form("/r", &body).await;
        assert_eq!((answer.status.as_u16(), answer.location()), (303, location));
    }
    let answer = ada.form("/r", "redirect_to=//evil.example").await;
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (422, "text/html; charset=utf-8"));
    assert!(answer.body.contains("role=\"alert\""));
}

#[tokio::test]
async fn json_is_what_one_gets_unless_html_is_wanted_more() {
    let site = Site::new();
    for (accept, html) in [
        ("*/*", false),
        ("application/json", false),
        ("text/html", true),
        ("TEXT/HTML;level=1", true),
        ("text/html;q=0.5, application/json", false),
        ("application/json;q=0.5, text/html;q=0.9", true),
        ("text/html;q=0", false),
        ("text/html;q=junk", false),
        ("", false),
    ] {
        let answer = site.browser().signed_in_as("ada").with("accept", accept).get("/r").await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("content-type").starts_with("text/html"), html, "{accept}");
        assert_eq!((answer.header("vary"), answer.header("cache-control")), ("Accept", "no-store"));
    }
}

#[tokio::test]
async fn get_lists_ones_own_links_page_by_page() {
    let site = Site::new();
    let mut ada = site.browser().signed_in_as("ada");
    for number in 0..5 {
        ada.form("/r", &format!("redirect_to=/{number}")).await;
    }
    site.browser().signed_in_as("bob").form("/r", "redirect_to=/bobs").await;
    let code = ada.get("/r?limit=1").await.json()["links"][0]["code"].as_str().unwrap().to_owned();
    site.browser().get(&format!("/r/{code}")).await;
    let mut seen = Vec::new();
    let mut next = Some("/r?limit=2".to_owned());
    while let Some(uri) = next {
        let page = ada.get(&uri).await.json();
        assert_eq!(page["user"], "ada");
        seen.extend(page["links"].as_array().unwrap().clone());
        next = page["next"].as_str().map(str::to_owned);
    }
    let to: Vec<_> = seen.iter().map(|link| link["redirect_to"].as_str().unwrap()).collect();
    assert_eq!(to, ["/4", "/3", "/2", "/1", "/0"]);
    assert_eq!((&seen[0]["response_count"], &seen[1]["response_count"]), (&1.into(), &0.into()));
    assert_eq!((&seen[0]["status"], &seen[0]["expires_at"]), (&"active".into(), &serde_json::Value::Null));
    ada.get("/r?after=junk").await.is_problem(422, "bad-input");
}

#[tokio::test]
async fn patch_edits_disables_and_enables() {
    let site = Site::new();
    let link = site.link("spring", "/sale").await;
    let mut ada = site.browser().signed_in_as("ada");
    let uri = format!("/r/{}", link.id);
    let edited = ada
        .json("PATCH", &uri, r#"{"label":"Spring","redirect_to":"/new","expires_at":1800000000000}"#)
        .await;
    assert_eq!(edited.status, 200);
    let edited = edited.json();
    assert_eq!((&edited["label"], &edited["redirect_to"]), (&"Spring".into(), &"/new".into()));
    assert_eq!(edited["expires_at"], 1_800_000_000_000_i64);
    assert_eq!(
        ada.json("PATCH", &uri, r#"{"expires_at":null}"#).await.json()["expires_at"],
        serde_json::Value::Null
    );
    assert_eq!(ada.json("PATCH", &uri, "{}").await.json()["label"], "Spring", "what is not named stays");
    site.browser().get("/r/spring").await.redirects_to("/new");
    assert_eq!(ada.json("PATCH", &uri, r#"{"status":"disabled"}"#).await.json()["status"], "disabled");
    site.browser().get("/r/spring").await.redirects_to("/");
    assert_eq!(ada.json("PATCH", &uri, r#"{"action":"enable"}"#).await.json()["status"], "active");
    site.browser().get("/r/spring").await.redirects_to("/new");
    assert_eq!(ada.json("PATCH", &uri, r#"{"code":"Summer"}"#).await.json()["code"], "Summer");
    site.browser().get("/r/summer").await.redirects_to("/new");
    assert_eq!(ada.json("PATCH", &uri, r#"{"action":"archive"}"#).await.json()["status"], "archived");
    ada.json("PATCH", &uri, r#"{"action":"enable"}"#).await.is_problem(409, "archived");
}

#[tokio::test]
async fn moments_are_milliseconds_rfc_3339_or_a_date_in_utc() {
    let site = Site::new();
    let link = site.link("spring", "/sale").await;
    let mut ada = site.browser().signed_in_as("ada");
    let uri = format!("/r/{}", link.id);
    for (text, millis) in [
        ("1798740000000", 1_798_740_000_000_i64),
        ("2026-12-31T18:00:00Z", 1_798_740_000_000),
        ("2026-12-31T19:00:00+01:00", 1_798_740_000_000),
        ("2026-12-31T18:00", 1_798_740_000_000),
        ("2026-12-31", 1_798_675_200_000),
    ] {
        let body = serde_json::json!({ "expires_at": text }).to_string();
        assert_eq!(ada.json("PATCH", &uri, &body).await.json()["expires_at"], millis, "{text}");
    }
    let end = Timestamp::from_millis(1_798_740_000_000);
    ada.form(&uri, "expires_at=2026-12-31T18:00&action=edit").await;
    assert_eq!(site.referrals.links().get(link.id).await.unwrap().unwrap().expires_at, Some(end));
    ada.form(&uri, "expires_at=&action=edit").await;
    assert_eq!(site.referrals.links().get(link.id).await.unwrap().unwrap().expires_at, None);
    for text in ["tomorrow", "2026-02-30", "2026-13-01T00:00Z", "99999999999999999999"] {
        let body = serde_json::json!({ "expires_at": text }).to_string();
        ada.json("PATCH", &uri, &body).await.is_problem(422, "bad-input");
    }
}

#[tokio::test]
async fn what_a_form_sends_back_unchanged_stays_to_the_last_bit() {
    let site = Site::with(|core| core.with_landing_host("old.example"), |layer| layer);
    let end = Timestamp::from_millis(1_798_740_012_345);
    let link = site.link("spring", "https://old.example/").await;
    let link =
        site.referrals.links().edit(link.id, referral_core::LinkEdit::default().with_expiry(Some(end))).await;
    let link = link.unwrap();
    // Today that host is no longer allowed.
    let ring = referral_core::token::KeyRing::generate().unwrap();
    let site = Site::at(site.store.clone(), ring, SITE, |core| core, |layer| layer);
    let mut ada = site.browser().signed_in_as("ada");
    let form = "action=edit&label=&redirect_to=https://old.example/&expires_at=2026-12-31T18:00&code=spring";
    assert_eq!(ada.form(&format!("/r/{}", link.id), form).await.status, 200);
    assert_eq!(site.referrals.links().get(link.id).await.unwrap().unwrap(), link);
}

#[tokio::test]
async fn forms_do_with_post_what_patch_does() {
    let site = Site::new();
    let link = site.link("spring", "/sale").await;
    let mut ada = site.browser().signed_in_as("ada").with("accept", "text/html");
    let uri = format!("/r/{}", link.id);
    for (form, status) in [
        ("action=disable", "disabled"),
        ("action=enable", "active"),
        ("action=edit&label=New+name", "active"),
    ] {
        let answer = ada.form(&uri, form).await;
        assert_eq!((answer.status.as_u16(), answer.location()), (303, "/r"));
        let json = site.browser().signed_in_as("ada").get("/r").await.json();
        assert_eq!(json["links"][0]["status"], status);
    }
    let answer = ada.form(&uri, "action=disable&return_to=/me").await;
    assert_eq!(answer.location(), "/me");
    assert_eq!(site.browser().signed_in_as("ada").get("/r").await.json()["links"][0]["label"], "New name");
    for form in ["action=explode", "action=enable&status=disabled", "status=gone"] {
        site.browser().signed_in_as("ada").form(&uri, form).await.is_problem(422, "bad-input");
    }
}

#[tokio::test]
async fn somebody_elses_link_is_not_there() {
    let site = Site::new();
    let link = site.link("spring", "/sale").await;
    let nobodys = site.referrals.links().create(referral_core::LinkDraft::to("/x").unwrap()).await.unwrap();
    let mut bob = site.browser().signed_in_as("bob");
    for id in [
        link.id.to_string(),
        nobodys.id.to_string(),
        "0197-junk".into(),
        "spring".into(),
        uuid::Uuid::nil().to_string(),
    ] {
        bob.json("PATCH", &format!("/r/{id}"), r#"{"label":"mine"}"#).await.is_problem(404, "not-found");
        bob.form(&format!("/r/{id}/"), "action=disable").await.is_problem(404, "not-found");
    }
    assert_eq!(site.referrals.links().get(link.id).await.unwrap().unwrap(), link);
}

#[tokio::test]
async fn a_refused_edit_changes_nothing() {
    let site = Site::new();
    site.link("taken", "/x").await;
    let link = site.link("spring", "/sale").await;
    let mut ada = site.browser().signed_in_as("ada");
    let uri = format!("/r/{}", link.id);
    for (body, status, kind) in [
        (r#"{"label":"new","redirect_to":"//evil.example"}"#, 422, "bad-input"),
        (r#"{"label":"new","code":"summer","redirect_to":"https://evil.example"}"#, 422, "bad-input"),
        (r#"{"label":"new","code":"TAKEN"}"#, 409, "code-taken"),
        (r#"{"label":"new","status":"gone"}"#, 422, "bad-input"),
    ] {
        ada.json("PATCH", &uri, body).await.is_problem(status, kind);
        assert_eq!(site.referrals.links().get(link.id).await.unwrap().unwrap(), link, "{body}");
    }
}

/// A dead URL is nothing to share: asked for again, it leads somewhere.
#[tokio::test]
async fn a_link_that_is_asked_for_again_leads_somewhere() {
    let site = Site::new();
    let mut ada = site.browser().signed_in_as("ada");
    let body = r#"{"redirect_to":"/sale"}"#;
    let made = ada.json("POST", "/r", body).await.json();
    let uri = format!("/r/{}", made["id"].as_str().unwrap());
    for edit in [r#"{"status":"disabled"}"#, r#"{"expires_at":1}"#] {
        assert_eq!(ada.json("PATCH", &uri, edit).await.status, 200);
        let landed = site.browser().get(&format!("/r/{}", made["code"].as_str().unwrap())).await;
        assert!(!landed.headers.contains_key("set-cookie"), "it is dead: {edit}");
        let again = ada.json("POST", "/r", body).await;
        assert_eq!((again.status.as_u16(), &again.json()["url"]), (200, &made["url"]), "{edit}");
        let landed = site.browser().get(&format!("/r/{}", made["code"].as_str().unwrap())).await;
        assert_eq!(landed.location(), "/sale", "{edit}");
        assert!(landed.headers.contains_key("set-cookie"), "it is alive: {edit}");
    }
}

/// Of two tabs, or two programs, the second one is told (RFC 9110, 13.1.1).
#[tokio::test]
async fn an_edit_of_a_version_that_is_gone_is_told_so_and_changes_nothing() {
    let site = Site::new();
    let link = site.link("spring", "/sale").await;
    let uri = format!("/r/{}", link.id);
    let ada = || site.browser().signed_in_as("ada");
    let answer = ada().with("if-match", "\"1\"").json("PATCH", &uri, r#"{"label":"first"}"#).await;
    assert_eq!((answer.status.as_u16(), answer.headers["etag"].to_str().unwrap()), (200, "\"2\""));
    assert_eq!(answer.json()["version"], 2);
    let now = site.referrals.links().get(link.id).await.unwrap().unwrap();
    let body = r#"{"label":"second","code":"summer","status":"disabled"}"#;
    for stale in ["\"1\"", "\"1\", \"3\"", "W/\"2\"", "2"] {
        let answer = ada().with("if-match", stale).json("PATCH", &uri, body).await;
        answer.is_problem(412, "changed");
    }
    ada().json("PATCH", &uri, r#"{"label":"second","version":1}"#).await.is_problem(412, "changed");
    ada().form(&uri, "action=edit&label=second&version=1").await.is_problem(412, "changed");
    ada().json("PATCH", &uri, r#"{"label":"second","version":"soon"}"#).await.is_problem(422, "bad-input");
    assert_eq!(site.referrals.links().get(link.id).await.unwrap().unwrap(), now);
    for (fresh, body) in [("*", r#"{"label":"a"}"#), ("\"1\", \"3\"", r#"{"label":"b"}"#)] {
        assert_eq!(ada().with("if-match", fresh).json("PATCH", &uri, body).await.status, 200, "{fresh}");
    }
    assert_eq!(ada().json("PATCH", &uri, r#"{"label":"c","version":4}"#).await.json()["version"], 5);
    let person = ada().with("accept", "text/html").form(&uri, "action=edit&label=d&version=5").await;
    assert_eq!(person.status, 303);
}

#[tokio::test]
async fn requests_of_other_sites_change_nothing() {
    let site = Site::new();
    let link = site.link("spring", "/sale").await;
    let uri = format!("/r/{}", link.id);
    let cases: [(&[(&'static str, &str)], bool); 16] = [
        (&[], true),
        (&[("sec-fetch-site", "same-origin")], true),
        (&[("sec-fetch-site", "cross-site")], false),
        (&[("sec-fetch-site", "same-site")], false),
        (&[("sec-fetch-site", "none")], false),
        (&[("origin", "https://shop.example")], true),
        (&[("origin", "https://evil.example")], false),
        (&[("origin", "http://shop.example")], false),
        (&[("origin", "https://shop.example.evil.example")], false),
        (&[("origin", "null")], false),
        (&[("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")], false),
        (&[("sec-fetch-site", "same-origin"), ("origin", "https://shop.example")], true),
        (&[("sec-fetch-site", "same-origin"), ("origin", "https://evil.example")], false),
        (&[("sec-fetch-site", "same-origin"), ("origin", "null")], false),
        (&[("sec-fetch-site", "cross-site"), ("origin", "https://shop.example")], false),
        (&[("origin", "https://shop.example"), ("origin", "https://evil.example")], false),
    ];
    for (headers, passes) in cases {
        let mut ada = site.browser().signed_in_as("ada");
        for (name, value) in headers {
            ada = ada.with(name, value);
        }
        for (method, uri) in [("POST", "/r"), ("PATCH", uri.as_str()), ("POST", uri.as_str())] {
            let answer = ada.json(method, uri, r#"{"redirect_to":"/sale"}"#).await;
            if passes {
                assert_eq!(answer.status, 200, "{headers:?}");
            } else {
                answer.is_problem(403, "cross-site");
            }
        }
    }
}

#[tokio::test]
async fn a_guards_reason_stays_inside() {
    use referral_core::{Guard, Verdict};
    use referral_core::{LinkDraft, async_trait};
    struct No;
    #[async_trait]
    impl Guard for No {
        async fn may_create(&self, _: &LinkDraft) -> Verdict {
            Verdict::Deny { reason: "is on the list of frauds".into() }
        }
    }
    let site = Site::with(|core| core.with_guard(No), |layer| layer);
    let answer = site.browser().signed_in_as("ada").form("/r", "redirect_to=/").await;
    answer.is_problem(403, "refused");
    assert!(!answer.body.contains("frauds"));
}

#[tokio::test]
async fn a_store_that_is_away_is_503_with_retry_after() {
    let site = Site::new();
    let mut ada = site.browser().signed_in_as("ada");
    site.store.fail(true, true);
    for answer in [ada.form("/r", "redirect_to=/").await, ada.get("/r").await] {
        answer.is_problem(503, "unavailable");
        assert_eq!(answer.header("retry-after"), "2");
        assert!(!answer.body.contains("flaky"), "what failed inside is nobody's business");
    }
}
