//! What buyers and visitors see while the referrals are broken, and what is left afterwards.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "a test fails by a panic, and its helpers are nobody's API"
)]

mod common;

use common::{Shop, Visitor};
use serde_json::Value;
use sqlx::{ConnectOptions, Executor, sqlite::SqliteConnectOptions};

/// Does something to the database that the shop has open.
async fn sabotage(shop: &Shop, sql: &'static str) {
    let files = std::fs::read_dir(shop.folder.path()).unwrap().map(|file| file.unwrap().path());
    let folders: Vec<_> = files.collect();
    let inside = folders.iter().filter(|path| path.is_dir()).flat_map(|path| {
        std::fs::read_dir(path).unwrap().map(|file| file.unwrap().path()).collect::<Vec<_>>()
    });
    let database = |path: &std::path::PathBuf| {
        path.is_file() && std::fs::read(path).is_ok_and(|bytes| bytes.starts_with(b"SQLite format 3"))
    };
    let path = folders.iter().cloned().chain(inside).find(database).expect("the shop has a database");
    let mut connection = SqliteConnectOptions::new().filename(path).connect().await.unwrap();
    connection.execute(sql).await.unwrap();
}

const BREAK: &str =
    "CREATE TRIGGER broken BEFORE INSERT ON referral_response BEGIN SELECT RAISE(ABORT, 'broken'); END";
const MEND: &str = "DROP TRIGGER broken";

async fn ada_and_bob(shop: &Shop) -> (Visitor, Visitor) {
    let (mut ada, mut bob) = (shop.visitor(), shop.visitor());
    ada.sign_up("ada").await;
    let url = ada.link(&[]).await["url"].as_str().unwrap().to_owned();
    bob.get(&url).await.is(302);
    bob.sign_up("bob").await;
    (ada, bob)
}

fn actions(me: &Value) -> Vec<&str> {
    me["responses"].as_array().unwrap().iter().map(|one| one["action"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn an_order_is_there_with_its_action_or_not_at_all_and_sending_again_makes_both() {
    let shop = Shop::open();
    let (mut ada, mut bob) = ada_and_bob(&shop).await;
    let order = [("order", "KW-1"), ("amount", "6400"), ("currency", "EUR")];
    sabotage(&shop, BREAK).await;
    let failed = bob.post_for_data("/checkout", &order).await;
    assert!(failed.status >= 500, "{failed:?}");
    bob.get("/orders/KW-1").await.is(404);
    sabotage(&shop, MEND).await;
    assert_eq!(bob.post_for_data("/checkout", &order).await.is(200).json()["attributed"], true);

    sabotage(&shop, BREAK).await;
    let failed = bob.post_for_data("/refund", &[("order", "KW-1")]).await;
    assert!(failed.status >= 500, "{failed:?}");
    assert_eq!(bob.data("/orders/KW-1").await["order"]["refunded"], 0);
    sabotage(&shop, MEND).await;
    bob.post("/refund", &[("order", "KW-1")]).await.is(303);
    assert_eq!(actions(&ada.data("/me").await), ["REFUNDED", "ORDERED", "SIGNED_UP", "RESPONDED"]);
}

#[tokio::test]
async fn an_order_that_is_placed_twice_counts_once() {
    for shop in [Shop::open(), Shop::in_memory()] {
        let (mut ada, mut bob) = ada_and_bob(&shop).await;
        let mut again = shop.visitor();
        again.cookies.clone_from(&bob.cookies);
        let order = [("order", "KW-1"), ("amount", "6400"), ("currency", "EUR")];
        let (first, second) = tokio::join!(bob.post("/checkout", &order), again.post("/checkout", &order));
        first.is(303).to("/orders/KW-1");
        second.is(303).to("/orders/KW-1");
        assert_eq!(actions(&ada.data("/me").await), ["ORDERED", "SIGNED_UP", "RESPONDED"]);
    }
    // Also where the shop has lost the order and the referrals have not: its number names it.
    let shop = Shop::open();
    let (mut ada, mut bob) = ada_and_bob(&shop).await;
    let order = [("order", "KW-2"), ("amount", "6400"), ("currency", "EUR")];
    bob.post("/checkout", &order).await.is(303);
    sabotage(&shop, "DELETE FROM shop_order").await;
    assert_eq!(bob.post_for_data("/checkout", &order).await.is(200).json()["attributed"], true);
    let me = ada.data("/me").await;
    assert_eq!(actions(&me), ["ORDERED", "SIGNED_UP", "RESPONDED"]);
    let ordered = |action: &&Value| action["action"] == "ORDERED";
    assert_eq!(me["links"][0]["actions"].as_array().unwrap().iter().find(ordered).unwrap()["counted"], 1);
}

#[tokio::test]
async fn no_visitor_sees_an_error_because_of_attribution() {
    let shop = Shop::open();
    let (mut ada, mut bob) = ada_and_bob(&shop).await;
    let url = ada.link(&[]).await["url"].as_str().unwrap().to_owned();
    let mut guest = shop.visitor();
    guest.get(&url).await.is(302);
    sabotage(&shop, BREAK).await;
    guest.get("/products/7").await.is(200).says("sent you here");
    sabotage(&shop, "ALTER TABLE referral_link RENAME TO gone").await;
    for page in ["/", "/products/7", "/signup", "/login"] {
        guest.get(page).await.is(200);
    }
    bob.get("/products/7").await.is(200);
    guest.post("/login", &[("username", "bob")]).await.is(303).to("/me?done=hello");
}
