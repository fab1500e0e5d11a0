//! Who is signed in, as far as a request tells.

use async_trait::async_trait;
use axum::http::request::Parts;
use referral_core::UserId;
use referral_core::visit::SignedIn;
use referral_tower::{AuthError, Authenticator};

use crate::shop::{SessionDigest, User};

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
