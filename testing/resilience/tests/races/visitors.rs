//! R5: a visitor who turns out to be a user does so once.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use referral_core::source::{IdSource as _, RandomIds};
use referral_core::store::{Index, MAX_PAGE, Prefix, Range};
use referral_core::token::Token;
use referral_core::visit::ResponseReads as _;
use referral_core::{
    Hook, HookError, Link, LinkDraft, Referrals, Response, ResponseId, Tenant, UserId, Via, VisitorId,
    async_trait,
};
use referral_resilience::figures::report;
use referral_resilience::on_stores;
use referral_resilience::run::World;
use referral_testkit::race::race;

use crate::{facade, visit};

on_stores! { a_visitor_becomes_one_user_once:
    memory_makes_a_visitor_one_user_once on memory,
    sqlite_makes_a_visitor_one_user_once on sqlite,
    sled_makes_a_visitor_one_user_once on sled,
    redb_makes_a_visitor_one_user_once on redb,
    postgres_makes_a_visitor_one_user_once on postgres,
    mysql_makes_a_visitor_one_user_once on mysql,
    mongodb_makes_a_visitor_one_user_once on mongodb,
}

/// Counts how often it hears that a response turned out to be a user's.
#[derive(Clone, Default)]
struct Heard(Arc<AtomicU64>);

#[async_trait]
impl Hook for Heard {
    async fn user_linked_to_response(&self, _: &Response, _: &Link) -> Result<(), HookError> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

/// R5: a hundred logins at once of a visitor with responses through several links.
async fn a_visitor_becomes_one_user_once(world: World) {
    const LOGINS: usize = 100;
    const CLICKS: usize = 25;
    const ROUNDS: usize = 4;
    let Some(opened) = world.open().await else { return };
    for users in [1, 2] {
        let begun = Instant::now();
        let heard = Heard::default();
        let referrals = facade(opened.store.clone()).with_hook(heard.clone()).build().unwrap();
        let (mut linked, mut orphans) = (0, 0);
        for _ in 0..ROUNDS {
            let (visitor, clicks) = visitor_with(&referrals, CLICKS).await;
            let names: Vec<_> =
                (0..users).map(|user| UserId::new(format!("{visitor}-{user}")).unwrap()).collect();
            let answers =
                race(LOGINS, |login| {
                    let (referrals, user) = (referrals.clone(), names[login % users].clone());
                    async move {
                        (user.clone(), referrals.identify(visitor, user).await.expect("a login").claimed)
                    }
                })
                .await;
            let mut answered = BTreeSet::new();
            let mut winners = BTreeSet::new();
            for (user, claimed) in answers {
                for response in claimed {
                    assert_eq!(response.user.as_ref(), Some(&user));
                    assert!(answered.insert(response.id), "{} is in two answers", response.id);
                    winners.insert(user.clone());
                }
            }
            assert_eq!(answered, clicks, "each response is in an answer");
            assert_eq!(winners.len(), 1, "the second user gets none: {winners:?}");
            let winner = winners.first().unwrap();
            let (tenant, all) = (Tenant::default(), Range::oldest());
            orphans +=
                opened.store.unclaimed_responses(&tenant, visitor, &all, MAX_PAGE).await.unwrap().len();
            let prefix = Prefix::new(&tenant).text(winner);
            let of_user = opened.store.page(Index::ResponsesOfUser, &prefix, &all, MAX_PAGE);
            linked += of_user.await.unwrap().len();
        }
        let told = heard.0.load(Ordering::Relaxed);
        report(
            "R5",
            world.name(),
            &[
                ("users", users.to_string()),
                ("logins at once", LOGINS.to_string()),
                ("rounds", ROUNDS.to_string()),
                ("responses", (ROUNDS * CLICKS).to_string()),
                ("linked once", linked.to_string()),
                ("orphans", orphans.to_string()),
                ("hooks", told.to_string()),
                ("ms", begun.elapsed().as_millis().to_string()),
            ],
        );
        let expected = ROUNDS * CLICKS;
        assert_eq!((linked, orphans, usize::try_from(told).unwrap()), (expected, 0, expected));
    }
}

/// A new visitor who clicked on several links.
async fn visitor_with(referrals: &Referrals, clicks: usize) -> (VisitorId, BTreeSet<ResponseId>) {
    const LINKS: usize = 5;
    let now = referrals.clock().now();
    let visitor = VisitorId::from_uuid(RandomIds::default().next(now));
    let token = Token::new(visitor, now, std::time::Duration::from_hours(1));
    let mut links = Vec::new();
    for _ in 0..LINKS {
        links.push(referrals.links().create(LinkDraft::to("/").unwrap()).await.unwrap());
    }
    let mut ids = BTreeSet::new();
    for click in 0..clicks {
        let code = links[click % LINKS].code.as_str();
        let touch = referrals.touch(code, &visit().with_token(token), Via::Click).await;
        ids.insert(touch.response().expect("a click").id);
    }
    (visitor, ids)
}
