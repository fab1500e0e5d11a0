//! A visitor with many responses turns out to be a user.

use std::collections::HashMap;
use std::path::Path;
use std::time::{Duration, Instant};

use referral_core::memory::MemoryStore;
use referral_core::source::{Clock, SystemClock};
use referral_core::store::{Store, StoreFacts};
use referral_core::token::Token;
use referral_core::visit::Method;
use referral_core::{
    Action, KeyRing, LinkDraft, LinkId, Referrals, Response, ResponseId, UserId, Visit, VisitorId,
};
use referral_sql::SqliteStore;
use referral_sql::sqlx::{self, AssertSqlSafe};
use uuid::Uuid;

use crate::measure::{Failure, Line, Rounds, Timed, compare_prepared, durability};
use crate::record::Database;

const RESPONSES: usize = 10_000;

/// A facade, and a link that everybody comes through.
struct Shop {
    referrals: Referrals,
    link: LinkId,
    facts: StoreFacts,
}

impl Shop {
    async fn new(store: impl Store) -> Result<Self, Failure> {
        let facts = store.facts();
        let referrals = Referrals::builder(store, KeyRing::generate()?, "https://shop.example").build()?;
        let draft = LinkDraft::to("/products/7")?.with_owner(UserId::new("ada")?);
        let link = referrals.links().create(draft).await?.id;
        Ok(Self { referrals, link, facts })
    }

    /// A new visitor, who has done so many things already.
    async fn visitor(&self) -> Result<(VisitorId, Vec<Response>), Failure> {
        let visitor = VisitorId::from_uuid(Uuid::now_v7());
        let token = Token::new(visitor, SystemClock.now(), Duration::from_secs(86_400));
        let visit = Visit::new(Method::Get, "/products/7").with_token(token);
        let viewed = Action::new("VIEWED_PRODUCT")?;
        let mut responses = Vec::with_capacity(RESPONSES);
        while responses.len() < RESPONSES {
            // Many callers at once, so that their writes are merged into groups.
            let work = (0..200).map(|_| {
                let (referrals, visit, viewed) = (self.referrals.clone(), visit.clone(), viewed.clone());
                let link = self.link;
                tokio::spawn(async move { referrals.respond(link, &visit, viewed, None).await })
            });
            for response in work.collect::<Vec<_>>() {
                responses.push(response.await??);
            }
        }
        Ok((visitor, responses))
    }

    /// How long it takes until all of a new visitor's responses are a user's.
    async fn identify(&self) -> Result<Duration, Failure> {
        let (visitor, _) = self.visitor().await?;
        let user = UserId::new(visitor.to_string())?;
        let started = Instant::now();
        let claimed = self.referrals.identify(visitor, &user).await?.claimed.len();
        let took = started.elapsed();
        if claimed == RESPONSES { Ok(took) } else { Err(format!("{claimed} were claimed").into()) }
    }
}

/// Claims in memory. Theirs changes the same records one by one in a map that only this thread uses.
pub(crate) async fn memory(rounds: Rounds) -> Result<Vec<Line>, Failure> {
    let shop = &Shop::new(MemoryStore::new()).await?;
    let ours = || -> Timed<'_> { Box::pin(shop.identify()) };
    let theirs = || -> Timed<'_> { Box::pin(change(shop)) };
    let measured = compare_prepared(rounds, &ours, &theirs).await?;
    Ok(vec![measured.as_time("identify-10000", shop.facts.name, durability(shop.facts))])
}

/// Claims on SQLite. Theirs changes as many rows with one statement, on a database of its own.
pub(crate) async fn sqlite(rounds: Rounds, folder: &Path) -> Result<Vec<Line>, Failure> {
    let databases = [Database::new(folder).await?, Database::new(folder).await?];
    let [ours, theirs] = &databases;
    let (shop, by_hand) = (&Shop::new(ours.store.clone()).await?, &Shop::new(theirs.store.clone()).await?);
    let ours = || -> Timed<'_> { Box::pin(shop.identify()) };
    let theirs = || -> Timed<'_> { Box::pin(update(by_hand, &theirs.store)) };
    let measured = compare_prepared(rounds, &ours, &theirs).await?;
    Ok(vec![measured.as_time("identify-10000", shop.facts.name, durability(shop.facts))])
}

/// How long it takes to change as many records in a map.
async fn change(shop: &Shop) -> Result<Duration, Failure> {
    let (visitor, responses) = shop.visitor().await?;
    let user = UserId::new(visitor.to_string())?;
    let mut map: HashMap<ResponseId, Response> =
        responses.into_iter().map(|response| (response.id, response)).collect();
    let started = Instant::now();
    let now = SystemClock.now();
    for response in map.values_mut().filter(|response| response.is_unclaimed()) {
        response.user = Some(user.clone());
        response.claimed_at = Some(now);
        response.version = response.version.next();
    }
    Ok(started.elapsed())
}

/// How long one statement takes.
async fn update(shop: &Shop, store: &SqliteStore) -> Result<Duration, Failure> {
    let (visitor, _) = shop.visitor().await?;
    let sql = "UPDATE referral_response SET user = ?, claimed_at = ?, version = version + 1 \
               WHERE tenant = ? AND visitor = ? AND user IS NULL";
    let started = Instant::now();
    let updated = sqlx::query(AssertSqlSafe(sql))
        .bind(visitor.to_string())
        .bind(SystemClock.now().as_millis())
        .bind("")
        .bind(visitor.as_uuid())
        .execute(store.pool())
        .await?
        .rows_affected();
    let took = started.elapsed();
    if updated == RESPONSES as u64 { Ok(took) } else { Err(format!("{updated} rows were changed").into()) }
}
