//! Where a request for one of our routes has come to: its visitor and its site.

use std::ops::Deref;

use axum::extract::FromRequestParts;
use http::request::Parts;

use crate::layer::{ReferralLayer, ServedSite};
use crate::problem::Problem;
use crate::visitor::Visitor;

/// The visitor of a request for a route that its site has.
pub(super) struct Here(Visitor);

impl Here {
    pub(super) const fn visitor(&self) -> &Visitor {
        &self.0
    }

    pub(super) const fn layer(&self) -> &ReferralLayer {
        self.0.layer()
    }
}

impl Deref for Here {
    type Target = ServedSite;

    fn deref(&self) -> &ServedSite {
        self.0.site()
    }
}

impl<S: Sync> FromRequestParts<S> for Here {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let visitor = Visitor::from_request_parts(parts, state).await?;
        let visit = visitor.visit();
        let path = visit.url.split('?').next().unwrap_or_default();
        // The router knows the routes of all sites. A site has only its own.
        if visitor.layer().has_sites() && !visitor.site().has_route(path) {
            return Err(Problem::not_found());
        }
        Ok(Self(visitor))
    }
}
