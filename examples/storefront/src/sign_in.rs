//! Signing in and out. A session is a random id in a cookie, kept by its hash.

use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use cookie::{Cookie, SameSite};
use referral_tower::cookie_values;
use sha2::{Digest, Sha256};

use crate::app::{App, AppParts};
use crate::error_page::ErrorPage;
use crate::session::Session;
use crate::shop::{SessionDigest, ShopError, User};

/// The layer in front of everything. It refuses forms of other sites, and finds out who is signed in.
pub(crate) async fn session(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if !safe && !app.layer.is_same_origin(request.headers()) {
        return ErrorPage::new(
            StatusCode::FORBIDDEN,
            "That did not come from here",
            format!(
                "The form was sent by another site than {}. Open the shop at that address and try again; whoever \
                 runs it can change the address with PUBLIC_URL.",
                app.referrals.public_url()
            ),
        )
        .into_response();
    }
    match app.find(request.headers()).await {
        Ok(session) => {
            request.extensions_mut().insert(session);
            next.run(request).await
        }
        Err(error) => ErrorPage::from(error).into_response(),
    }
}

/// How long somebody stays signed in.
const LIFE: Duration = Duration::from_hours(30 * 24);

/// How many cookies of our name are looked up.
const COOKIES_MAX: usize = 4;

impl AppParts {
    const fn cookie_name(&self) -> &'static str {
        if self.insecure { "session" } else { "__Host-session" }
    }

    /// The session that a request's cookies name. Another host of the domain may have set one of the same name before
    /// ours, so the first that is open counts.
    async fn find(&self, headers: &HeaderMap) -> Result<Session, ShopError> {
        for id in cookie_values(headers, self.cookie_name()).take(COOKIES_MAX) {
            let digest = digest(id);
            if let Some(user) = self.shop.session(&digest, self.now()).await? {
                return Ok(Session { user: Some(user), digest: Some(digest) });
            }
        }
        Ok(Session::default())
    }

    /// Signs somebody in on this answer. The id is new each time, so that nobody can be given a prepared one.
    pub(crate) async fn sign_in(
        &self,
        user: &User,
        before: &Session,
        mut response: Response,
    ) -> Result<Response, ShopError> {
        if let Some(before) = &before.digest {
            self.shop.close_session(before).await?;
        }
        let id = format!("{:032x}", rand::random::<u128>());
        self.shop.open_session(&digest(&id), &user.name, self.now().saturating_add(LIFE)).await?;
        let mut cookie = self.cookie(id);
        cookie.set_max_age(cookie::time::Duration::seconds(LIFE.as_secs().try_into().unwrap_or(0)));
        set(&mut response, &cookie);
        Ok(response)
    }

    /// Ends a session in the database and in the browser.
    pub(crate) async fn sign_out(
        &self,
        session: &Session,
        mut response: Response,
    ) -> Result<Response, ShopError> {
        if let Some(digest) = &session.digest {
            self.shop.close_session(digest).await?;
        }
        let mut cookie = self.cookie(String::new());
        cookie.make_removal();
        set(&mut response, &cookie);
        Ok(response)
    }

    fn cookie(&self, value: String) -> Cookie<'static> {
        let cookie =
            Cookie::build((self.cookie_name(), value)).path("/").http_only(true).same_site(SameSite::Lax);
        cookie.secure(!self.insecure).build()
    }
}

fn set(response: &mut Response, cookie: &Cookie<'_>) {
    if let Ok(value) = HeaderValue::try_from(cookie.to_string()) {
        response.headers_mut().append(SET_COOKIE, value);
    }
}

fn digest(id: impl AsRef<[u8]>) -> SessionDigest {
    Sha256::digest(id).iter().map(|byte| format!("{byte:02x}")).collect()
}
