//! Core's facade over the store under test: a shop with visitors.

use std::sync::Arc;
use std::time::Duration;

use referral_core::source::{IdSource, ManualClock};
use referral_core::store::Store;
use referral_core::token::Token;
use referral_core::visit::{Method, ResponseFilter};
use referral_core::{
    Builder, Code, Cursor, Error, KeyRing, Link, LinkDraft, LinkId, PageRequest, Referrals, Response,
    Timestamp, UserId, Visit, VisitorId,
};
use uuid::Uuid;

use crate::cx::Cx;
use crate::make::user;
use crate::race::race;
use crate::samples::NOW;

/// The ids of a case: one source for all facades over its store.
#[derive(Debug)]
struct Ids(Cx);

impl IdSource for Ids {
    fn next(&self, _: Timestamp) -> Uuid {
        self.0.uuid()
    }
}

/// A facade over the store of a case, without a cache, at a clock that stands still. From now on the audit holds
/// the statistics of the store against its records.
pub(crate) fn shop(cx: &Cx) -> Builder<Arc<dyn Store>> {
    shop_over(cx, cx.store())
}

/// The same over a wrapper of the case's store.
pub(crate) fn shop_over(cx: &Cx, store: Arc<dyn Store>) -> Builder<Arc<dyn Store>> {
    cx.counts_responses();
    Referrals::builder(store, KeyRing::generate().unwrap(), "https://shop.example")
        .with_clock(ManualClock::at(NOW))
        .with_ids(Ids(cx.clone()))
        .with_cache(None)
}

/// The facade as applications have it and without group commit: what reaches the store at once differs.
pub(crate) fn both(cx: &Cx) -> [Referrals; 2] {
    [shop(cx).build().unwrap(), shop(cx).with_group_commit(None).build().unwrap()]
}

/// One round of a race: how many call which facade.
#[derive(Clone)]
pub(crate) struct Round {
    pub(crate) number: usize,
    pub(crate) racers: usize,
    pub(crate) shop: Referrals,
}

/// One round in which group commit merges what many callers write, and several in which fewer of them meet in the
/// store itself.
pub(crate) fn rounds(
    cx: &Cx,
    with: impl Fn(Builder<Arc<dyn Store>>) -> Builder<Arc<dyn Store>>,
) -> Vec<Round> {
    let round = |number| {
        let builder = with(shop(cx));
        let (racers, builder) =
            if number == 0 { (64, builder) } else { (16, builder.with_group_commit(None)) };
        Round { number, racers, shop: builder.build().unwrap() }
    };
    (0..=cx.rounds(3)).map(round).collect()
}

/// Calls a verb from all racers of a round at once.
pub(crate) async fn at_once<T, F>(round: &Round, run: impl Fn(Referrals, usize) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    race(round.racers, |racer| run(round.shop.clone(), racer)).await
}

/// A link of this owner, by this name.
pub(crate) fn draft(owner: &str, label: &str) -> LinkDraft {
    LinkDraft::to("/products/7").unwrap().with_owner(user(owner)).with_label(label.to_owned()).unwrap()
}

pub(crate) fn code(text: &str) -> Code {
    Code::new(text.to_owned()).unwrap()
}

/// A person's browser asks for a page.
pub(crate) fn get(url: &str) -> Visit {
    Visit::new(Method::Get, url).with_agent("Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0")
}

/// A page that this browser asks for; the shop knows it, and nothing that it did.
pub(crate) fn visit(visitor: VisitorId) -> Visit {
    get("/").with_token(Token::new(visitor, NOW, Duration::from_hours(24)))
}

/// A page that this user asks for.
pub(crate) fn signed_in(name: &str) -> Visit {
    get("/").with_user(user(name))
}

/// A new browser follows a link, and is recorded.
pub(crate) async fn arrive(shop: &Referrals, link: &Link) -> Response {
    let landing = shop.land(link.code.as_str(), &get("/r/x")).await;
    landing.touch.response().unwrap_or_else(|| panic!("a click is recorded: {:?}", landing.touch)).clone()
}

/// The request for the next page, which goes on elsewhere than this one. Or a store that gives one page for ever would be
/// asked for ever.
#[track_caller]
fn next(request: PageRequest, next: Option<Cursor>) -> PageRequest {
    assert_ne!(next, request.after, "the next page of a listing begins where this one did");
    request.after(next)
}

/// Every response that a filter gives, page after page.
pub(crate) async fn responses(shop: &Referrals, filter: &ResponseFilter) -> Result<Vec<Response>, Error> {
    let mut found = Vec::new();
    let mut request = PageRequest::first(50);
    loop {
        let page = shop.responses().list(filter, &request).await?;
        found.extend(page.items);
        if page.next.is_none() {
            return Ok(found);
        }
        request = next(request, page.next);
    }
}

/// The responses of a link.
pub(crate) async fn responses_of(shop: &Referrals, link: LinkId) -> Vec<Response> {
    responses(shop, &ResponseFilter::of_link(link)).await.unwrap()
}

/// The links of an owner.
pub(crate) async fn links_of(shop: &Referrals, owner: &UserId) -> Vec<Link> {
    let mut found = Vec::new();
    let mut request = PageRequest::first(50);
    loop {
        let page = shop.links().of_owner(owner, &request).await.unwrap();
        found.extend(page.items);
        if page.next.is_none() {
            return found;
        }
        request = next(request, page.next);
    }
}
