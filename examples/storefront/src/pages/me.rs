//! The user's own page: links, who came through them, orders.

use std::collections::HashMap;

use askama::Template;
use axum::response::Response;
use referral_core::visit::ResponseFilter;
use referral_core::{Error, Link, LinkId, Page, PageRequest, UserId};
use serde::Serialize;

use super::shell::Shell;
use super::view::{LinkView, OrderView, ResponseView};
use crate::catalogue::{PRODUCTS, Product};
use crate::context::Context;
use crate::error_page::ErrorPage;
use crate::wants::Wants;
use crate::web::{answer, done};

#[derive(Template, Serialize)]
#[template(path = "me.html")]
struct MePage {
    #[serde(flatten)]
    shell: Shell,
    links: Vec<LinkView>,
    /// The cursor of older links, for `?links=`.
    links_next: Option<String>,
    responses: Vec<ResponseView>,
    /// The cursor of older responses, for `?after=`.
    next: Option<String>,
    orders: Vec<OrderView>,
    #[serde(skip)]
    older: bool,
    #[serde(skip)]
    products: &'static [Product],
}

const LINKS: u32 = 20;
const RESPONSES: u32 = 20;
const ORDERS: u32 = 20;

pub(crate) async fn show(context: Context) -> Result<Response, ErrorPage> {
    let Some(user) = context.user() else {
        return match context.wants {
            Wants::Page => Ok(done(Wants::Page, "/login?next=/me", &())),
            Wants::Json => Err(ErrorPage::signed_out()),
        };
    };
    let owner = UserId::new(user.name.clone()).map_err(Error::from)?;
    let links = context.app.referrals.links().of_owner(&owner, &context.page("links", LINKS)?).await?;
    let filter = ResponseFilter::of_owner(owner);
    let responses =
        context.app.referrals.responses().list(&filter, &context.page("after", RESPONSES)?).await?;
    let orders = context.app.shop.orders(&user.name, ORDERS).await?;

    let mut link_views = Vec::with_capacity(links.items.len());
    for link in &links.items {
        link_views.push(context.link_view(link).await?);
    }
    let page = MePage {
        shell: context.shell().await?,
        links: link_views,
        links_next: links.next.as_ref().map(ToString::to_string),
        next: responses.next.as_ref().map(ToString::to_string),
        responses: context.response_views(&links, &responses).await?,
        orders: orders.iter().map(OrderView::from).collect(),
        older: context.query("after").is_some(),
        products: PRODUCTS,
    };
    answer(context.wants, &page)
}

impl Context {
    /// The page that the query's cursor asks for.
    fn page(&self, parameter: &str, limit: u32) -> Result<PageRequest, ErrorPage> {
        let cursor = self.query(parameter).filter(|text| !text.is_empty()).map(str::parse).transpose();
        Ok(PageRequest::first(limit).after(cursor.map_err(Error::from)?))
    }

    /// A link with its numbers.
    pub(super) async fn link_view(&self, link: &Link) -> Result<LinkView, ErrorPage> {
        let statistics = self.app.referrals.responses().statistics(link.id).await?;
        let dead = self.app.referrals.links().dead(link).await?;
        Ok(LinkView::new(&self.app.referrals, link, dead, &statistics))
    }

    /// Responses with their links: those on the page already, and the others in one read.
    async fn response_views(
        &self,
        links: &Page<Link>,
        responses: &Page<referral_core::Response>,
    ) -> Result<Vec<ResponseView>, ErrorPage> {
        let referrals = &self.app.referrals;
        let mut known: HashMap<LinkId, Link> =
            links.items.iter().map(|link| (link.id, link.clone())).collect();
        let mut others: Vec<LinkId> = responses.items.iter().map(|response| response.link).collect();
        others.retain(|id| !known.contains_key(id));
        others.sort_unstable();
        others.dedup();
        if !others.is_empty() {
            let found = referrals.links().get_many(&others).await?;
            known.extend(found.into_iter().map(|link| (link.id, link)));
        }
        let view = |response| ResponseView::new(referrals, response, known.get(&response.link));
        Ok(responses.items.iter().map(view).collect())
    }
}
