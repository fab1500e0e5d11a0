//! A small shop that uses every part of Referral. `cargo run -p storefront`, and open what it prints.
//!
//! There are no passwords and nothing is charged: it shows how the library sits in an application, not how to run
//! a shop. Start reading at `app.rs` and `router.rs`. `pages/account.rs` has the sign-up, where a visitor becomes a
//! user.
#![allow(clippy::print_stderr, reason = "a program for a terminal says there why it stays closed")]

mod accounts;
mod actions;
mod app;
mod assets;
mod catalogue;
mod config;
mod context;
mod error_page;
mod orders;
mod pages;
mod router;
mod serve;
mod session;
mod shop;
mod sign_in;
mod wants;
mod web;

use std::io::Write;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::process::ExitCode;

use tracing_subscriber::EnvFilter;

use app::{AppParts, OpenError};
use config::Config;

#[tokio::main]
async fn main() -> ExitCode {
    // The warning that secure cookies need https is printed below, in this shop's own words and only where it matters.
    let quiet = || EnvFilter::new("warn,referral_tower::cookie=error");
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| quiet());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("The shop stays closed: {}", error_page::causes(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), OpenError> {
    let config = Config::from_env()?;
    let address = SocketAddr::new(config.host, config.port);
    let listener = TcpListener::bind(address).map_err(|error| {
        format!("it cannot listen on {address} ({error}); set PORT to another port, or to 0 for any free one")
    })?;
    listener.set_nonblocking(true)?;
    let bound = listener.local_addr()?;
    let public_url = config.public_url.clone().unwrap_or_else(|| url_of(bound));
    let app = AppParts::open(&config, &public_url).await?;
    greet(&config, bound, &public_url);
    serve::serve(listener, router::router(app.clone())).await?;
    app.close().await;
    say("Closed.");
    Ok(())
}

/// What a browser on this machine opens.
fn url_of(bound: SocketAddr) -> String {
    let host = match bound.ip() {
        ip if ip.is_unspecified() => IpAddr::from([127, 0, 0, 1]),
        ip => ip,
    };
    format!("http://{}", SocketAddr::new(host, bound.port()))
}

/// What somebody who opens the shop to others has to know.
fn note(config: &Config, bound: SocketAddr, public_url: &str) -> Option<&'static str> {
    // Browsers keep secure cookies without https from this machine, and from nowhere else.
    let host = public_url.trim_start_matches("http://");
    let here = ["127.", "localhost", "[::1]"].iter().any(|here| host.starts_with(here));
    if bound.ip().is_unspecified() && config.public_url.is_none() {
        Some("set PUBLIC_URL to the address that others use, and INSECURE_COOKIES=1 without https")
    } else if public_url.starts_with("http://") && !here && !config.insecure_cookies {
        Some("browsers keep no secure cookie from that address: set INSECURE_COOKIES=1, or use https")
    } else {
        None
    }
}

fn greet(config: &Config, bound: SocketAddr, public_url: &str) {
    say(&format!("Kettle & Wren is open: {public_url}\n"));
    say("  1. Sign up with any name, and take a link.");
    say("  2. Open the link in another browser or a private window, and sign up there.");
    say(&format!("  3. Your page says who came: {}/me\n", public_url.trim_end_matches('/')));
    say(&format!("  listening  {bound}"));
    say(&format!("  database   {}", config.database.describe()));
    say(&format!("  keys       {}", config.keys_from));
    if let Some(note) = note(config, bound, public_url) {
        say(&format!("  note       {note}"));
    }
    say("  stop       Ctrl-C");
}

/// Prints a line. If nobody reads it any more, the shop goes on, where `println!` would panic.
fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}
