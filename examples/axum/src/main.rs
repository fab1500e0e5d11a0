//! Referral in an axum application: product pages with a link to share, sign-up, and the links of whoever is signed
//! in. Everything is in memory. `PORT` is where it listens, 3000 by default.
#![expect(clippy::print_stdout, reason = "a program that says where it listens")]

mod pages;
mod sessions;

use std::error::Error;
use std::net::SocketAddr;

use axum::Router;
use axum::routing::{get, post};
use referral_core::memory::MemoryStore;
use referral_core::{KeyRing, Referrals};
use referral_tower::{CookieMode, ReferralLayer};
use tokio::net::TcpListener;

use sessions::Sessions;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let port = std::env::var("PORT").map_or(Ok(3000), |port| port.parse::<u16>())?;
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    // The public URL is configuration. Here it is the address that the program listens on, because nobody else comes.
    let url = format!("http://{}", listener.local_addr()?);
    let app = app(&url)?.into_make_service_with_connect_info::<SocketAddr>();
    println!("listening on {url}");
    axum::serve(listener, app).await?;
    Ok(())
}

fn app(url: &str) -> Result<Router, Box<dyn Error>> {
    // In production: a store that lasts, and keys from a file (`KeyRing::parse`).
    let referrals = Referrals::builder(MemoryStore::new(), KeyRing::generate()?, url)
        .with_actions([("SIGNED_UP", "Signed up"), ("VIEWED_PRODUCT", "Looked at a product")])
        .build()?;
    let sessions = Sessions::default();
    let layer = ReferralLayer::builder(referrals, sessions.clone())
        // For plain http only; leave it out where the site is https.
        .with_cookie(CookieMode::insecure_development())
        .with_sign_in("/signup")
        .build()?;
    Ok(Router::new()
        .route("/", get(pages::home))
        .route("/products/{id}", get(pages::product))
        .route("/signup", get(pages::sign_up_form).post(pages::sign_up))
        .route("/signout", post(pages::sign_out))
        .with_state(sessions.clone())
        .merge(referral_tower::routes(&layer))
        .layer(layer)
        // Added last, so that it runs first: the referral layer asks it who is signed in.
        .layer(axum::middleware::from_fn_with_state(sessions, sessions::read)))
}
