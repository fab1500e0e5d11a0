//! Who is signed in. A session is a random id in a cookie, kept by its hash.

use std::time::Duration;

use async_trait::async_trait;
use axum::extract::{Request, State};
use axum::http::header::{COOKIE, SET_COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use cookie::{Cookie, SameSite};
use referral_core::UserId;
use referral_core::visit::SignedIn;
use referral_tower::{AuthError, Authenticator};
use sha2::{Digest, Sha256};

use crate::app::{App, AppParts};
use crate::fault::Fault;
use crate::shop::{SessionDigest, ShopError, User};

/// What the session layer found out about a request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Session {
    pub(crate) user: Option<User>,
    pub(crate) digest: Option<SessionDigest>,
}

/// Tells the referrals who is signed in.
pub(crate) struct Sessions;

#[async_trait]
impl Authenticator for Sessions {
    async fn signed_in(&self, request: &Parts) -> Result<Option<SignedIn>, AuthError> {
        let session =
            request.extensions.get::<Session>().ok_or(AuthError::misconfigured("the session layer"))?;
        let signed_in = |user: &User| {
            let id = UserId::new(user.name.clone()).map_err(AuthError::failed)?;
            Ok(SignedIn::since(id, user.since))
        };
        session.user.as_ref().map(signed_in).transpose()
    }
}

/// The layer in front of everything: refuses forms of other sites, and finds out who is signed in.
pub(crate) async fn session(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if !safe && !app.layer.is_same_origin(request.headers()) {
        return Fault::new(
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
    let carried = app.carried(request.headers());
    match app.find(carried).await {
        Ok(session) => {
            request.extensions_mut().insert(session);
            next.run(request).await
        }
        Err(error) => Fault::from(error).into_response(),
    }
}

/// How long somebody stays signed in.
const LIFE: Duration = Duration::from_hours(30 * 24);

impl AppParts {
    const fn cookie_name(&self) -> &'static str {
        if self.insecure { "session" } else { "__Host-session" }
    }

    /// The digest of the session that a request's cookies name.
    fn carried(&self, headers: &HeaderMap) -> Option<SessionDigest> {
        let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
        let mut cookies = lines.flat_map(Cookie::split_parse).flatten();
        cookies.find(|cookie| cookie.name() == self.cookie_name()).map(|cookie| digest(cookie.value()))
    }

    async fn find(&self, digest: Option<SessionDigest>) -> Result<Session, ShopError> {
        let Some(digest) = digest else { return Ok(Session::default()) };
        let user = self.shop.session(&digest, self.now()).await?;
        Ok(Session { user, digest: Some(digest) })
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

    /// Ends a session, here and at the browser.
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

fn digest(id: &str) -> SessionDigest {
    Sha256::digest(id.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}
