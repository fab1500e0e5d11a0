//! The visitor as an extractor of axum's, and a problem as a response.

use axum::extract::FromRequestParts;
use axum::response::IntoResponse;
use http::request::Parts;

use crate::problem::Problem;
use crate::visitor::Visitor;

/// Answers 500 with a problem, and logs it, if [`ReferralLayer`](crate::ReferralLayer) is not around the route: then
/// nothing could be attributed, and a site that silently attributes nothing would be worse.
impl<S: Sync> FromRequestParts<S> for Visitor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| {
            tracing::error!("a handler wants the visitor, but the referral layer is not around its route");
            Problem::misconfigured()
        })
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> axum::response::Response {
        self.to_response().map(axum::body::Body::from)
    }
}
