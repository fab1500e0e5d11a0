//! The database fails at the n-th call, for every n: what a verb of the facade then answers is true, and a host that
//! tries again gets what it would have got.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use referral_core::link::DeadCode;
use referral_core::store::{
    CounterPrefix, CounterRange, Family, Kind, MAX_PAGE, Store, StoreError, StoreErrorKind,
};
use referral_core::visit::TouchOutcome;
use referral_core::{Action, Alias, Error, Link, LinkEdit, LinkId, Metadata, Referrals, Response, Tenant};

use crate::cx::Cx;
use crate::failing::{FailingStore, Failure};
use crate::make::{tenant, user, visitor};
use crate::race::race;
use crate::samples::NOW;
use crate::shop::{code, draft, get, links_of, responses_of, shop_over, signed_in, visit};

/// The steps of a story that are told one after another.
const STEPS: usize = 10;

/// The steps that a browser makes once; the rest may be made again at any time and then changes nothing.
const CLICKS: [usize; 2] = [4, 5];

/// A story in a tenant of its own, over a store that fails when it is told to.
struct Story {
    cx: Cx,
    store: Arc<FailingStore<Arc<dyn Store>>>,
    shop: Referrals,
    tenant: Tenant,
    /// The first link, when it is made.
    one: Mutex<Option<LinkId>>,
}

impl Story {
    fn begin(cx: &Cx, name: &str) -> Self {
        let store = Arc::new(FailingStore::new(cx.store()));
        let tenant = tenant(name);
        let shop = shop_over(cx, store.clone()).with_tenant(tenant.clone()).build().unwrap();
        Self { cx: cx.clone(), store, shop, tenant, one: Mutex::default() }
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
        let own = async |kind| {
            let mut stored = self.cx.stored(kind).await;
            stored.retain(|record| *record.tenant() == self.tenant);
            stored
        };
        let links = own(Kind::Link).await;
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
        for alias in own(Kind::Alias).await.into_iter().filter_map(|record| Alias::try_from(record).ok()) {
            // The first one is generated, and another one each time.
            let chosen = ["two", "summer"].contains(&alias.code.as_str());
            let code = if chosen { alias.code.as_str() } else { "generated" };
            lines.push(format!("code {code} of {}", name(&alias.link.to_string())));
        }
        let responses = own(Kind::Response).await.into_iter();
        for response in responses.filter_map(|record| Response::try_from(record).ok()) {
            if response.counted {
                let link = name(&response.link.to_string());
                lines.push(format!("response {} of {link} by {:?}", response.action, response.user));
            }
        }
        for family in [Family::LinkUses, Family::Responses, Family::ResponsesByHour] {
            let prefix = CounterPrefix { tenant: self.tenant.clone(), family, parts: Vec::new() };
            for (key, value) in self.cx.numbers(&prefix, &CounterRange::first(MAX_PAGE)).await {
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
async fn without_failures(cx: &Cx, name: &str) -> Vec<State> {
    let story = Story::begin(cx, name);
    let mut states = vec![story.state().await];
    for step in 0..STEPS {
        story.step(step).await.expect("nothing fails");
        states.push(story.state().await);
    }
    states
}

/// Tells the story with this failure at the first call, at the second one, and so on until it has no such call any
/// more. After a step that failed `holds` says, of its number and error, whether nothing may have been stored.
async fn at_every_call(cx: &Cx, failure: Failure, must_fail: bool, holds: fn(usize, &Error) -> bool) {
    let states = without_failures(cx, &format!("without {failure:?}")).await;
    for nth in 1.. {
        let what = format!("{failure:?} at {nth}");
        let story = Story::begin(cx, &format!("{failure:?}-{nth}"));
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
        for step in (0..STEPS).filter(|step| failure != Failure::ReadFailed && !CLICKS.contains(step)) {
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
pub async fn a_refused_commit_stores_nothing(cx: Cx) {
    at_every_call(&cx, Failure::Refused(StoreErrorKind::Unavailable), true, |_, error| {
        assert!(error.is_unavailable());
        true
    })
    .await;
}

/// The answer to a commit is lost. The verb finds out whether it was applied, and its effect is there once.
pub async fn a_lost_answer_is_found_out(cx: Cx) {
    at_every_call(&cx, Failure::AnswerLost, false, |step, error| panic!("step {step} failed: {error:?}"))
        .await;
    at_every_call(&cx, Failure::CommitLost, false, |step, error| panic!("step {step} failed: {error:?}"))
        .await;
}

/// The server restarts when the commit is done. No verb then says that nothing was stored, and none is applied
/// twice.
pub async fn an_answer_that_stays_lost_is_said_to_be_unknown(cx: Cx) {
    at_every_call(&cx, Failure::Restart { calls: 2 }, true, |step, error| {
        assert!(is(error, StoreErrorKind::UnknownOutcome), "step {step} was done, and says {error:?}");
        false
    })
    .await;
}

/// A verb that cannot read fails, and has stored nothing by then.
pub async fn a_failed_read_stores_nothing(cx: Cx) {
    at_every_call(&cx, Failure::ReadFailed, true, |step, error| {
        assert!(error.is_unavailable());
        step != IDENTIFY
    })
    .await;
}

/// Commits and reads fail now and then while many visitors click and try again until it works. Each visitor is
/// counted once.
pub async fn visitors_who_try_again_are_counted_once(cx: Cx) {
    const VISITORS: usize = 48;
    let store = Arc::new(FailingStore::new(cx.store()));
    let shop = shop_over(&cx, store.clone()).build().unwrap();
    store.fail_every(3, Failure::AnswerLost);
    store.fail_every(4, Failure::CommitLost);
    store.fail_every(5, Failure::Refused(StoreErrorKind::Contended));
    store.fail_every(7, Failure::ReadFailed);
    race(VISITORS, |racer| {
        let shop = shop.clone();
        async move {
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
        }
    })
    .await;
    assert!(store.failed());
    store.heal();
    let links = links_of(&shop, &user("ada")).await;
    assert_eq!(links.len(), 3, "each link is made once");
    for link in links {
        let counted = responses_of(&shop, link.id).await.into_iter().filter(|row| row.counted).count();
        assert_eq!((counted, shop.responses().count(link.id).await.unwrap()), (VISITORS / 3, 16), "{link:?}");
        assert!(shop.land(link.code.as_str(), &get("/r/x")).await.touch.response().is_some());
    }
}
