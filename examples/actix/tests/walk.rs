//! Starts the application and walks it as two people would.
#![allow(clippy::unwrap_used, reason = "a test says so when it breaks")]

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use reqwest::Client;

struct Running {
    child: Child,
    url: String,
}

impl Running {
    fn start() -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_actix-example"))
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
    let sign_up = |browser: &Client, name: &'static str| {
        browser.post(shop.at("/signup")).form(&[("username", name)]).send()
    };
    let answer = sign_up(&ada, "ada").await.unwrap().text().await.unwrap();
    assert_eq!(answer, "referred by nobody");
    let share = ada.post(shop.at("/share")).form(&[("redirect_to", "/products/7")]).send();
    let url = share.await.unwrap().error_for_status().unwrap().text().await.unwrap();
    assert!(url.starts_with(&shop.at("/r/")), "{url}");

    let grace = browser();
    let head = grace.head(&url).send().await.unwrap();
    assert_eq!(head.url().as_str(), shop.at("/products/7"));
    let landed = grace.get(&url).send().await.unwrap();
    assert_eq!(landed.url().as_str(), shop.at("/products/7"));
    assert_eq!(landed.text().await.unwrap(), "Product 7");
    assert_eq!(sign_up(&grace, "grace").await.unwrap().text().await.unwrap(), "referred by ada");

    let evil = ada.post(shop.at("/share")).form(&[("redirect_to", "//evil.example")]).send().await.unwrap();
    assert_eq!(evil.status(), 400);
    let junk = browser().get(shop.at("/r/nobody")).header("cookie", "referral=junk").send().await.unwrap();
    assert_eq!(junk.url().as_str(), shop.at("/"));
}
