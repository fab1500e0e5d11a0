//! Promises about sites.

use crate::world::{World, draft, get};
use referral_core::link::{DeadCode, LinkRefusal};
use referral_core::{BuildError, Site, Tenant};

fn acme() -> Site {
    let site = Site::new("https://shop.example/acme").unwrap().with_tenant(Tenant::new("acme").unwrap());
    site.with_cookie_name("referral-acme").unwrap()
}

#[tokio::test]
async fn a_link_of_a_site_prints_a_url_of_that_site() {
    let world = World::new();
    let acme = world.referrals.for_site(&acme());
    let link = acme.links().create(draft("/acme/products/7", "ada")).await.unwrap();
    assert_eq!(acme.links().url(&link), format!("https://shop.example/acme/r/{}", link.code));
    assert_eq!(acme.site().cookie_name(), "referral-acme");
    assert_eq!(world.referrals.site().cookie_name(), "referral");
    let landing = world.referrals.land(link.code.as_str(), &get("/r/x")).await;
    assert_eq!(landing.dead(), Some(DeadCode::Unknown), "another site's code leads nowhere here");
    assert_eq!(
        acme.land(link.code.as_str(), &get("/acme/r/x")).await.redirect.location(),
        "/acme/products/7"
    );
}

#[tokio::test]
async fn a_dead_code_leads_to_the_sites_own_front_page() {
    let acme = World::new().referrals.for_site(&acme());
    assert_eq!(acme.land("nothing", &get("/acme/r/nothing")).await.redirect.location(), "/acme");
}

#[tokio::test]
async fn a_link_of_a_site_cannot_lead_to_a_link_of_that_site() {
    let acme = World::new().referrals.for_site(&acme());
    let made = acme.links().create(draft("/acme/r/other", "ada")).await;
    assert_eq!(made.unwrap_err().detail(), Some(&LinkRefusal::Loop));
    acme.links().create(draft("/r/other", "ada")).await.unwrap();
}

#[tokio::test]
async fn redirects_of_a_site_follow_its_own_list_of_hosts() {
    let world = World::new();
    let acme = world.referrals.for_site(&acme().with_allowed_host("blog.acme.example").unwrap());
    acme.links().create(draft("https://blog.acme.example/", "ada")).await.unwrap();
    assert!(world.referrals.links().create(draft("https://blog.acme.example/", "ada")).await.is_err());
}

#[test]
fn a_site_refuses_what_is_no_url_route_host_or_cookie_name() {
    for url in [
        "",
        "shop.example",
        "ftp://shop.example",
        "https://",
        "https://a@shop.example",
        "https://s/?x",
        "https://s/#x",
    ] {
        assert!(matches!(Site::new(url), Err(BuildError::PublicUrl { .. })), "{url}");
    }
    let site = || Site::new("https://shop.example").unwrap();
    assert!(matches!(site().with_route("//evil"), Err(BuildError::Path { .. })));
    assert!(matches!(site().with_route("/"), Err(BuildError::Path { .. })), "every page would be a link");
    assert!(matches!(site().with_fallback("https://evil.example"), Err(BuildError::Path { .. })));
    assert!(matches!(site().with_allowed_host("a b"), Err(BuildError::Host(_))));
    for name in ["", "__Host-x", "a b", "a=b", "a;b", "ä", &"x".repeat(65)] {
        assert!(matches!(site().with_cookie_name(name), Err(BuildError::Cookie { .. })), "{name}");
    }
}

#[test]
fn a_refused_public_url_does_not_show_its_password() {
    let error = Site::new("https://ada:hunter2@shop.example").unwrap_err();
    assert!(error.to_string().contains("shop.example") && !format!("{error} {error:?}").contains("hunter2"));
}
