//! A small shop that uses every part of Referral. `cargo run -p storefront`, and open what it prints.
//!
//! There are no passwords and nothing is charged: it shows how the library sits in an application, not how to run
//! a shop. Start reading at `app.rs` and `router.rs`. `pages/account.rs` has the sign-up, where a visitor becomes a
//! user.

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

use std::io::{IsTerminal, Write};
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::process::ExitCode;

use clap::Parser;
use tracing_subscriber::EnvFilter;

use app::{AppParts, OpenError};
use config::Config;

/// A shop to try Referral with. It takes no arguments; the environment says where it listens and where it keeps its data.
#[derive(Parser)]
#[command(version, after_help = ENVIRONMENT)]
struct Arguments {}

const ENVIRONMENT: &str = "\
Environment:
  PORT              the port to listen on; 3000, and 0 for any free one
  HOST              the address to listen on; 127.0.0.1, and 0.0.0.0 for everybody
  DATABASE_URL      sqlite://FILE or memory: ; sqlite://storefront.db
  PUBLIC_URL        the address that visitors use; follows from HOST and PORT
  REFERRAL_KEYS     the keys that sign visitors' cookies; else a file beside the database
  INSECURE_COOKIES  1 for plain cookies, to try the shop from a phone in the same network
  RUST_LOG          what is logged; warn,storefront=info";

#[tokio::main]
async fn main() -> ExitCode {
    let Arguments {} = Arguments::parse();
    // The warning that secure cookies need https is printed below, in this shop's own words and only where it matters.
    let usual = || EnvFilter::new("warn,storefront=info,referral_tower::cookie=error");
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| usual());
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        // A log that cannot be written, on a full disk or a closed pipe, is no reason to end a request.
        .log_internal_errors(false)
        .init();
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Not `eprintln!`, which panics where nobody reads it.
            let said = error_page::causes(error.as_ref());
            let _ = writeln!(std::io::stderr(), "The shop stays closed: {said}");
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
