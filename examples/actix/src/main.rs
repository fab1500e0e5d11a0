//! Referral in an actix-web application, without the tower crate: [`web`] is all that core needs. Everything is in
//! memory. `PORT` is where it listens, 3001 by default.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program that says where it listens, and what failed"
)]

mod web;

use std::collections::HashMap;
use std::error::Error;
use std::net::TcpListener;
use std::sync::{Mutex, PoisonError};

use actix_web::cookie::Cookie;
use actix_web::error::ErrorBadRequest;
use actix_web::http::header::{CACHE_CONTROL, LOCATION};
use actix_web::web::{Data, Form, Path, get, head, post, resource};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, Result};
use referral_core::memory::MemoryStore;
use referral_core::visit::TokenChange;
use referral_core::{Action, KeyRing, LinkDraft, Referrals, UserId};
use uuid::Uuid;

use web::Web;

/// Who is signed in, by the secret in their cookie. There are no passwords, and all sessions end with the process.
type Sessions = Mutex<HashMap<Uuid, UserId>>;

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let port = std::env::var("PORT").map_or(Ok(3001), |port| port.parse::<u16>())?;
    let listener = TcpListener::bind(("127.0.0.1", port))?;
    let url = format!("http://{}", listener.local_addr()?);
    let referrals = Referrals::builder(MemoryStore::new(), KeyRing::generate()?, url.as_str()).build()?;
    let (web, sessions) = (Data::new(Web::new(referrals)), Data::new(Sessions::default()));
    println!("listening on {url}");
    HttpServer::new(move || {
        App::new()
            .app_data(web.clone())
            .app_data(sessions.clone())
            .service(resource("/r/{code}").route(get().to(follow)).route(head().to(follow)))
            .service(resource("/share").route(post().to(share)))
            .service(resource("/signup").route(post().to(sign_up)))
            .service(resource("/products/{id}").route(get().to(product)))
    })
    .workers(1)
    .listen(listener)?
    .run()
    .await?;
    Ok(())
}

fn user(request: &HttpRequest, sessions: &Sessions) -> Option<UserId> {
    let id = Uuid::parse_str(request.cookie("session")?.value()).ok()?;
    sessions.lock().unwrap_or_else(PoisonError::into_inner).get(&id).cloned()
}

/// `GET /r/{code}`.
async fn follow(
    request: HttpRequest,
    code: Path<String>,
    web: Data<Web>,
    sessions: Data<Sessions>,
) -> HttpResponse {
    let (visit, change) = web.arrive(&request, user(&request, &sessions)).await;
    let landing = web.referrals.land(&code, &visit).await;
    let mut response = HttpResponse::Found()
        .insert_header((LOCATION, landing.redirect.location()))
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header(("X-Robots-Tag", "noindex"))
        .finish();
    web.apply(
        if landing.touch.token == TokenChange::Keep { &change } else { &landing.touch.token },
        &mut response,
    );
    response
}

/// Makes a link to the page that the form names, for the user who is signed in, and answers its URL.
async fn share(
    request: HttpRequest,
    form: Form<HashMap<String, String>>,
    web: Data<Web>,
    sessions: Data<Sessions>,
) -> Result<String> {
    let Some(user) = user(&request, &sessions) else { return Err(ErrorBadRequest("sign up first")) };
    let to = form.get("redirect_to").cloned().unwrap_or_default();
    let draft = LinkDraft::to(to).map_err(ErrorBadRequest)?.with_owner(user);
    let made = web.referrals.links().get_or_create(draft).await.map_err(ErrorBadRequest)?;
    Ok(web.referrals.links().url(&made.link))
}

/// Signs somebody up: every touch of this browser becomes theirs, in the same request. Says who referred them.
async fn sign_up(
    request: HttpRequest,
    form: Form<HashMap<String, String>>,
    web: Data<Web>,
    sessions: Data<Sessions>,
) -> Result<HttpResponse> {
    let name = form.get("username").cloned().unwrap_or_default();
    let user = UserId::new(name).map_err(ErrorBadRequest)?;
    let (visit, change) = web.arrive(&request, Some(user.clone())).await;
    let action = Action::new("SIGNED_UP").map_err(ErrorBadRequest)?;
    let recorded = web.referrals.record(&visit, action, None).await;
    let recorded = recorded.inspect_err(|error| eprintln!("a sign-up was not recorded: {error}"));
    let referrer = recorded.ok().flatten().and_then(|response| response.owner);
    let referrer = referrer.map_or_else(|| "nobody".to_owned(), |owner| owner.as_str().to_owned());

    let id = Uuid::new_v4();
    sessions.lock().unwrap_or_else(PoisonError::into_inner).insert(id, user);
    let session = Cookie::build("session", id.to_string()).path("/").http_only(true).finish();
    let mut response = HttpResponse::Ok().cookie(session).body(format!("referred by {referrer}"));
    web.apply(&change, &mut response);
    Ok(response)
}

async fn product(id: Path<u32>) -> String {
    format!("Product {id}")
}
