//! The host's own sessions, as small as they can be. There are no passwords, and all sessions end with the process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use cookie::{Cookie, SameSite};
use http::header::COOKIE;
use http::request::Parts;
use referral_core::visit::SignedIn;
use referral_core::{UserId, async_trait};
use referral_tower::{AuthError, Authenticator};
use uuid::Uuid;

const NAME: &str = "session";

/// Who is signed in, by the secret in their cookie.
#[derive(Clone, Default)]
pub(crate) struct Sessions(Arc<Mutex<HashMap<Uuid, UserId>>>);

/// What [`read`] puts into each request.
#[derive(Clone)]
pub(crate) struct Session {
    id: Option<Uuid>,
    user: Option<UserId>,
}

impl Sessions {
    fn users(&self) -> MutexGuard<'_, HashMap<Uuid, UserId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Signs somebody in, and returns the cookie to set.
    pub(crate) fn begin(&self, user: UserId) -> Cookie<'static> {
        let id = Uuid::new_v4();
        self.users().insert(id, user);
        Cookie::build((NAME, id.to_string())).path("/").http_only(true).same_site(SameSite::Lax).build()
    }

    /// Signs somebody out.
    pub(crate) fn end(&self, session: &Session) {
        if let Some(id) = session.id {
            self.users().remove(&id);
        }
    }
}

/// The session layer: finds the session of a request.
pub(crate) async fn read(State(sessions): State<Sessions>, mut request: Request, next: Next) -> Response {
    let id = request
        .headers()
        .get_all(COOKIE)
        .iter()
        .filter_map(|header| header.to_str().ok())
        .flat_map(|header| Cookie::split_parse(header).flatten())
        .find(|cookie| cookie.name() == NAME)
        .and_then(|cookie| Uuid::parse_str(cookie.value()).ok());
    let user = id.and_then(|id| sessions.users().get(&id).cloned());
    request.extensions_mut().insert(Session { id, user });
    next.run(request).await
}

/// Tells the referral layer who is signed in.
#[async_trait]
impl Authenticator for Sessions {
    async fn signed_in(&self, request: &Parts) -> Result<Option<SignedIn>, AuthError> {
        let session = request.extensions.get::<Session>();
        let session = session.ok_or(AuthError::misconfigured("the session layer"))?;
        Ok(session.user.clone().map(SignedIn::from))
    }
}
