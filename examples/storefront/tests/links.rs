//! What an owner does with links, and what the owner is shown of others.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "a test fails by a panic, and its helpers are nobody's API"
)]

mod common;

use common::Shop;

#[tokio::test]
async fn of_two_tabs_the_second_is_told_and_a_refused_edit_changes_nothing() {
    let shop = Shop::in_memory();
    let mut ada = shop.visitor();
    ada.sign_up("ada").await;
    let link = ada.link(&[("redirect_to", "/products/7")]).await;
    let path = format!("/me/links/{}", link["id"].as_str().unwrap());
    ada.get("/me").await.is(200).says("name=\"version\" value=\"1\"");
    // The code would be taken, and the rest is refused: neither is.
    ada.post(&path, &[("code", "ada-tea"), ("redirect_to", "https://evil.example/")]).await.is(422);
    assert_eq!(ada.data("/me").await["links"][0], link);
    ada.post(&path, &[("label", "first"), ("version", "1")]).await.is(303);
    ada.post(&path, &[("label", "second"), ("version", "1")]).await.is(412).says("changed since");
    assert_eq!(ada.data("/me").await["links"][0]["label"], "first");
    ada.post("/me/links", &[("redirect_to", "/r/anything")]).await.is(422);
}

#[tokio::test]
async fn a_link_that_was_switched_off_works_when_it_is_asked_for_again() {
    let shop = Shop::in_memory();
    let mut ada = shop.visitor();
    ada.sign_up("ada").await;
    let link = ada.link(&[("redirect_to", "/products/7")]).await;
    ada.post(&format!("/me/links/{}/disable", link["id"].as_str().unwrap()), &[]).await.is(303);
    assert_eq!(ada.data("/me").await["links"][0]["status"], "disabled");
    assert_eq!(ada.link(&[("redirect_to", "/products/7")]).await["status"], "active");
    shop.visitor().get(link["url"].as_str().unwrap()).await.is(302).to("/products/7");
}

/// Whoever brought somebody sees that there was an order, and not its number, which opens it.
#[tokio::test]
async fn an_order_number_is_for_who_ordered() {
    let shop = Shop::in_memory();
    let (mut ada, mut bob) = (shop.visitor(), shop.visitor());
    ada.sign_up("ada").await;
    let link = ada.link(&[]).await;
    bob.get(link["url"].as_str().unwrap()).await.is(302);
    bob.sign_up("bob").await;
    let order = [("order", "KW-SECRET1"), ("amount", "6400"), ("currency", "EUR")];
    bob.post_for_data("/checkout", &order).await.is(200);
    let me = ada.data("/me").await;
    assert_eq!(me["responses"][0]["action"], "ORDERED");
    assert!(!me.to_string().contains("KW-SECRET1"), "{me}");
}
