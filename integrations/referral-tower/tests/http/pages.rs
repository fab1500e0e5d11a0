//! What people see.

use askama::Template;
use axum::{Router, routing::get};
use referral_core::Referrals;
use referral_core::{Action, Target};
use referral_tower::filters::{self, ActionDisplay};
use referral_tower::pages::{DeadLinkPage, LinkForm, LinksPage, PageError, ProblemPage};
use referral_tower::{DeadCodes, Pages, Problem, Visitor};

use crate::common::*;

async fn product(visitor: Visitor) -> Result<String, Problem> {
    let target = Target::new("product", "7")?;
    visitor.link_form("/products/7?a=1&b=\"2\"", Some(&target), "<b>Mail</b>").await
}

fn shop(site: &Site) -> Router {
    Router::new()
        .route("/products/7", get(product))
        .merge(referral_tower::routes(&site.layer))
        .layer(site.layer.clone())
}

fn hidden(html: &str) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    for input in html.split("<input type=\"hidden\" ").skip(1) {
        let attribute = |name: &str| {
            let rest = input.split(&format!("{name}=\"")).nth(1).unwrap();
            let text = rest.split('"').next().unwrap();
            text.replace("&#60;", "<").replace("&#62;", ">").replace("&#34;", "\"").replace("&#38;", "&")
        };
        form.append_pair(&attribute("name"), &attribute("value"));
    }
    form.finish()
}

#[tokio::test]
async fn the_link_form_makes_a_link_and_then_shows_it() {
    let site = Site::new();
    let mut ada = Browser::new(shop(&site)).signed_in_as("ada").with("accept", "text/html");
    let html = ada.get("/products/7").await.body;
    assert!(html.contains("<form class=\"referral-link\" method=\"post\" action=\"/r\">"), "{html}");
    assert!(html.contains("<button type=\"submit\">Get a link to share</button>"));
    let answer = ada.form("/r", &hidden(&html)).await;
    assert_eq!((answer.status.as_u16(), answer.location()), (303, "/products/7"), "{}", answer.body);
    let html = ada.get("/products/7").await.body;
    assert!(!html.contains("<form"), "{html}");
    let id = html.split("<label for=\"").nth(1).unwrap().split('"').next().unwrap();
    assert!(html.contains(&format!("<input id=\"{id}\" type=\"url\" readonly value=\"{SITE}/r/")), "{html}");
    let bob = Browser::new(shop(&site)).signed_in_as("bob").get("/products/7").await.body;
    assert!(bob.contains("<form"), "another user has none yet");
}

#[tokio::test]
async fn a_link_that_is_switched_off_or_put_away_is_not_shown_to_be_shared() {
    let site = Site::new();
    let mut ada = Browser::new(shop(&site)).signed_in_as("ada").with("accept", "text/html");
    let html = ada.get("/products/7").await.body;
    ada.form("/r", &hidden(&html)).await;
    let link =
        site.referrals.links().of_owner(&user("ada"), &Default::default()).await.unwrap().items.remove(0);
    site.referrals.links().disable(link.id).await.unwrap();
    assert!(ada.get("/products/7").await.body.contains("<form"));
}

#[tokio::test]
async fn everything_in_the_form_is_escaped() {
    let site = Site::new();
    let html = Browser::new(shop(&site)).get("/products/7?x=%22%3E%3Cscript%3E'").await.body;
    assert!(!html.contains("<b>") && !html.contains("<script") && !html.contains("b=\"2\""), "{html}");
}

#[tokio::test]
async fn without_a_user_the_button_leads_to_sign_in_and_back() {
    let site = Site::new();
    let mut nobody = Browser::new(shop(&site)).with("accept", "text/html");
    let html = nobody.get("/products/7?a=1").await.body;
    let answer = nobody.form("/r", &hidden(&html)).await;
    assert_eq!(answer.location(), "/login?next=%2Fproducts%2F7%3Fa%3D1");
}

#[tokio::test]
async fn the_links_page_labels_every_field_and_needs_no_script() {
    let site = Site::new();
    let mut ada = site.browser().signed_in_as("ada");
    ada.form("/r", "redirect_to=/a&label=%3Cscript%3Ealert(1)%3C/script%3E").await;
    ada.form("/r", "redirect_to=/b&code=off").await;
    let off = site.referrals.links().by_code(&"off".parse().unwrap()).await.unwrap().unwrap();
    site.referrals.links().disable(off.id).await.unwrap();
    let html = ada.with("accept", "text/html").get("/r?limit=100").await.body;
    assert!(html.starts_with("<!doctype html>\n<html lang=\"en\">"));
    assert!(!html.contains("<script"), "nothing runs, also not a label");
    assert!(html.contains("Switch off") && html.contains("Switch on"));
    let mut ids = Vec::new();
    for input in html.split("<input ").skip(1).filter(|input| !input.starts_with("type=\"hidden\"")) {
        let id = input.split("id=\"").nth(1).unwrap().split('"').next().unwrap();
        assert!(html.contains(&format!("<label for=\"{id}\"")), "{id} has no label");
        assert!(!ids.contains(&id), "{id} is there twice");
        ids.push(id);
    }
    assert!(ids.len() >= 13, "{ids:?}");
}

struct Ours;

impl Pages for Ours {
    fn links(&self, page: &LinksPage) -> Result<String, PageError> {
        Ok(format!("ours: {} links of {}", page.links.len(), page.user))
    }

    fn dead_link(&self, page: &DeadLinkPage) -> Result<String, PageError> {
        Ok(format!("ours: go to {}", page.home))
    }

    fn problem(&self, page: &ProblemPage) -> Result<String, PageError> {
        Ok(format!("ours: {}", page.problem.kind()))
    }

    fn link_form(&self, form: &LinkForm) -> Result<String, PageError> {
        Err(format!("no form for {}", form.redirect_to).into())
    }
}

#[tokio::test]
async fn every_page_can_be_replaced() {
    let site = Site::with_layer(|layer| layer.with_pages(Ours).with_dead_codes(DeadCodes::NotFound));
    let mut ada = Browser::new(shop(&site)).signed_in_as("ada").with("accept", "text/html");
    assert_eq!(ada.get("/r").await.body, "ours: 0 links of ada");
    assert_eq!(ada.get("/r/nobody").await.body, "ours: go to /");
    let answer = ada.form("/r", "").await;
    assert_eq!((answer.status.as_u16(), answer.body.as_str()), (422, "ours: bad-input"));
    ada.get("/products/7").await.is_problem(500, "internal");
}

#[derive(Template)]
#[template(
    source = "{{ action|action_display(referrals) }}, {{ name|action_display(referrals) }}",
    ext = "html"
)]
struct Line<'a> {
    action: &'a Action,
    name: &'a str,
    referrals: &'a Referrals,
}

#[tokio::test]
async fn templates_show_what_people_read_for_an_action() {
    let site = Site::with(|core| core.with_actions([("SIGNED_UP", "Signed up & in")]), |layer| layer);
    let action = Action::new("SIGNED_UP").unwrap();
    let line = |action, name| Line { action, name, referrals: &site.referrals }.render().unwrap();
    assert_eq!(line(&action, "RESPONDED"), "Signed up &#38; in, Clicked on referral link");
    assert_eq!(line(&Action::RESPONDED, "<OTHER>"), "Clicked on referral link, &#60;OTHER&#62;");
    assert_eq!(line(&Action::RESPONDED, ""), "Clicked on referral link, ");
    assert_eq!(ActionDisplay::new(&site.referrals, &action).to_string(), "Signed up & in");
}
