//! Several sites behind one layer: each works for itself, and none touches what is another's.

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use http::Request;
use http::request::Parts;
use referral_core::{Link, Referrals, Tenant};
use referral_tower::sites::path_of;
use referral_tower::{HostSites, PathSites, Problem, ReferralLayerBuilder, Sites, Visitor, routes};

use crate::common::*;

const ACME: &str = "__Host-referral-acme";

fn at(url: &str, tenant: &'static str) -> referral_core::Site {
    referral_core::Site::new(url).unwrap().with_tenant(Tenant::new(tenant).unwrap())
}

fn below_paths(layer: ReferralLayerBuilder) -> ReferralLayerBuilder {
    let acme = at("https://shop.example/acme", "acme").with_cookie_name("referral-acme").unwrap();
    let globex = at("https://shop.example/globex", "globex").with_cookie_name("referral-globex").unwrap();
    layer.with_sites(PathSites::new([acme, globex]))
}

fn on_hosts(layer: ReferralLayerBuilder) -> ReferralLayerBuilder {
    let acme = at("https://acme.example", "acme").with_route("/go").unwrap();
    let local = at("http://globex.example:8080", "globex");
    layer.with_sites(HostSites::new([acme, local]))
}

/// A site with others beside it, and Acme's handle as its handlers get it.
struct Shop {
    site: Site,
    acme: Referrals,
    app: Router,
}

async fn form(visitor: Visitor) -> Result<String, Problem> {
    visitor.link_form("/products/7", None, "").await
}

impl Shop {
    fn new(url: &str, sites: fn(ReferralLayerBuilder) -> ReferralLayerBuilder) -> Self {
        let site = Site::with_layer(sites);
        let app = ["", "/acme"].iter().fold(Router::new(), |app, base| {
            app.route(&format!("{base}/who"), get(who))
                .route(&format!("{base}/signup"), post(sign_up))
                .route(&format!("{base}/form"), get(form))
        });
        let app = app.fallback(async || "host").merge(routes(&site.layer)).layer(site.layer.clone());
        let acme = at(url, "acme").with_route(if url.contains("acme.") { "/go" } else { "/r" }).unwrap();
        let acme = site.referrals.for_site(&acme);
        Self { site, acme, app }
    }

    fn below_paths() -> Self {
        Self::new("https://shop.example/acme", below_paths)
    }

    fn on_hosts() -> Self {
        Self::new("https://acme.example", on_hosts)
    }

    /// One link with the code `spring` at each of two sites.
    async fn links(&self) -> (Link, Link) {
        (self.site.link("spring", "/sale").await, link_of(&self.acme, "spring", "/acme/sale").await)
    }

    fn browser(&self) -> Browser {
        Browser::new(self.app.clone())
    }

    async fn counts(&self) -> (usize, usize) {
        (self.site.responses().await.len(), responses_of(&self.acme).await.len())
    }
}

#[tokio::test]
async fn a_link_of_a_tenant_prints_a_url_that_resolves_in_that_tenant() {
    let shop = Shop::below_paths();
    let acme = link_of(&shop.acme, "spring", "/acme/sale").await;
    let url = shop.acme.links().url(&acme);
    assert_eq!(url, "https://shop.example/acme/r/spring");
    shop.browser().get(url.strip_prefix("https://shop.example").unwrap()).await.redirects_to("/acme/sale");
    shop.browser().get("/r/spring").await.redirects_to("/");
    shop.browser().get("/globex/r/spring").await.redirects_to("/globex");
    assert_eq!(shop.counts().await, (0, 1));
    assert_eq!(responses_of(&shop.acme).await[0].link, acme.id);
}

#[tokio::test]
async fn the_routes_of_a_site_make_list_and_change_its_links() {
    let shop = Shop::below_paths();
    let mut ada = shop.browser().signed_in_as("ada");
    let made = ada.form("/acme/r", "redirect_to=/acme/x&code=summer").await.json();
    assert_eq!(made["url"], "https://shop.example/acme/r/summer");
    ada.get("/acme/r/summer").await.redirects_to("/acme/x");
    assert_eq!(ada.get("/acme/r").await.json()["links"].as_array().unwrap().len(), 1);
    assert_eq!(ada.get("/r").await.json()["links"].as_array().unwrap().len(), 0);
    let id = made["id"].as_str().unwrap();
    ada.json("PATCH", &format!("/r/{id}"), r#"{"label":"x"}"#).await.is_problem(404, "not-found");
    ada.json("PATCH", &format!("/globex/r/{id}"), r#"{"label":"x"}"#).await.is_problem(404, "not-found");
    assert_eq!(ada.json("PATCH", &format!("/acme/r/{id}"), r#"{"label":"x"}"#).await.json()["label"], "x");

    let mut ada = ada.with("accept", "text/html");
    assert!(ada.get("/acme/r").await.body.contains("action=\"/acme/r\""));
    assert!(ada.get("/acme/form").await.body.contains("action=\"/acme/r\""));
    let answer = ada.form("/acme/r", "redirect_to=/acme/y").await;
    assert_eq!((answer.status.as_u16(), answer.location()), (303, "/acme/r"));
    let answer = shop.browser().with("accept", "text/html").get("/acme/r").await;
    assert_eq!(answer.location(), "/login?next=%2Facme%2Fr");
}

#[tokio::test]
async fn a_visit_neither_uses_nor_clears_the_cookie_of_another_site() {
    let shop = Shop::below_paths();
    shop.links().await;
    let mut browser = shop.browser();
    browser.get("/r/spring").await;
    let token = browser.cookies[COOKIE].clone();
    let me = browser.get("/who").await.body;

    let answer = browser.get("/acme/who").await;
    assert_eq!(
        (answer.body.as_str(), answer.cookies().len()),
        ("- -", 0),
        "another site's token is nobody's"
    );
    let answer = browser.get("/acme/r/spring").await;
    assert_eq!(answer.cookies().iter().map(|cookie| cookie.name()).collect::<Vec<_>>(), [ACME]);
    assert_eq!((browser.cookies.len(), &browser.cookies[COOKIE]), (2, &token));
    let other = browser.get("/acme/who").await;
    assert!(other.body != me && other.body != "- -" && other.cookies().is_empty());
    assert_eq!(browser.get("/who").await.body, me);

    // Each is cleared by its own site only, also where it is worth nothing.
    browser.cookies.insert(COOKIE.into(), "junk".into());
    assert!(browser.get("/acme/r/spring").await.cookies().iter().all(|cookie| cookie.name() == ACME));
    assert_eq!(browser.get("/globex/r/spring").await.cookies().len(), 0);
    assert_eq!(browser.cookies.len(), 2);
    assert!(browser.get("/who").await.clears());
    assert!(browser.cookies.contains_key(ACME));
}

#[tokio::test]
async fn a_token_of_one_site_is_worthless_at_another() {
    let shop = Shop::below_paths();
    shop.links().await;
    let mut browser = shop.browser();
    browser.get("/r/spring").await;
    browser.get("/acme/r/spring").await;
    let (ours, theirs) = (browser.cookies[COOKIE].clone(), browser.cookies[ACME].clone());
    for (path, name, value) in [("/acme/who", ACME, &ours), ("/who", COOKIE, &theirs)] {
        let mut thief = shop.browser();
        thief.cookies.insert(name.into(), value.clone());
        let answer = thief.get(path).await;
        assert_eq!(answer.body, "- -");
        assert!(!thief.cookies.contains_key(name), "it is as junk under this name");
    }
    // On hosts of their own both cookies may have one name; the tenant tells the tokens apart.
    let hosts = Shop::on_hosts();
    hosts.links().await;
    let mut browser = hosts.browser().with("host", "acme.example");
    assert!(browser.get("/go/spring").await.sets());
    assert_ne!(browser.get("/who").await.body, "- -");
    let mut thief = hosts.browser().with("host", "shop.example");
    thief.cookies = browser.cookies.clone();
    assert_eq!(thief.get("/who").await.body, "- -");
}

#[tokio::test]
async fn head_records_and_sets_nothing_at_any_site() {
    let shop = Shop::below_paths();
    shop.links().await;
    for (path, to) in
        [("/acme/r/spring", "/acme/sale"), ("/r/spring", "/sale"), ("/acme/p?ref=spring", "/acme/p")]
    {
        let answer = shop.browser().head(path).await;
        answer.redirects_to(to);
        assert!(answer.cookies().is_empty());
    }
    assert_eq!(shop.counts().await, (0, 0));
}

#[tokio::test]
async fn a_parameter_is_looked_up_at_the_site_of_the_page() {
    let shop = Shop::below_paths();
    link_of(&shop.acme, "spring", "/acme/sale").await;
    let answer = shop.browser().get("/acme/p?a=1&ref=spring").await;
    answer.redirects_to("/acme/p?a=1");
    assert_eq!(answer.cookies()[0].name(), ACME);
    assert_eq!(shop.browser().get("/p?ref=spring").await.body, "host", "no code of the default site");
    assert_eq!(shop.browser().get("/acmes/p?ref=spring").await.body, "host");
    assert_eq!(shop.counts().await, (0, 1));
    let hosts = Shop::on_hosts();
    link_of(&hosts.acme, "spring", "/sale").await;
    hosts.browser().with("host", "acme.example").get("/p?ref=spring").await.redirects_to("/p");
    assert_eq!(hosts.browser().with("host", "shop.example").get("/p?ref=spring").await.body, "host");
}

#[tokio::test]
async fn a_user_is_identified_at_the_site_where_they_are() {
    let shop = Shop::below_paths();
    shop.links().await;
    let mut browser = shop.browser();
    browser.get("/r/spring").await;
    browser.get("/acme/r/spring").await;
    let mut browser = browser.signed_in_as("grace");
    browser.get("/acme/p").await;
    assert_eq!(browser.cookies.keys().collect::<Vec<_>>(), [COOKIE]);
    assert_eq!(responses_of(&shop.acme).await[0].user, Some(user("grace")));
    assert!(shop.site.responses().await[0].is_unclaimed());
    assert!(browser.get("/p").await.clears());
    assert_eq!(shop.site.responses().await[0].user, Some(user("grace")));

    let mut browser = shop.browser();
    browser.get("/acme/r/spring").await;
    assert_eq!(browser.post("/signup", "hedy").await.body, "claimed 0, recorded false");
    assert_eq!(browser.post("/acme/signup", "hedy").await.body, "claimed 1, recorded true");
}

#[tokio::test]
async fn a_host_on_the_list_is_a_site_and_any_other_is_the_default_site() {
    let shop = Shop::on_hosts();
    let (_, acme) = shop.links().await;
    assert_eq!(shop.acme.links().url(&acme), "https://acme.example/go/spring");
    for host in ["acme.example", "ACME.example", "acme.example:443"] {
        shop.browser().with("host", host).get("/go/spring").await.redirects_to("/acme/sale");
    }
    for host in [
        "shop.example",
        "evil.example",
        "acme.example.evil.example",
        "evil.example#acme.example",
        "xacme.example",
        "acme.example:80",
        "acme.example:8443",
        "globex.example",
        "[::1]",
        "",
        "a b",
    ] {
        let mut browser = shop.browser().with("host", host).with("x-forwarded-host", "acme.example");
        browser.get("/r/spring").await.redirects_to("/sale");
        let mut ada = shop.browser().with("host", host).signed_in_as("ada");
        let made = ada.form("/r", "redirect_to=/x").await.json();
        assert!(made["url"].as_str().unwrap().starts_with("https://shop.example/r/"), "{host}: {made}");
    }
    shop.browser().get("/r/spring").await.redirects_to("/sale");
    let mut globex = shop.browser().with("host", "globex.example:8080").signed_in_as("ada");
    let made = globex.form("/r", "redirect_to=/x").await.json();
    assert!(made["url"].as_str().unwrap().starts_with("http://globex.example:8080/r/"), "{made}");
}

#[tokio::test]
async fn the_requests_own_url_goes_before_the_header_and_two_headers_are_none() {
    let shop = Shop::on_hosts();
    shop.links().await;
    let take = async |request: http::request::Builder| {
        let answer = shop.browser().take(request.body(Default::default()).unwrap()).await;
        (answer.status.as_u16(), answer.location().to_owned())
    };
    let acme = (302, "/acme/sale".to_owned());
    let absent = (404, String::new());
    assert_eq!(take(Request::get("https://acme.example/go/spring")).await, acme);
    assert_eq!(
        take(Request::get("https://acme.example/go/spring").header("host", "shop.example")).await,
        acme
    );
    assert_eq!(
        take(Request::get("https://shop.example/go/spring").header("host", "acme.example")).await,
        absent
    );
    let two = Request::get("/go/spring").header("host", "acme.example");
    assert_eq!(take(two.header("host", "shop.example")).await, absent);
}

#[tokio::test]
async fn a_site_answers_under_its_own_route_only() {
    let shop = Shop::on_hosts();
    shop.links().await;
    shop.browser().with("host", "acme.example").get("/r/spring").await.is_problem(404, "not-found");
    shop.browser().with("host", "shop.example").get("/go/spring").await.is_problem(404, "not-found");
    assert_eq!(shop.counts().await, (0, 0));
}

#[tokio::test]
async fn what_changes_something_has_to_come_from_the_site_itself() {
    let shop = Shop::on_hosts();
    let ada = |host: &str, origin: &str| {
        shop.browser().with("host", host).with("origin", origin).signed_in_as("ada")
    };
    let form = "redirect_to=/x";
    assert_eq!(ada("acme.example", "https://acme.example").form("/go", form).await.status, 200);
    assert_eq!(ada("shop.example", "https://shop.example").form("/r", form).await.status, 200);
    ada("acme.example", "https://shop.example").form("/go", form).await.is_problem(403, "cross-site");
    ada("shop.example", "https://acme.example").form("/r", form).await.is_problem(403, "cross-site");
    ada("evil.example", "https://evil.example").form("/r", form).await.is_problem(403, "cross-site");
}

/// Customers that come and go: `/any/…` is the site of that name.
struct Customers;

impl Sites for Customers {
    fn site(&self, request: &Parts) -> Option<Arc<referral_core::Site>> {
        let name = path_of(request).split('/').nth(1).filter(|name| name.starts_with("customer"))?;
        let site = referral_core::Site::new(format!("https://shop.example/{name}")).unwrap();
        let site = site.with_tenant(Tenant::new(name.to_owned()).unwrap());
        // One of them was given no name for its cookie.
        let site = if name.ends_with('x') { site } else { site.with_cookie_name(name).unwrap() };
        Some(Arc::new(site))
    }
}

#[tokio::test]
async fn sites_that_are_not_listed_are_set_up_when_they_are_asked_for() {
    let site = Site::with_layer(|layer| layer.with_sites(Customers));
    let app = Router::new().nest("/{customer}", routes(&site.layer)).merge(routes(&site.layer));
    let mut ada = Browser::new(app).signed_in_as("ada");
    let made = ada.form("/customer-1/r", "redirect_to=/x&code=spring").await.json();
    assert_eq!(made["url"], "https://shop.example/customer-1/r/spring");
    let mut browser = ada.clone().with("x-user", "grace");
    browser.get("/customer-1/r/spring").await.redirects_to("/x");
    browser.get("/customer-2/r/spring").await.redirects_to("/customer-2");
    ada.get("/customer-x/r/spring").await.is_problem(500, "misconfigured");
    assert_eq!(ada.get("/r").await.status, 200, "the others go on");
}
