//! Starts the application and walks it as two people would.
#![allow(clippy::unwrap_used, reason = "a test says so when it breaks")]

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use reqwest::Client;
use serde_json::Value;

struct Running {
    child: Child,
    url: String,
}

impl Running {
    fn start() -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_axum-example"))
            .env("PORT", "0")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("listening on ").unwrap().to_owned();
        Self { child, url }
    }

    fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn browser() -> Client {
    Client::builder().cookie_store(true).build().unwrap()
}

#[tokio::test]
async fn ada_shares_a_product_and_grace_signs_up_through_it() {
    let shop = Running::start();
    let ada = browser();
    ada.post(shop.at("/signup"))
        .form(&[("username", "ada")])
        .send()
        .await
        .unwrap()
        .error_for_status()
        .unwrap();
    let form = [("redirect_to", "/products/7"), ("target_kind", "product"), ("target_id", "7")];
    let made: Value = ada.post(shop.at("/r")).form(&form).send().await.unwrap().json().await.unwrap();
    let url = made["url"].as_str().unwrap();
    assert!(url.starts_with(&shop.at("/r/")), "{made}");
    let product = ada.get(shop.at("/products/7")).send().await.unwrap().text().await.unwrap();
    assert!(product.contains(&format!("readonly value=\"{url}\"")), "the link is there to copy: {product}");

    let grace = browser();
    let landed = grace.get(url).send().await.unwrap();
    assert_eq!(landed.url().as_str(), shop.at("/products/7"));
    assert!(landed.text().await.unwrap().contains("Get a link to share"));
    let code = made["code"].as_str().unwrap();
    let page = grace.get(shop.at(&format!("/?ref={code}"))).send().await.unwrap();
    assert_eq!(page.url().as_str(), shop.at("/"));
    grace
        .post(shop.at("/signup"))
        .form(&[("username", "grace")])
        .send()
        .await
        .unwrap()
        .error_for_status()
        .unwrap();

    let links: Value = ada.get(shop.at("/r")).send().await.unwrap().json().await.unwrap();
    assert_eq!(
        links["links"][0]["response_count"], 1,
        "the second click within the hour is a repeat: {links}"
    );
    let nobody = browser().get(shop.at("/r")).send().await.unwrap();
    assert_eq!(nobody.status(), 401);
    assert_eq!(nobody.headers()["content-type"], "application/problem+json");
}
