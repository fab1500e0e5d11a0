//! The shelf.

use askama::Template;
use axum::response::Response;
use serde::Serialize;

use super::shell::Shell;
use crate::catalogue::{PRODUCTS, Product};
use crate::context::Context;
use crate::error_page::ErrorPage;
use crate::web::answer;

#[derive(Template, Serialize)]
#[template(path = "home.html")]
struct HomePage {
    #[serde(flatten)]
    shell: Shell,
    products: &'static [Product],
}

pub(crate) async fn show(context: Context) -> Result<Response, ErrorPage> {
    answer(context.wants, &HomePage { shell: context.shell().await?, products: PRODUCTS })
}
