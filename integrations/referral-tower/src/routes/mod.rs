//! The routes, for axum.

use axum::Router;

use crate::ReferralLayer;

/// The routes under the facade's route, `/r` by default.
pub fn routes<S: Clone + Send + Sync + 'static>(layer: &ReferralLayer) -> Router<S> {
    Router::new().layer(layer.clone())
}
