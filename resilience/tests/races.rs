//! R3, R5, R6 and R7 with their full figures: a bounded counter, a visitor that turns out to be a user, generated codes,
//! and get-or-create, each under as many racers as the figure asks for.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // to clippy, helpers are no tests

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Instant;

use referral_core::code::{Code, GeneratorError, RandomCode};
use referral_core::facade::{Builder, DeadCode, Hook, TouchOutcome};
use referral_core::read::{NumberReads as _, ResponseReads as _};
use referral_core::source::{IdSource as _, RandomIds};
use referral_core::store::{
    Bounds, Change, Changeset, Conflict, CounterKey, Family, Index, MAX_PAGE, Outcome, Prefix, Range, Store,
};
use referral_core::token::{KeyRing, Token};
use referral_core::visit::{Method, Visit};
use referral_core::{
    Error, HookError, KeyPart, Link, LinkDraft, LinkId, Referrals, Response, ResponseId, Tenant, UserId, Via,
    VisitorId, async_trait,
};
use referral_resilience::everything::Everything;
use referral_resilience::figures::report;
use referral_resilience::on_stores;
use referral_resilience::race::{race, race_of_threads};
use referral_resilience::run::{World, number};
use referral_testkit::child::parts;
use uuid::Uuid;

on_stores! { a_bound_is_reached_and_never_passed:
    memory_reaches_a_bound_and_never_passes_it on memory,
    sqlite_reaches_a_bound_and_never_passes_it on sqlite,
    sled_reaches_a_bound_and_never_passes_it on sled,
    redb_reaches_a_bound_and_never_passes_it on redb,
    postgres_reaches_a_bound_and_never_passes_it on postgres,
    mysql_reaches_a_bound_and_never_passes_it on mysql,
    mongodb_reaches_a_bound_and_never_passes_it on mongodb,
}

on_stores! { a_click_limit_is_reached_and_never_passed:
    memory_reaches_a_click_limit_and_never_passes_it on memory,
    sqlite_reaches_a_click_limit_and_never_passes_it on sqlite,
    sled_reaches_a_click_limit_and_never_passes_it on sled,
    redb_reaches_a_click_limit_and_never_passes_it on redb,
    postgres_reaches_a_click_limit_and_never_passes_it on postgres,
    mysql_reaches_a_click_limit_and_never_passes_it on mysql,
    mongodb_reaches_a_click_limit_and_never_passes_it on mongodb,
}

on_stores! { a_visitor_becomes_one_user_once:
    memory_makes_a_visitor_one_user_once on memory,
    sqlite_makes_a_visitor_one_user_once on sqlite,
    sled_makes_a_visitor_one_user_once on sled,
    redb_makes_a_visitor_one_user_once on redb,
    postgres_makes_a_visitor_one_user_once on postgres,
    mysql_makes_a_visitor_one_user_once on mysql,
    mongodb_makes_a_visitor_one_user_once on mongodb,
}

on_stores! { generated_codes_run_out_without_a_duplicate:
    memory_gives_each_generated_code_once on memory,
    sqlite_gives_each_generated_code_once on sqlite,
    sled_gives_each_generated_code_once on sled,
    redb_gives_each_generated_code_once on redb,
    postgres_gives_each_generated_code_once on postgres,
    mysql_gives_each_generated_code_once on mysql,
    mongodb_gives_each_generated_code_once on mongodb,
}

on_stores! { equal_calls_get_one_link:
    memory_gives_equal_calls_one_link on memory,
    sqlite_gives_equal_calls_one_link on sqlite,
    sled_gives_equal_calls_one_link on sled,
    redb_gives_equal_calls_one_link on redb,
    postgres_gives_equal_calls_one_link on postgres,
    mysql_gives_equal_calls_one_link on mysql,
    mongodb_gives_equal_calls_one_link on mongodb,
}

/// How many race for one thing; `REFERRAL_RESILIENCE_RACERS` makes it fewer or more.
fn racers() -> usize {
    usize::try_from(number("REFERRAL_RESILIENCE_RACERS", 1_000)).unwrap()
}

fn facade(store: Arc<dyn Store>) -> Builder<Arc<dyn Store>> {
    Referrals::builder(store, KeyRing::generate().unwrap(), "https://shop.example")
}

fn visit() -> Visit {
    Visit::new(Method::Get, "/r/code").with_agent("Mozilla/5.0")
}

/// What an observer saw of a number and of the rows that it stands for while they were raced for.
///
/// The two cannot be read at one moment through the contract; but a number that equals its rows at every moment is,
/// read before the rows, not above them, and read after them, not below.
struct Observer {
    task: tokio::task::JoinHandle<(u64, i64)>,
    stop: Arc<std::sync::atomic::AtomicBool>,
}

impl Observer {
    fn start(store: Arc<dyn Store>, counter: CounterKey, rows: (Index, Prefix), bound: i64) -> Self {
        let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
        let stopped = stop.clone();
        let task = tokio::spawn(async move {
            let (mut moments, mut highest) = (0, 0);
            while !stopped.load(Ordering::Acquire) {
                let before = store.number(&counter).await.expect("the counter");
                let found =
                    store.page(rows.0, &rows.1, &Range::oldest(), MAX_PAGE).await.expect("the rows").len();
                let after = store.number(&counter).await.expect("the counter");
                let found = i64::try_from(found).unwrap();
                assert!(before <= found && found <= after, "{before} counted, {found} rows, {after} counted");
                assert!(
                    highest <= before && after <= bound,
                    "from {highest} over {before} to {after} of {bound}"
                );
                highest = after;
                moments += 1;
            }
            (moments, highest)
        });
        Self { task, stop }
    }

    /// At how many moments it looked.
    async fn stop(self) -> u64 {
        self.stop.store(true, Ordering::Release);
        self.task.await.expect("what was observed").0
    }
}

/// R3, as stores know it: a row and a count within bounds, in one changeset.
async fn a_bound_is_reached_and_never_passed(world: World) {
    let Some(opened) = world.open().await else { return };
    let store = &opened.store;
    for (round, bound) in [5, 10, 100].into_iter().enumerate() {
        let begun = Instant::now();
        let owner = UserId::new(format!("owner-{bound}")).unwrap();
        let counter = CounterKey::new(
            Tenant::default(),
            Family::LinkUses,
            [KeyPart::new(format!("bound-{bound}")).unwrap(), KeyPart::NONE],
        );
        let rows = (Index::LinksOfOwner, Prefix::new(&Tenant::default()).text(&owner));
        let observer = Observer::start(store.clone(), counter.clone(), rows.clone(), bound);
        let outcomes = race(racers(), |racer| {
            let number = u64::try_from(round * racers() + racer).unwrap();
            let link = Link { owner: Some(owner.clone()), ..parts(number).0 };
            let count = Change::Count { counter: counter.clone(), add: 1, within: Bounds::new(0, bound) };
            let changeset = Changeset::new([Change::Insert(link.into()), count]);
            let store = store.clone();
            async move { store.commit(&[changeset]).await.remove(0).expect("a lost race is no fault") }
        })
        .await;
        let moments = observer.stop().await;
        let won = outcomes.iter().filter(|outcome| **outcome == Outcome::Applied).count();
        let refused = Outcome::Conflict {
            index: 1,
            conflict: Conflict::OutOfBounds { counter: counter.clone(), value: bound },
        };
        assert_eq!(outcomes.iter().filter(|outcome| **outcome == refused).count(), racers() - won);
        let stored = store.page(rows.0, &rows.1, &Range::oldest(), MAX_PAGE).await.unwrap().len();
        let counted = store.number(&counter).await.unwrap();
        report(
            "R3",
            world.name(),
            &[
                ("bound", bound.to_string()),
                ("racers", racers().to_string()),
                ("applied", won.to_string()),
                ("refused as out of bounds", (racers() - won).to_string()),
                ("rows", stored.to_string()),
                ("counted", counted.to_string()),
                ("moments observed", moments.to_string()),
                ("ms", begun.elapsed().as_millis().to_string()),
            ],
        );
        let bound = usize::try_from(bound).unwrap();
        assert_eq!((won, stored, usize::try_from(counted).unwrap()), (bound, bound, bound));
    }
}

/// R3, as hosts use it: a link with a click limit, behind the facade with everything that it has by default.
async fn a_click_limit_is_reached_and_never_passed(world: World) {
    let Some(opened) = world.open().await else { return };
    let store = &opened.store;
    let referrals = facade(store.clone()).build().unwrap();
    for bound in [5_u32, 10, 100] {
        let begun = Instant::now();
        let link = referrals.create(LinkDraft::to("/").unwrap().with_click_limit(bound)).await.unwrap();
        let counter = CounterKey::new(Tenant::default(), Family::LinkUses, [of(link.id), KeyPart::NONE]);
        let rows = (Index::ResponsesOfLink, Prefix::new(&Tenant::default()).uuid(link.id.as_uuid()));
        let observer = Observer::start(store.clone(), counter.clone(), rows.clone(), i64::from(bound));
        let outcomes = race(racers(), |_| {
            let (referrals, code) = (referrals.clone(), link.code.clone());
            async move { referrals.touch(code.as_str(), &visit(), Via::Click).await.outcome }
        })
        .await;
        let moments = observer.stop().await;
        let won = outcomes.iter().filter(|outcome| matches!(outcome, TouchOutcome::Recorded(_))).count();
        let lost = outcomes.iter().filter(|o| matches!(o, TouchOutcome::Dead(DeadCode::Exhausted))).count();
        assert_eq!(won + lost, racers(), "each click is recorded, or the link was used up");
        let stored = store.page(rows.0, &rows.1, &Range::oldest(), MAX_PAGE).await.unwrap().len();
        let counted = usize::try_from(store.number(&counter).await.unwrap()).unwrap();
        let total = counter_of_clicks(store, link.id).await;
        report(
            "R3 clicks",
            world.name(),
            &[
                ("bound", bound.to_string()),
                ("racers", racers().to_string()),
                ("recorded", won.to_string()),
                ("refused as exhausted", lost.to_string()),
                ("rows", stored.to_string()),
                ("counted", counted.to_string()),
                ("moments observed", moments.to_string()),
                ("ms", begun.elapsed().as_millis().to_string()),
            ],
        );
        let bound = usize::try_from(bound).unwrap();
        assert_eq!((won, stored, counted, total), (bound, bound, bound, bound));
    }
}

async fn counter_of_clicks(store: &Arc<dyn Store>, link: LinkId) -> usize {
    let clicks = store.by_action(&Tenant::default(), Family::Responses, link).await.unwrap();
    clicks.iter().map(|(_, number)| usize::try_from(*number).unwrap()).sum()
}

fn of(link: LinkId) -> KeyPart {
    KeyPart::new(link.to_string()).unwrap()
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
        links.push(referrals.create(LinkDraft::to("/").unwrap()).await.unwrap());
    }
    let mut ids = BTreeSet::new();
    for click in 0..clicks {
        let code = links[click % LINKS].code.as_str();
        let touch = referrals.touch(code, &visit().with_token(token), Via::Click).await;
        ids.insert(touch.response().expect("a click").id);
    }
    (visitor, ids)
}

/// R6: a generator with few codes, asked by a hundred threads.
async fn generated_codes_run_out_without_a_duplicate(world: World) {
    const THREADS: usize = 100;
    const ATTEMPTS: u32 = 10;
    let Some(opened) = world.open().await else { return };
    for length in [4, 5, 6] {
        let begun = Instant::now();
        let (asked, most) = (Arc::new(AtomicUsize::new(0)), 1_usize << length);
        let random = RandomCode::new("ab", length).unwrap();
        let counted = asked.clone();
        let codes = move |_: &LinkDraft, attempt: u32| -> Result<Code, GeneratorError> {
            assert!(attempt < ATTEMPTS, "attempt {attempt} of {ATTEMPTS}");
            counted.fetch_add(1, Ordering::Relaxed);
            Ok(random.draw())
        };
        // A tenant of its own, so that the codes of one length do not stand in the way of another's count.
        let tenant = Tenant::new(format!("codes-{length}")).unwrap();
        let referrals = facade(opened.store.clone()).with_codes(codes).with_attempts(ATTEMPTS);
        let referrals = referrals.with_tenant(tenant.clone()).build().unwrap();
        let made = race_of_threads(THREADS, |_| {
            let referrals = referrals.clone();
            async move { referrals.create(LinkDraft::to("/").unwrap()).await }
        })
        .await;
        let (mut codes, mut exhausted) = (BTreeSet::new(), 0);
        for answer in made {
            match answer {
                Ok(link) => assert!(codes.insert(link.code.clone()), "{} was given twice", link.code),
                Err(Error::CodesExhausted { attempts: ATTEMPTS }) => exhausted += 1,
                Err(other) => panic!("neither a link nor exhausted: {other:?}"),
            }
        }
        let aliases = opened
            .store
            .page(Index::Aliases, &Prefix::new(&tenant), &Range::oldest(), MAX_PAGE)
            .await
            .unwrap();
        let links =
            opened.store.page(Index::Links, &Prefix::new(&tenant), &Range::oldest(), MAX_PAGE).await.unwrap();
        let asked = asked.load(Ordering::Relaxed);
        report(
            "R6",
            world.name(),
            &[
                ("possible codes", most.to_string()),
                ("threads", THREADS.to_string()),
                ("links", links.len().to_string()),
                ("codes", aliases.len().to_string()),
                ("duplicates", "0".to_owned()),
                ("told that codes are exhausted", exhausted.to_string()),
                ("proposals", asked.to_string()),
                ("ms", begun.elapsed().as_millis().to_string()),
            ],
        );
        assert_eq!(
            (links.len(), aliases.len(), codes.len() + exhausted),
            (codes.len(), codes.len(), THREADS)
        );
        assert!(codes.len() <= most && asked <= THREADS * usize::try_from(ATTEMPTS).unwrap());
        // Not only that nobody got one twice: with so many tries in all, nearly every code has been given.
        assert!(codes.len() * 2 > most.min(THREADS), "{} of {most} codes were found", codes.len());
    }
}

/// R7: the same link wanted by all at once.
async fn equal_calls_get_one_link(world: World) {
    let Some(opened) = world.open().await else { return };
    // With the facade's group commit, and each caller by itself.
    for (layers, label) in [("grouped", "one"), ("each by itself", "two")] {
        let begun = Instant::now();
        let builder = facade(opened.store.clone());
        let builder = if layers == "grouped" { builder } else { builder.with_group_commit(None) };
        let referrals = builder.build().unwrap();
        let owner = UserId::new(label).unwrap();
        let draft =
            LinkDraft::to("/products/7").unwrap().with_owner(owner.clone()).with_label(label).unwrap();
        let answers = race(racers(), |_| {
            let (referrals, draft) = (referrals.clone(), draft.clone());
            async move { referrals.get_or_create(draft).await.expect("a link") }
        })
        .await;
        let created = answers.iter().filter(|answer| answer.created).count();
        let ids: BTreeSet<Uuid> = answers.iter().map(|answer| answer.link.id.as_uuid()).collect();
        let everything = Everything::of(&*opened.store).await;
        let links: Vec<_> =
            everything.links.iter().filter(|link| link.owner.as_ref() == Some(&owner)).collect();
        let codes =
            everything.aliases.iter().filter(|alias| alias.link.as_uuid() == *ids.first().unwrap()).count();
        report(
            "R7",
            world.name(),
            &[
                ("racers", racers().to_string()),
                ("commits", layers.to_owned()),
                ("rows", links.len().to_string()),
                ("told that they made it", created.to_string()),
                ("ids in the answers", ids.len().to_string()),
                ("codes", codes.to_string()),
                ("ms", begun.elapsed().as_millis().to_string()),
            ],
        );
        assert_eq!((links.len(), created, ids.len(), codes), (1, 1, 1, 1));
        assert_eq!(everything.aliases.len(), everything.links.len(), "no racer left a code behind");
    }
}
