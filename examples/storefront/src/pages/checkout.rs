//! Ordering and sending back. No money moves.

use askama::Template;
use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use serde_json::json;

use super::shell::Shell;
use super::view::OrderView;
use crate::context::Context;
use crate::error_page::ErrorPage;
use crate::orders;
use crate::shop::{Order, Placed, Refunded};
use crate::web::{Fields, answer, done};

/// The largest amount, in cents. More than a million is a typing error.
const AMOUNT_MAX: i64 = 100_000_000;

fn amount(text: &str) -> Result<i64, ErrorPage> {
    let amount = text.parse().ok().filter(|amount| (1..=AMOUNT_MAX).contains(amount));
    amount.ok_or_else(|| {
        ErrorPage::form("The amount is a number of cents from 1 to 100000000: 6400 for 64.00.")
    })
}

fn number(text: &str) -> Result<&str, ErrorPage> {
    let symbol = |symbol: char| symbol.is_ascii_alphanumeric() || "-_.".contains(symbol);
    if (1..=64).contains(&text.len()) && text.chars().all(symbol) && !text.starts_with('.') {
        return Ok(text);
    }
    Err(ErrorPage::form("The order’s number has 1 to 64 letters, digits, - _ and dots: KW-7F3A21C9."))
}

fn currency(text: &str) -> Result<&str, ErrorPage> {
    if text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return Ok(text);
    }
    Err(ErrorPage::form("The currency is three capital letters, such as EUR."))
}

pub(crate) async fn order(context: Context, fields: Fields) -> Result<Response, ErrorPage> {
    let order = Order {
        number: number(fields.get("order"))?.to_owned(),
        user: context.user().map(|user| user.name.clone()),
        // A real shop takes the price from its own catalogue, never from the form.
        amount: amount(fields.get("amount"))?,
        currency: currency(fields.get("currency"))?.to_owned(),
        refunded: 0,
        at: context.app.now(),
    };
    let (order, attributed) = match orders::place(&context, &order).await? {
        (Placed::New, credited) => (order, credited),
        (Placed::Before(before), _) => (before, false),
        (Placed::Different, _) => {
            return Err(ErrorPage::new(
                StatusCode::CONFLICT,
                "That number is taken",
                "Another order has this number. Go back to the product, reload it and order again.",
            ));
        }
    };
    let to = format!("/orders/{}", order.number);
    let mut data = json!(OrderView::from(&order));
    if let Some(object) = data.as_object_mut() {
        object.insert("attributed".into(), attributed.into());
    }
    Ok(done(context.wants, &to, &data))
}

pub(crate) async fn refund(context: Context, fields: Fields) -> Result<Response, ErrorPage> {
    let user = context.need_user()?;
    let order = number(fields.get("order"))?;
    let amount = fields.given("amount").filter(|text| !text.is_empty()).map(amount).transpose()?;
    match orders::refund(&context, order, &user.name, amount).await? {
        Refunded::Done(order) => {
            Ok(done(context.wants, "/me?done=refunded#orders", &OrderView::from(&order)))
        }
        Refunded::TooMuch { left: 0 } => Err(ErrorPage::new(
            StatusCode::CONFLICT,
            "It is sent back already",
            "Nothing is left of this order that could go back.",
        )),
        Refunded::TooMuch { left } => Err(ErrorPage::form(format!(
            "Only {left} cents are left of this order. Send back that much or less."
        ))),
        Refunded::Unknown => Err(ErrorPage::new(
            StatusCode::NOT_FOUND,
            "There is no such order of yours",
            "Only who was signed in while ordering can send it back. Your page lists your orders.",
        )),
    }
}

#[derive(Template, Serialize)]
#[template(path = "order.html")]
struct OrderPage {
    #[serde(flatten)]
    shell: Shell,
    order: OrderView,
}

pub(crate) async fn show(
    context: Context,
    path: Result<Path<String>, PathRejection>,
) -> Result<Response, ErrorPage> {
    let Path(number) = path.map_err(|_| ErrorPage::not_found())?;
    let found = context.app.shop.order(&number).await?.ok_or_else(ErrorPage::not_found)?;
    // An order with an owner is the owner's; a guest's can be seen by whoever knows its number.
    if found.user.is_some() && found.user.as_deref() != context.user().map(|user| user.name.as_str()) {
        return Err(ErrorPage::not_found());
    }
    answer(context.wants, &OrderPage { shell: context.shell().await?, order: OrderView::from(&found) })
}
