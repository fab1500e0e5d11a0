//! Promises about requests that a host sends twice.

use std::sync::Arc;

use crate::world::{World, detail, get, issued, user};
use referral_core::visit::{TokenChange, TouchOutcome, VisitRefusal};
use referral_core::{Action, RequestId, Target, Visit};

fn request(name: &'static str) -> RequestId {
    RequestId::new(name).unwrap()
}

fn ordered() -> Action {
    Action::new("ORDERED").unwrap()
}

async fn bob(world: &World) -> Visit {
    let link = world.link().await;
    let (_, token) = world.arrive(&link).await;
    world.referrals.identify(token.visitor, &user("bob")).await.unwrap();
    Visit::default().with_user(user("bob"))
}

#[tokio::test]
async fn the_same_request_made_again_gets_the_first_answer_and_counts_once() {
    let world = World::new();
    let bob = bob(&world).await.with_request(request("order 7 placed"));
    let first = world.referrals.record(&bob, ordered(), None).await.unwrap().unwrap();
    world.heard.take();
    let again = world.referrals.record(&bob, ordered(), None).await.unwrap().unwrap();
    assert_eq!(again, first);
    assert_eq!(world.heard.take(), [""; 0], "no hook runs twice");
    let statistics = world.referrals.responses().statistics(first.link).await.unwrap();
    assert_eq!(statistics.of(&ordered()).counted, 1);
}

#[tokio::test]
async fn another_request_and_another_verb_are_done_by_themselves() {
    let world = World::new();
    let bob = bob(&world).await;
    let seven = bob.clone().with_request(request("7"));
    let first = world.referrals.record(&seven, ordered(), None).await.unwrap().unwrap();
    let second = world.referrals.respond(first.link, &seven, ordered(), None).await.unwrap();
    let third =
        world.referrals.record(&bob.with_request(request("8")), ordered(), None).await.unwrap().unwrap();
    assert_eq!(world.referrals.responses().statistics(first.link).await.unwrap().of(&ordered()).counted, 3);
    assert!(first.id != second.id && second.id != third.id);
    let again = world.referrals.respond(first.link, &seven, ordered(), None).await.unwrap();
    assert_eq!(again, second);
}

#[tokio::test]
async fn another_site_may_use_the_same_request() {
    use referral_core::{Site, Tenant};
    let world = World::new();
    let site = Site::new("https://other.example").unwrap().with_tenant(Tenant::new("other").unwrap());
    let other = world.referrals.for_site(&site);
    let link = other.links().create(crate::world::draft("/", "ada")).await.unwrap();
    let bob = bob(&world).await.with_request(request("7"));
    let here = world.referrals.record(&bob, ordered(), None).await.unwrap().unwrap();
    let there = other.respond(link.id, &bob, ordered(), None).await.unwrap();
    assert_ne!(here.tenant, there.tenant);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_request_made_by_many_at_once_is_done_once() {
    let world = World::new();
    let bob = Arc::new(bob(&world).await.with_request(request("7")));
    let tries: Vec<_> = (0..64)
        .map(|_| {
            let (referrals, bob) = (world.referrals.clone(), Arc::clone(&bob));
            tokio::spawn(async move { referrals.record(&bob, ordered(), None).await.unwrap().unwrap() })
        })
        .collect();
    let mut answers = Vec::new();
    for one in tries {
        answers.push(one.await.unwrap());
    }
    assert!(answers.iter().all(|answer| answer == &answers[0]));
    assert_eq!(
        world.referrals.responses().statistics(answers[0].link).await.unwrap().of(&ordered()).counted,
        1
    );
}

#[tokio::test]
async fn a_code_entered_again_gives_the_same_touch_and_no_second_token() {
    let world = World::new();
    let link = world.link().await;
    let visit = get("/signup").with_request(request("sign-up form 12"));
    let first = world.referrals.enter_code(&visit, link.code.as_str()).await.unwrap();
    let again = world.referrals.enter_code(&visit, link.code.as_str()).await.unwrap();
    let TouchOutcome::Recorded(response) = &again.outcome else { panic!("{again:?}") };
    assert_eq!(Some(response.as_ref()), first.response());
    assert!(response.counted, "made again is no repeat");
    assert_eq!(again.token, TokenChange::Keep, "who gives the name again may be somebody else");
    assert_eq!(world.referrals.responses().count(link.id).await.unwrap(), 1);
}

#[tokio::test]
async fn a_request_that_recorded_nothing_may_record_later() {
    let world = World::new();
    let bob = Visit::default().with_user(user("bob")).with_request(request("7"));
    assert_eq!(world.referrals.record(&bob, ordered(), None).await.unwrap(), None);
    let link = world.link().await;
    world.referrals.land(link.code.as_str(), &get("/r/x").with_user(user("bob"))).await;
    assert!(world.referrals.record(&bob, ordered(), None).await.unwrap().is_some());
}

#[tokio::test]
async fn a_request_used_again_for_something_or_somebody_else_is_refused() {
    let world = World::new();
    let bob = bob(&world).await.with_request(request("7"));
    let first = world.referrals.record(&bob, ordered(), None).await.unwrap().unwrap();
    let reused = VisitRefusal::RequestReused { request: request("7"), response: first.id };

    let cancelled = Action::new("CANCELLED").unwrap();
    let other_action = world.referrals.record(&bob, cancelled, None).await;
    assert_eq!(detail(&other_action), Some(&reused));
    let target = Target::new("product", "9").unwrap();
    assert_eq!(detail(&world.referrals.record(&bob, ordered(), Some(target)).await), Some(&reused));

    let other = world.link().await;
    world.referrals.land(other.code.as_str(), &get("/r/x").with_user(user("eve"))).await;
    let eve = Visit::default().with_user(user("eve")).with_request(request("7"));
    assert_eq!(detail(&world.referrals.record(&eve, ordered(), None).await), Some(&reused));
    assert_eq!(world.referrals.responses().statistics(first.link).await.unwrap().of(&ordered()).counted, 1);
}

#[tokio::test]
async fn a_code_entered_under_a_used_name_never_makes_one_visitor_another() {
    let world = World::new();
    let link = world.link().await;
    let form = get("/signup").with_request(request("sign-up"));
    let first = world.referrals.enter_code(&form, link.code.as_str()).await.unwrap();
    let visitor = issued(&first).unwrap().visitor;

    let (_, token) = world.arrive(&link).await;
    let known = form.clone().with_token(token);
    let somebody = world.referrals.enter_code(&known, link.code.as_str()).await;
    assert!(matches!(detail(&somebody), Some(VisitRefusal::RequestReused { .. })));
    let other = world.link().await;
    let elsewhere = world.referrals.enter_code(&form, other.code.as_str()).await;
    assert!(matches!(detail(&elsewhere), Some(VisitRefusal::RequestReused { .. })));

    world.referrals.identify(visitor, &user("bob")).await.unwrap();
    let late = world.referrals.enter_code(&form, link.code.as_str()).await.unwrap();
    assert_eq!(late.token, TokenChange::Keep, "no browser becomes another one");
}
