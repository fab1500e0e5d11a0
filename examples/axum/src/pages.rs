//! The pages of the shop.

use std::collections::HashMap;

use axum::extract::{Extension, Form, Path, State};
use axum::http::header::SET_COOKIE;
use axum::response::{AppendHeaders, Html, IntoResponse, Redirect};
use referral_core::{Target, UserId};
use referral_tower::{Problem, Visitor};

use crate::sessions::{Session, Sessions};

pub(crate) async fn home(visitor: Visitor) -> Html<String> {
    let account = if visitor.user().is_some() {
        "<a href=\"/r\">Your links</a>\n<form method=\"post\" action=\"/signout\"><button>Sign out</button></form>"
    } else {
        "<a href=\"/signup\">Sign up</a>"
    };
    page("Shop", &format!("<p><a href=\"/products/7\">Product 7</a></p>\n{account}"))
}

/// A product page: it counts as an action of whoever came through a link, and has a link to share.
pub(crate) async fn product(visitor: Visitor, Path(id): Path<u32>) -> Result<Html<String>, Problem> {
    let target = Target::new("product", id.to_string())?;
    visitor.record("VIEWED_PRODUCT", Some(target.clone())).await?;
    let form = visitor.link_form(&format!("/products/{id}"), Some(&target), "").await?;
    Ok(page(&format!("Product {id}"), &form))
}

pub(crate) async fn sign_up_form() -> Html<String> {
    page(
        "Sign up",
        "<form method=\"post\">\n<label for=\"username\">Name</label>\n\
         <input id=\"username\" name=\"username\" required maxlength=\"128\">\n<button>Sign up</button>\n</form>",
    )
}

/// Signs somebody up: every touch of this browser becomes theirs, in the same request.
pub(crate) async fn sign_up(
    State(sessions): State<Sessions>,
    visitor: Visitor,
    Form(form): Form<HashMap<String, String>>,
) -> Result<impl IntoResponse, Problem> {
    let user = UserId::new(form.get("username").cloned().unwrap_or_default())?;
    visitor.identify(&user).await?;
    visitor.record("SIGNED_UP", None).await?;
    let session = sessions.begin(user);
    Ok((AppendHeaders([(SET_COOKIE, session.to_string())]), Redirect::to("/")))
}

pub(crate) async fn sign_out(
    State(sessions): State<Sessions>,
    Extension(session): Extension<Session>,
) -> Redirect {
    sessions.end(&session);
    Redirect::to("/")
}

/// A page. `title` and `body` come from this program. What a visitor sent was escaped before it got in here.
fn page(title: &str, body: &str) -> Html<String> {
    Html(format!(
        "<!doctype html>\n<html lang=\"en\">\n<title>{title}</title>\n<main>\n<h1>{title}</h1>\n{body}\n</main>\n</html>\n"
    ))
}
