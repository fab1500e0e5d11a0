//! The database fails at the n-th call, for every n: what a verb of the facade then answers is true, and a host that
//! tries again gets what it would have got.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use referral_core::link::DeadCode;
use referral_core::source::{ManualClock, SequentialIds};
use referral_core::store::{
    CounterPrefix, CounterRange, Family, Index, MAX_PAGE, Prefix, Range, Read, StoreError, StoreErrorKind,
};
use referral_core::token::Token;
use referral_core::visit::{ResponseFilter, TouchOutcome};
use referral_core::{
    Action, Alias, Code, Error, KeyRing, Link, LinkDraft, LinkEdit, LinkId, Metadata, PageRequest, Referrals,
    Response, Tenant, Timestamp, Visit, VisitorId,
};
use uuid::Uuid;

use crate::failing::{Failing, Failure};
use crate::world::{get, user};

const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

/// The steps of a story that are told one after another.
const STEPS: usize = 10;

/// The steps that a browser makes once; the rest may be made again at any time and then changes nothing.
const CLICKS: [usize; 2] = [4, 5];

/// A story in a store of its own, which fails when it is told to.
struct Story {
    store: Arc<Failing>,
    shop: Referrals,
    /// The first link, when it is made.
    one: Mutex<Option<LinkId>>,
}

impl Story {
    fn begin() -> Self {
        let store = Arc::new(Failing::default());
        let shop = shop(&store);
        Self { store, shop, one: Mutex::default() }
    }

    /// One step, as a host makes it: also if it cannot know whether it was made before.
    async fn step(&self, step: usize) -> Result<(), Error> {
        let shop = &self.shop;
        let one = || *self.one.lock().unwrap();
        match step {
            0 => {
                *self.one.lock().unwrap() =
                    Some(shop.links().get_or_create(draft("ada", "one")).await?.link.id)
            }
            1 => match shop
                .links()
                .create(draft("bob", "two").with_code(code("two")).with_click_limit(3))
                .await
            {
                Err(error) if error.is_conflict() => {
                    let code = code("two");
                    let holder =
                        shop.links().by_code(&code).await?.expect("a code that is taken leads somewhere");
                    assert_eq!(holder.owner, Some(user("bob")), "nobody else can have taken it");
                }
                other => drop(other?),
            },
            2 => drop(shop.links().add_code(one().unwrap(), code("summer")).await?),
            3 => {
                let edit = LinkEdit::default().with_metadata(Metadata::new([("k", "v")]).unwrap());
                shop.links().edit(one().unwrap(), edit).await?;
            }
            4 | 5 => self.click(["summer", "two"][step - 4]).await?,
            6 => drop(shop.identify(visitor(1), user("eve")).await?),
            7 => {
                let id = one().unwrap();
                assert_eq!(shop.responses().count(id).await?, 1);
                assert_eq!(shop.responses().statistics(id).await?.responses(), 1);
                let until = NOW.saturating_add(Duration::from_hours(1));
                let hours = shop.responses().by_hour(id, &Action::RESPONDED, NOW.hour(), until).await?;
                let hours: Vec<_> =
                    hours.into_iter().map(|(hour, numbers)| (hour, numbers.counted)).collect();
                assert_eq!(hours, [(NOW.hour(), 1)]);
            }
            8 => {
                let found = shop.link_of(&signed_in("eve")).await?;
                assert!(found.is_some(), "what eve clicked before she signed up is hers");
            }
            9 => {
                let link = shop.links().by_code(&code("two")).await?.expect("its link");
                shop.links().disable(link.id).await?;
            }
            _ => unreachable!("a story has {STEPS} steps"),
        }
        Ok(())
    }

    async fn click(&self, code: &str) -> Result<(), Error> {
        let landing = self.shop.land(code, &visit(visitor(1))).await;
        match landing.touch.outcome {
            TouchOutcome::Recorded(_) => Ok(()),
            TouchOutcome::Failed(error) => Err(error),
            other => panic!("a click on a link that works: {other:?}"),
        }
    }

    /// What the store holds of it, without ids and times, and without the repeats that are flagged and not counted.
    async fn state(&self) -> State {
        let page = async |index: Index, prefix: Prefix| {
            self.store.page(index, &prefix, &Range::newest(), MAX_PAGE).await.unwrap()
        };
        let tenant = Tenant::default();
        let links = page(Index::Links, Prefix::new(&tenant)).await;
        let mut aliases = Vec::new();
        for link in &links {
            aliases.extend(page(Index::AliasesOfLink, Prefix::new(&tenant).uuid(link.id().uuid)).await);
        }
        let name = |id: &str| {
            let link = links.iter().find(|link| link.id().uuid.to_string() == id);
            let link = link.and_then(|link| Link::try_from(link.clone()).ok());
            link.map_or_else(|| format!("nobody's {id}"), |link| link.label.as_str().to_owned())
        };
        let mut lines = Vec::new();
        for link in links.iter().filter_map(|record| Link::try_from(record.clone()).ok()) {
            let Link { owner, label, status, metadata, version, .. } = link;
            lines.push(format!("link {owner:?} {label:?} {status:?} {metadata:?} {version:?}"));
        }
        for alias in aliases.into_iter().filter_map(|record| Alias::try_from(record).ok()) {
            // The first one is generated, and another one each time.
            let chosen = ["two", "summer"].contains(&alias.code.as_str());
            let code = if chosen { alias.code.as_str() } else { "generated" };
            lines.push(format!("code {code} of {}", name(&alias.link.to_string())));
        }
        let responses = page(Index::Responses, Prefix::new(&tenant)).await.into_iter();
        for response in responses.filter_map(|record| Response::try_from(record).ok()) {
            if response.counted {
                let link = name(&response.link.to_string());
                lines.push(format!("response {} of {link} by {:?}", response.action, response.user));
            }
        }
        for family in [Family::LinkUses, Family::Responses, Family::ResponsesByHour] {
            let prefix = CounterPrefix { tenant: tenant.clone(), family, parts: Vec::new() };
            for (key, value) in self.store.counters(&prefix, &CounterRange::first(MAX_PAGE)).await.unwrap() {
                let [link, action] = key.parts.each_ref().map(|part| part.as_str());
                lines.push(format!("{family:?} {} {action} is {value}", name(link)));
            }
        }
        lines.sort();
        State(lines)
    }
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct State(Vec<String>);

/// What the store holds before the first step and after each, where nothing fails.
async fn without_failures() -> Vec<State> {
    let story = Story::begin();
    let mut states = vec![story.state().await];
    for step in 0..STEPS {
        story.step(step).await.expect("nothing fails");
        states.push(story.state().await);
    }
    states
}

/// Tells the story with this failure at the first call, at the second one, and so on until it has no such call any
/// more. After a step that failed `holds` says, of its number and error, whether nothing may have been stored.
async fn at_every_call(failure: Failure, must_fail: bool, holds: fn(usize, &Error) -> bool) {
    let states = without_failures().await;
    for nth in 1.. {
        let what = format!("{failure:?} at {nth}");
        let story = Story::begin();
        story.store.fail(nth, failure);
        let mut fired = false;
        for step in 0..STEPS {
            let answer = story.step(step).await;
            if !story.store.failed() {
                answer.unwrap_or_else(|error| panic!("{what}: step {step} failed by itself: {error:?}"));
                continue;
            }
            story.store.heal();
            fired = true;
            let now = story.state().await;
            match answer {
                Ok(()) => {
                    assert!(!must_fail, "{what}: step {step} says it was done");
                    assert_eq!(now, states[step + 1], "{what}: what step {step} says was done is (right)");
                }
                Err(error) => {
                    assert!(error.is_retryable(), "{what}: step {step} says not to try again: {error:?}");
                    let nothing = now == states[step];
                    let open = !holds(step, &error) && now == states[step + 1];
                    assert!(
                        nothing || open,
                        "{what}: step {step} failed with {error:?}, and {now:#?} is there after {:#?}",
                        states[step]
                    );
                    story.step(step).await.unwrap_or_else(|error| panic!("{what}: again: {error:?}"));
                    assert_eq!(story.state().await, states[step + 1], "{what}: step {step}, tried again");
                }
            }
        }
        story.store.heal();
        // And all of it once more, but for what a browser does once. Behind a read nothing can have been left.
        for step in (0..STEPS).filter(|step| failure != Failure::Read && !CLICKS.contains(step)) {
            story.step(step).await.unwrap_or_else(|error| panic!("{what}: step {step} again: {error:?}"));
        }
        assert_eq!(story.state().await, states[STEPS], "{what}: at the end");
        if !fired {
            return;
        }
    }
}

/// `identify` says of itself that it keeps what it had claimed.
const IDENTIFY: usize = 6;

fn is(error: &Error, kind: StoreErrorKind) -> bool {
    error.detail::<StoreError>().is_some_and(|error| error.kind() == kind)
}

/// The verb fails with the reason of the store, the store is as it was, and the next try works.
#[tokio::test]
async fn a_refused_commit_stores_nothing() {
    at_every_call(Failure::Refused(StoreErrorKind::Unavailable), true, |_, error| {
        assert!(error.is_unavailable());
        true
    })
    .await;
}

/// The answer to a commit is lost. The verb finds out whether it was applied, and its effect is there once.
#[tokio::test]
async fn a_lost_answer_is_found_out() {
    at_every_call(Failure::AnswerLost, false, |step, error| panic!("step {step} failed: {error:?}")).await;
    at_every_call(Failure::CommitLost, false, |step, error| panic!("step {step} failed: {error:?}")).await;
}

/// The server restarts when the commit is done. No verb then says that nothing was stored, and none is applied
/// twice.
#[tokio::test]
async fn an_answer_that_stays_lost_is_said_to_be_unknown() {
    at_every_call(Failure::Restart, true, |step, error| {
        assert!(is(error, StoreErrorKind::UnknownOutcome), "step {step} was done, and says {error:?}");
        false
    })
    .await;
}

/// A verb that cannot read fails, and has stored nothing by then.
#[tokio::test]
async fn a_failed_read_stores_nothing() {
    at_every_call(Failure::Read, true, |step, error| {
        assert!(error.is_unavailable());
        step != IDENTIFY
    })
    .await;
}

/// Commits and reads fail now and then while many visitors click and try again until it works. Each visitor is
/// counted once.
#[tokio::test]
async fn visitors_who_try_again_are_counted_once() {
    const VISITORS: usize = 48;
    let store = Arc::new(Failing::default());
    let shop = shop(&store);
    store.fail_every(3, Failure::AnswerLost);
    store.fail_every(4, Failure::CommitLost);
    store.fail_every(5, Failure::Refused(StoreErrorKind::Contended));
    store.fail_every(7, Failure::Read);
    let mut visitors = tokio::task::JoinSet::new();
    for racer in 0..VISITORS {
        let shop = shop.clone();
        visitors.spawn(async move {
            let link = loop {
                match shop.links().get_or_create(draft("ada", &(racer % 3).to_string())).await {
                    Ok(existing) => break existing.link,
                    Err(error) => assert!(error.is_retryable(), "{error:?}"),
                }
            };
            let browser = visit(visitor(racer as u128));
            loop {
                match shop.land(link.code.as_str(), &browser).await.touch.outcome {
                    TouchOutcome::Recorded(_) => break,
                    TouchOutcome::Failed(error) => assert!(error.is_retryable(), "{error:?}"),
                    // That it is not there was read before it was made.
                    TouchOutcome::Dead(DeadCode::Unknown) => {}
                    other => panic!("a click on a link that works: {other:?}"),
                }
            }
        });
    }
    visitors.join_all().await;
    assert!(store.failed());
    store.heal();
    let links = shop.links().of_owner(&user("ada"), &PageRequest::first(50)).await.unwrap().items;
    assert_eq!(links.len(), 3, "each link is made once");
    for link in links {
        let of_link = ResponseFilter::of_link(link.id);
        let responses = shop.responses().list(&of_link, &PageRequest::first(50)).await.unwrap().items;
        let counted = responses.into_iter().filter(|row| row.counted).count();
        assert_eq!((counted, shop.responses().count(link.id).await.unwrap()), (VISITORS / 3, 16), "{link:?}");
        assert!(shop.land(link.code.as_str(), &get("/r/x")).await.touch.response().is_some());
    }
}

fn shop(store: &Arc<Failing>) -> Referrals {
    Referrals::builder(store.clone(), KeyRing::generate().unwrap(), "https://shop.example")
        .with_clock(ManualClock::at(NOW))
        .with_ids(SequentialIds::default())
        .with_cache(None)
        .build()
        .unwrap()
}

fn draft(owner: &'static str, label: &str) -> LinkDraft {
    LinkDraft::to("/products/7").unwrap().with_owner(user(owner)).with_label(label.to_owned()).unwrap()
}

fn code(text: &str) -> Code {
    Code::new(text.to_owned()).unwrap()
}

fn visitor(number: u128) -> VisitorId {
    VisitorId::from_uuid(Uuid::from_u128(number))
}

/// A page that this browser asks for; the shop knows it, and nothing that it did.
fn visit(visitor: VisitorId) -> Visit {
    get("/").with_token(Token::new(visitor, NOW, Duration::from_hours(24)))
}

fn signed_in(name: &'static str) -> Visit {
    get("/").with_user(user(name))
}
