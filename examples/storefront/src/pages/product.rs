//! One product: looking at it is an action, and its link is one button away.

use askama::Template;
use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::response::Response;
use referral_core::{Error, Target};
use serde::Serialize;

use super::shell::Shell;
use crate::actions;
use crate::catalogue::{self, PRODUCTS, Product};
use crate::context::Context;
use crate::error_page::{ErrorPage, causes};
use crate::web::answer;

#[derive(Template, Serialize)]
#[template(path = "product.html")]
struct ProductPage {
    #[serde(flatten)]
    shell: Shell,
    product: &'static Product,
    /// A number for an order that is placed from this page: sending the form twice orders once.
    order: String,
    #[serde(skip)]
    link_form: String,
    #[serde(skip)]
    products: Vec<&'static Product>,
}

pub(crate) async fn show(
    context: Context,
    path: Result<Path<String>, PathRejection>,
) -> Result<Response, ErrorPage> {
    let found = path.ok().and_then(|Path(id)| catalogue::product(&id));
    let product = found.ok_or_else(ErrorPage::not_found)?;
    let target = Target::new("product", product.id).map_err(Error::from)?;
    // The link's form first: whatever the page shows, the visit to it is recorded last.
    let link_form = match context.user() {
        Some(_) => context
            .visitor
            .link_form(&product.path(), Some(&target), product.name)
            .await
            .inspect_err(|error| tracing::warn!("a product went without its link: {}", causes(error)))
            .unwrap_or_default(),
        None => String::new(),
    };
    if context.is_looked_at() {
        context.record(actions::VIEWED_PRODUCT, target).await;
    }
    let page = ProductPage {
        shell: context.shell().await?,
        product,
        order: format!("KW-{:08X}", rand::random::<u32>()),
        link_form,
        products: beside(product).collect(),
    };
    answer(context.wants, &page)
}

/// The four products behind this one on the shelf, which goes round.
fn beside(product: &Product) -> impl Iterator<Item = &'static Product> {
    let at = PRODUCTS.iter().position(|other| other.id == product.id).unwrap_or_default();
    PRODUCTS.iter().cycle().skip(at.saturating_add(1)).take(4)
}
