//! Core's `Referrals` keeps its promises over the store, with and without group commit, under many callers at once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use referral_core::CodeGenerator;
use referral_core::link::{DeadCode, LinkRefusal};
use referral_core::source::ManualClock;
use referral_core::store::Store;
use referral_core::store::{Kind, Record};
use referral_core::visit::ResponseFilter;
use referral_core::visit::TouchOutcome;
use referral_core::{Action, Alias, Link, LinkDraft, LinkId, Metadata, Referrals, Response, Status, Tenant};
use referral_core::{Builder, Error, LinkEdit, Site};

use crate::cx::Cx;
use crate::make::{tenant, user, visitor};
use crate::race::race;
use crate::samples::NOW;
use crate::shop::{
    Round, arrive, at_once, both, code, draft, get, links_of, responses, responses_of, rounds, shop,
    signed_in, visit,
};

/// Every code of the tenant without a name, and the link that it leads to.
async fn codes(cx: &Cx) -> BTreeMap<String, LinkId> {
    let aliases = cx.stored(Kind::Alias).await.into_iter().filter_map(|record| Alias::try_from(record).ok());
    let own = aliases.filter(|alias| alias.tenant == Tenant::default());
    own.map(|alias| (alias.code.as_str().to_owned(), alias.link)).collect()
}

/// Many callers ask for the same owner, label, destination and target. One call makes the link with one code, and
/// all of them get it.
pub async fn a_link_asked_for_by_many_at_once_is_made_once(cx: Cx) {
    for round in rounds(&cx, |builder| builder) {
        let wanted = draft("ada", &round.number.to_string());
        let found = at_once(&round, |shop, _| {
            let wanted = wanted.clone();
            async move { shop.links().get_or_create(wanted).await.expect("everybody gets the link") }
        })
        .await;
        let ids: BTreeSet<LinkId> = found.iter().map(|existing| existing.link.id).collect();
        assert_eq!(ids.len(), 1, "all get the same link");
        assert_eq!(found.iter().filter(|existing| existing.created).count(), 1, "one call made it");
        assert_eq!(links_of(&round.shop, &user("ada")).await.len(), round.number + 1);
        assert_eq!(codes(&cx).await.len(), round.number + 1, "and no code is left over");
    }
}

/// One caller gets the code. The others are told that it is taken, and nothing of their links is stored.
pub async fn a_code_chosen_by_many_at_once_makes_one_link(cx: Cx) {
    let spellings = ["Summer-01l", "summer-01l", "SUMMER-OIL", "summer-o1i"];
    for round in rounds(&cx, |builder| builder) {
        let number = round.number;
        let made = at_once(&round, |shop, racer| async move {
            let spelling = format!("{}-{number}", spellings[racer % spellings.len()]);
            match shop.links().create(draft("ada", "summer").with_code(code(&spelling))).await {
                Ok(link) => Some(link),
                Err(error) if taken(&error) == Some(&spelling) => None,
                Err(other) => panic!("a code that is taken is said to be so: {other:?}"),
            }
        })
        .await;
        let made: Vec<Link> = made.into_iter().flatten().collect();
        assert_eq!(made.len(), 1, "one link is made");
        assert_eq!(links_of(&round.shop, &user("ada")).await.len(), number + 1);
        assert_eq!(codes(&cx).await.get(made[0].code.as_str()), Some(&made[0].id));
    }
}

/// Many callers draw from eight codes. Each code leads to one link, nobody asks for ever, and callers who find none
/// left are told so.
pub async fn generated_codes_never_meet_and_run_out_as_a_typed_error(cx: Cx) {
    const CODES: usize = 8;
    let asked = Arc::new(AtomicUsize::new(0));
    let few = |builder: Builder<Arc<dyn Store>>| {
        builder.with_attempts(CODES as u32).with_codes(two_letters(asked.clone()))
    };
    for round in rounds(&cx, few) {
        asked.store(0, Ordering::SeqCst);
        let number = round.number;
        let made = at_once(&round, |shop, racer| async move {
            match shop.links().create(draft("ada", &format!("{number}-{racer}"))).await {
                Ok(link) => Some(link),
                Err(error) if exhausted_after(&error) == Some(CODES) => None,
                Err(other) => panic!("codes that are all taken are said to be so: {other:?}"),
            }
        })
        .await;
        let made: Vec<Link> = made.into_iter().flatten().collect();
        assert_eq!(made.len(), CODES, "every code makes one link");
        let distinct: BTreeSet<&str> = made.iter().map(|link| link.code.as_str()).collect();
        assert_eq!(distinct.len(), CODES, "no two links have one code");
        assert_eq!(codes(&cx).await.len(), CODES * (number + 1), "and no code leads anywhere else");
        let links = links_of(&round.shop, &user("ada")).await;
        assert_eq!(links.len(), CODES * (number + 1), "and no link has none");
        assert!(asked.load(Ordering::SeqCst) <= round.racers * CODES, "nobody asks for ever");
    }
}

/// Codes of three letters out of two, for each round and from another one on for each racer, whom the label names.
fn two_letters(asked: Arc<AtomicUsize>) -> impl CodeGenerator {
    move |draft: &LinkDraft, attempt: u32| {
        asked.fetch_add(1, Ordering::SeqCst);
        let (round, racer) = draft.label.as_str().split_once('-').unwrap();
        let number = racer.parse::<u32>().unwrap() + attempt;
        let letters: String = (0..3).map(|bit| if number >> bit & 1 == 0 { 'a' } else { 'b' }).collect();
        Ok(code(&format!("{letters}-{round}")))
    }
}

/// The code leads to one of the links, and the others keep the code that they had.
pub async fn a_code_given_to_many_links_at_once_leads_to_one(cx: Cx) {
    for round in rounds(&cx, |builder| builder) {
        let shop = &round.shop;
        let mut links = Vec::new();
        for i in 0..8 {
            links.push(shop.links().create(draft("ada", &i.to_string())).await.unwrap());
        }
        let wanted = format!("crown-{}", round.number);
        let won = at_once(&round, |shop, racer| {
            let (link, wanted) = (links[racer % 8].clone(), code(&wanted));
            async move {
                match shop.links().add_code(link.id, wanted.clone()).await {
                    Ok(link) => {
                        assert_eq!(link.code, wanted);
                        Some(link.id)
                    }
                    Err(error) if taken(&error).is_some() => None,
                    Err(other) => panic!("a code that is taken is said to be so: {other:?}"),
                }
            }
        })
        .await;
        let winners: BTreeSet<LinkId> = won.iter().flatten().copied().collect();
        assert_eq!(winners.len(), 1, "one link has the code");
        for link in links {
            let now = shop.links().get(link.id).await.unwrap().unwrap();
            let (has, version) = if winners.contains(&link.id) { (code(&wanted), 2) } else { (link.code, 1) };
            assert_eq!((now.code, now.version.get()), (has, version), "{}", link.id);
        }
        let leads = shop.links().by_code(&code(&wanted)).await.unwrap().map(|link| link.id);
        assert_eq!(leads, winners.first().copied());
    }
}

/// What one visitor did through three links.
async fn touched(shop: &Referrals, number: u128) -> Vec<Response> {
    let mut made = Vec::new();
    for name in ["one", "two", "three"] {
        let link = shop.links().get_or_create(draft("ada", name)).await.unwrap().link;
        for action in ["READ", "LIKED", "SHARED", "ORDERED"] {
            let action = Action::new(action).unwrap();
            made.push(shop.respond(link.id, &visit(visitor(number)), action, None).await.unwrap());
        }
    }
    made
}

/// Each response of the visitor is in exactly one of the answers, and belongs to the user.
pub async fn responses_are_claimed_once_by_many_logins_of_one_user(cx: Cx) {
    for round in rounds(&cx, |builder| builder) {
        let (shop, number) = (&round.shop, round.number as u128);
        let made = touched(shop, number).await;
        let claimed = at_once(&round, |shop, _| async move {
            shop.identify(visitor(number), user("ada")).await.expect("a login does not fail").claimed
        })
        .await;
        let mut claimed: Vec<_> = claimed.into_iter().flatten().map(|response| response.id).collect();
        claimed.sort();
        let mut expected: Vec<_> = made.iter().map(|response| response.id).collect();
        expected.sort();
        assert_eq!(claimed, expected, "each once");
        for response in made {
            let Some(Record::Response(now)) = cx.get(response.id).await else { panic!("a response is gone") };
            assert_eq!((now.user, now.version.get()), (Some(user("ada")), 2));
        }
        assert!(responses(shop, &ResponseFilter::unclaimed_of(visitor(number))).await.unwrap().is_empty());
    }
}

/// Each response goes to one of the two users, in the answers and in the store, and none is left over.
pub async fn responses_claimed_by_two_users_at_once_have_one_of_them(cx: Cx) {
    for round in rounds(&cx, |builder| builder) {
        let number = round.number as u128;
        let made = touched(&round.shop, number).await;
        let claimed = at_once(&round, |shop, racer| async move {
            let name = ["ada", "bob"][racer % 2];
            (name, shop.identify(visitor(number), user(name)).await.expect("a login does not fail").claimed)
        })
        .await;
        let mut owners = BTreeMap::new();
        for (name, claimed) in claimed {
            for response in claimed {
                assert_eq!(response.user, Some(user(name)));
                assert_eq!(owners.insert(response.id, name), None, "a response was given twice");
            }
        }
        assert_eq!(owners.len(), made.len(), "none is left over");
        for response in made {
            let Some(Record::Response(now)) = cx.get(response.id).await else { panic!("a response is gone") };
            assert_eq!(now.user, owners.get(&response.id).map(|name| user(name)));
        }
    }
}

/// As many clicks are recorded as the limit allows. All others are told that the link is used up, and no reader
/// ever sees more.
pub async fn a_click_limit_is_reached_exactly_and_never_passed(cx: Cx) {
    const LIMIT: usize = 10;
    for round in rounds(&cx, |builder| builder) {
        let shop = &round.shop;
        let link = shop.links().create(draft("ada", "limited").with_click_limit(LIMIT as u32)).await.unwrap();
        let over = Arc::new(AtomicBool::new(false));
        let watcher = tokio::spawn({
            let (shop, over, id) = (shop.clone(), over.clone(), link.id);
            async move {
                while !over.load(Ordering::SeqCst) {
                    let counted = shop.responses().count(id).await.unwrap();
                    let rows = responses_of(&shop, id).await.len();
                    assert!(counted <= LIMIT as i64 && rows <= LIMIT, "{counted} counted, {rows} recorded");
                    tokio::task::yield_now().await;
                }
            }
        });
        let outcomes = at_once(&round, |shop, _| {
            let link = link.clone();
            async move { shop.land(link.code.as_str(), &get("/r/x")).await.touch.outcome }
        })
        .await;
        over.store(true, Ordering::SeqCst);
        watcher.await.unwrap();
        let recorded = outcomes.iter().filter(|it| matches!(it, TouchOutcome::Recorded(_))).count();
        let exhausted =
            outcomes.iter().filter(|it| matches!(it, TouchOutcome::Dead(DeadCode::Exhausted))).count();
        assert_eq!((recorded, exhausted), (LIMIT, round.racers - LIMIT), "{outcomes:?}");
        assert_eq!(responses_of(shop, link.id).await.len(), LIMIT);
        assert_eq!(shop.responses().count(link.id).await.unwrap(), LIMIT as i64);
        assert_eq!(
            shop.links().preview(link.code.as_str()).await.unwrap().unwrap().dead,
            Some(DeadCode::Exhausted)
        );
    }
}

/// People and bots use several links in several hours at once. The statistics equal what the pages show.
pub async fn statistics_are_what_the_pages_show(cx: Cx) {
    let clock = Arc::new(ManualClock::at(NOW));
    for round in rounds(&cx, |builder| builder.with_clock(clock.clone())) {
        let mut links = Vec::new();
        for name in ["one", "two", "three"] {
            links.push(round.shop.links().create(draft("ada", name)).await.unwrap());
        }
        at_once(&round, |shop, racer| {
            let (link, clock) = (links[racer % 3].clone(), clock.clone());
            async move {
                arrive(&shop, &link).await;
                clock.advance(Duration::from_mins(7));
                let bot = get("/r/x").with_agent("Googlebot/2.1 (+http://www.google.com/bot.html)");
                shop.land(link.code.as_str(), &bot).await;
                let action = Action::new(["READ", "ORDERED"][racer % 2]).unwrap();
                shop.respond(link.id, &signed_in(&format!("user-{racer}")), action, None).await.unwrap();
            }
        })
        .await;
        for link in links {
            agree(&round.shop, link.id).await;
        }
    }
}

/// The statistics of a link are those of its pages.
async fn agree(shop: &Referrals, link: LinkId) {
    let rows = responses_of(shop, link).await;
    assert_eq!(shop.responses().count(link).await.unwrap(), clicks(&rows), "the counted clicks");
    let mut shown = BTreeMap::<_, (i64, i64)>::new();
    for row in &rows {
        let number = shown.entry(row.action.clone()).or_default();
        if row.counted { number.0 += 1 } else { number.1 += 1 }
    }
    let told = shop.responses().statistics(link).await.unwrap().actions;
    let told: BTreeMap<_, _> =
        told.into_iter().map(|(action, numbers)| (action, (numbers.counted, numbers.flagged))).collect();
    assert_eq!(told, shown, "by action, counted and flagged");
    let (from, until) = (NOW.hour(), NOW.saturating_add(Duration::from_hours(999)));
    let hours = shop.responses().by_hour(link, &Action::RESPONDED, from, until).await.unwrap();
    let hours = hours.into_iter().map(|(hour, numbers)| (hour, numbers.counted));
    let hours: BTreeMap<_, _> = hours.filter(|(_, counted)| *counted != 0).collect();
    let mut shown = BTreeMap::new();
    for row in rows.iter().filter(|row| row.counted && row.action == Action::RESPONDED) {
        *shown.entry(row.created_at.hour()).or_insert(0) += 1;
    }
    assert_eq!(hours, shown, "by hour");
}

/// The code that an error says is taken.
fn taken(error: &Error) -> Option<&str> {
    match error.detail() {
        Some(LinkRefusal::CodeTaken { code }) => Some(code.as_str()),
        _ => None,
    }
}

/// How many generated codes an error says were all taken.
fn exhausted_after(error: &Error) -> Option<usize> {
    match error.detail() {
        Some(LinkRefusal::CodesExhausted { attempts }) => usize::try_from(*attempts).ok(),
        _ => None,
    }
}

fn clicks(rows: &[Response]) -> i64 {
    rows.iter().filter(|row| row.counted && row.action == Action::RESPONDED).count() as i64
}

/// Each of several edits at once changes what it names. No edit is lost and none is made twice.
pub async fn edits_made_at_once_are_all_applied(cx: Cx) {
    for Round { shop, .. } in rounds(&cx, |builder| builder.with_attempts(100)) {
        let link = shop.links().create(draft("ada", "before")).await.unwrap();
        race(6, |racer| {
            let (shop, id) = (shop.clone(), link.id);
            async move {
                let edit = LinkEdit::default();
                let edit = match racer {
                    0 => edit.with_owner(Some(user("bob"))),
                    1 => edit.with_label("after".try_into().unwrap()),
                    2 => edit.with_destination("/elsewhere".try_into().unwrap()),
                    3 => edit.with_expiry(Some(NOW.saturating_add(Duration::from_hours(1)))),
                    4 => edit.with_metadata(Metadata::new([("k", "v")]).unwrap()),
                    _ => return shop.links().disable(id).await.expect("a link that others edit is disabled"),
                };
                shop.links().edit(id, edit).await.expect("an edit waits for the others")
            }
        })
        .await;
        let now = shop.links().get(link.id).await.unwrap().unwrap();
        assert_eq!((now.owner, now.label.as_str()), (Some(user("bob")), "after"));
        assert_eq!((now.destination.as_str(), now.status), ("/elsewhere", Status::Disabled));
        assert_eq!(now.expires_at, Some(NOW.saturating_add(Duration::from_hours(1))));
        assert_eq!((now.metadata.get("k"), now.version.get()), (Some("v"), 7));
    }
}

/// A link is disabled while others click. A click that begins after the answer is told so, and is not recorded.
pub async fn a_disabled_link_records_no_click_that_begins_later(cx: Cx) {
    for shop in both(&cx) {
        let link = shop.links().create(draft("ada", "short-lived")).await.unwrap();
        let disabled = Arc::new(AtomicBool::new(false));
        race(16, |racer| {
            let (shop, link, disabled) = (shop.clone(), link.clone(), disabled.clone());
            async move {
                if racer == 0 {
                    arrive(&shop, &link).await;
                    shop.links().disable(link.id).await.unwrap();
                    disabled.store(true, Ordering::SeqCst);
                    return;
                }
                loop {
                    let late = disabled.load(Ordering::SeqCst);
                    let landing = shop.land(link.code.as_str(), &get("/r/x")).await;
                    match landing.touch.outcome {
                        TouchOutcome::Recorded(_) if !late => {}
                        TouchOutcome::Dead(DeadCode::Disabled) => return,
                        other => panic!("a link that is {} says {other:?}", if late { "off" } else { "on" }),
                    }
                    tokio::task::yield_now().await;
                }
            }
        })
        .await;
        let rows = responses_of(&shop, link.id).await.len() as i64;
        assert_eq!(shop.responses().count(link.id).await.unwrap(), rows);
        shop.land(link.code.as_str(), &get("/r/x")).await;
        assert_eq!(responses_of(&shop, link.id).await.len() as i64, rows, "nothing is recorded later");
    }
}

fn site_of(name: &str) -> Site {
    Site::new("https://shop.example").expect("a public URL").with_tenant(tenant(name))
}

/// Tenants share a code, an owner and a user. Each has its own links, clicks and claims.
pub async fn tenants_have_codes_and_numbers_of_their_own(cx: Cx) {
    let shop = shop(&cx).build().unwrap();
    let tenants: Vec<_> = ["", "a", "A", "a "].iter().map(|name| shop.for_site(&site_of(name))).collect();
    let mut links = Vec::new();
    for shop in &tenants {
        links.push(shop.links().create(draft("ada", "same").with_code(code("same"))).await.unwrap());
    }
    // The first tenant gets one click, the second two, and so on.
    race(tenants.len(), |racer| {
        let (shop, link) = (tenants[racer].clone(), links[racer].clone());
        async move {
            for _ in 0..=racer {
                let landing = shop.land("same", &get("/r/same").with_token(token(racer))).await;
                assert_eq!(landing.touch.response().map(|response| response.link), Some(link.id));
            }
        }
    })
    .await;
    for (number, (shop, link)) in tenants.iter().zip(&links).enumerate() {
        let rows = responses(shop, &ResponseFilter::of_owner(user("ada"))).await.unwrap();
        assert_eq!(rows.len(), number + 1);
        assert_eq!(shop.responses().count(link.id).await.unwrap(), clicks(&rows));
        for other in links.iter().filter(|other| other.id != link.id) {
            assert_eq!(
                shop.links().get(other.id).await.unwrap(),
                None,
                "a link of another tenant is no link"
            );
        }
        let claimed = shop.identify(visitor(number as u128), user("ada")).await.unwrap().claimed;
        assert_eq!(claimed.len(), number + 1, "what this tenant's visitor did");
    }
}

fn token(number: usize) -> referral_core::token::Token {
    visit(visitor(number as u128)).token.unwrap()
}
