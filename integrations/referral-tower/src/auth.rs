//! Who is signed in, which only the host knows.

use std::error::Error;

use async_trait::async_trait;
use http::request::Parts;
use referral_core::visit::SignedIn;

/// Tells who the user of a request is, and since when the account exists.
///
/// It is asked once for each request that passes the layer, so it should read what the host's
/// session layer has already put into the request's extensions, and not a database. The host's session layer must
/// therefore be *outside* of this one; with axum that means added after it.
///
/// ```
/// use http::request::Parts;
/// use referral_core::{UserId, async_trait};
/// use referral_core::visit::SignedIn;
/// use referral_tower::{AuthError, Authenticator};
///
/// /// What the host's session layer put there.
/// #[derive(Clone)]
/// struct Session { user: Option<UserId> }
///
/// struct Sessions;
///
/// #[async_trait]
/// impl Authenticator for Sessions {
///     async fn signed_in(&self, request: &Parts) -> Result<Option<SignedIn>, AuthError> {
///         let session = request.extensions.get::<Session>().ok_or(AuthError::misconfigured("the session layer"))?;
///         Ok(session.user.clone().map(SignedIn::from))
///     }
/// }
/// ```
#[async_trait]
pub trait Authenticator: Send + Sync + 'static {
    /// Who is signed in, or nobody. Tell when the account was made if it is known ([`SignedIn::since`]), because an
    /// account that is older than the touches was not referred by them.
    ///
    /// # Errors
    /// With [`AuthError::Failed`] the request goes on as if nobody was signed in: it keeps its token, and the routes
    /// that need a user answer 503. With [`AuthError::Misconfigured`] the request is answered with 500, and it is logged.
    async fn signed_in(&self, request: &Parts) -> Result<Option<SignedIn>, AuthError>;
}

/// Why an [`Authenticator`] could not tell who is signed in.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuthError {
    /// Something failed, perhaps only this time.
    #[error("who is signed in could not be found out")]
    Failed(#[source] Box<dyn Error + Send + Sync>),
    /// The application is not set up correctly: what the authenticator needs is not in front of the layer.
    #[error("{missing} is missing in front of the referral layer")]
    Misconfigured {
        /// What is missing, such as "the session layer".
        missing: &'static str,
    },
}

impl AuthError {
    /// Something failed, perhaps only this time.
    pub fn failed(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Failed(source.into())
    }

    /// What the authenticator needs is not in front of the layer.
    #[must_use]
    pub const fn misconfigured(missing: &'static str) -> Self {
        Self::Misconfigured { missing }
    }
}

/// The authenticator of a site without accounts: nobody is ever signed in.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoUsers;

#[async_trait]
impl Authenticator for NoUsers {
    async fn signed_in(&self, _: &Parts) -> Result<Option<SignedIn>, AuthError> {
        Ok(None)
    }
}
