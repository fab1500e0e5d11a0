//! Which address shows which page.

use std::sync::Arc;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post};

use crate::app::App;
use crate::assets;
use crate::error_page::finish;
use crate::pages::{account, checkout, home, links, me, product};
use crate::sign_in::session;

/// Every route, with the layers around it: a request passes the last one first.
pub(crate) fn router(app: App) -> Router {
    Router::new()
        .route("/", get(home::show))
        .route("/products/{id}", get(product::show))
        .route("/signup", get(account::sign_up_form).post(account::sign_up))
        .route("/login", get(account::login_form).post(account::login))
        .route("/logout", post(account::logout))
        .route("/checkout", post(checkout::order))
        .route("/refund", post(checkout::refund))
        .route("/orders/{number}", get(checkout::show))
        .route("/me", get(me::show))
        .route("/me/links", post(links::make))
        .route("/me/links/{id}", post(links::edit))
        .route("/me/links/{id}/disable", post(links::disable))
        .route("/me/links/{id}/enable", post(links::enable))
        .with_state(Arc::clone(&app))
        .merge(referral_tower::routes(&app.layer))
        .layer(app.layer.clone())
        .layer(from_fn_with_state(Arc::clone(&app), session))
        .route("/assets/style.css", get(assets::style))
        .route("/assets/icon.svg", get(assets::icon))
        .layer(from_fn(finish))
}
