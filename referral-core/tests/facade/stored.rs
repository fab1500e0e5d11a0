//! Promises about what of a visit is stored.

use crate::world::{World, draft, get, user};
use referral_core::visit::{Keep, SignedIn, VisitStorage};
use referral_core::{Action, Response, Timestamp, Visit};

async fn stored(storage: VisitStorage, visit: Visit) -> Response {
    let world = World::with(|builder| builder.with_storage(storage));
    let link = world.link().await;
    world.referrals.land(link.code.as_str(), &visit).await.touch.response().unwrap().clone()
}

fn visit() -> Visit {
    get("/products/7?token=secret&utm_source=mail&sub1=a%20b#top")
        .with_referrer("https://user:pass@blog.example/post?session=secret#part")
        .with_agent("Mozilla/5.0 (X11; Linux x86_64; rv:140.1) Chrome/156.0.8078.73 Safari/537.36")
}

#[tokio::test]
async fn by_default_no_query_and_no_password_is_stored() {
    let response = stored(VisitStorage::default(), visit()).await;
    assert_eq!(response.landing.unwrap().as_str(), "/products/7");
    assert_eq!(response.referrer.unwrap().as_str(), "https://blog.example/post");
    assert!(response.agent.unwrap().as_str().ends_with("Chrome/156.0.8078.73 Safari/537.36"));
    let tags = response.tags.unwrap();
    assert_eq!(tags.iter().collect::<Vec<_>>(), [("sub1", "a b"), ("utm_source", "mail")]);
}

#[tokio::test]
async fn each_field_can_be_kept_whole_cut_or_not_at_all() {
    let whole = VisitStorage::default().with_landing(Keep::Whole).with_referrer(Keep::Whole);
    let response = stored(whole.with_agent(Keep::Cut), visit()).await;
    assert_eq!(response.landing.unwrap().as_str(), visit().url);
    assert_eq!(response.referrer.map(|r| r.as_str().to_owned()), visit().referrer);
    assert_eq!(
        response.agent.unwrap().as_str(),
        "Mozilla/5 (X11; Linux x86_64; rv:140) Chrome/156 Safari/537"
    );
    let nothing = VisitStorage::default()
        .with_landing(Keep::Nothing)
        .with_referrer(Keep::Nothing)
        .with_agent(Keep::Nothing);
    let response = stored(nothing.with_tags(["x"; 0]), visit()).await;
    assert_eq!(
        (response.landing, response.referrer, response.agent, response.tags),
        (None, None, None, None)
    );
}

#[tokio::test]
async fn a_referrer_that_is_no_url_is_cut_to_nothing() {
    for nonsense in ["", "about:blank", "/path", "android-app", "data:text/plain,x", "\u{0}"] {
        let response = stored(VisitStorage::default(), get("/r/x").with_referrer(nonsense)).await;
        assert_eq!(response.referrer, None, "{nonsense:?}");
    }
}

#[tokio::test]
async fn when_the_account_was_made_is_stored_at_the_touch_and_at_the_claim() {
    let world = World::new();
    let link = world.link().await;
    let since = Timestamp::from_millis(1_700_000_000_000);
    let signed_in = get("/r/x").with_user(user("bob")).with_user_since(since);
    let touch = world.referrals.land(link.code.as_str(), &signed_in).await.touch;
    assert_eq!(touch.response().unwrap().account_at, Some(since));

    let (_, token) = world.arrive(&link).await;
    let claimed =
        world.referrals.identify(token.visitor, SignedIn::since(user("eve"), since)).await.unwrap().claimed;
    assert_eq!(claimed[0].account_at, Some(since));
    let read = world.referrals.responses().get(claimed[0].id).await.unwrap().unwrap();
    assert_eq!(read, claimed[0], "what identify says is what is stored");
}

#[tokio::test]
async fn a_click_costs_at_most_six_tallies() {
    use referral_core::store::{CounterPrefix, CounterRange, Family, Read as _};
    let world = World::new();
    let link = world.link().await;
    world.arrive(&link).await;
    let mut rows = 0;
    for family in Family::ALL {
        let prefix = CounterPrefix { tenant: link.tenant.clone(), family: *family, parts: Vec::new() };
        rows += world.store.counters(&prefix, &CounterRange::first(100)).await.unwrap().len();
    }
    assert_eq!(rows, 6);
}

#[tokio::test]
async fn new_visitors_are_counted_beside_the_responses_at_every_level() {
    let world = World::with(|builder| builder.with_owner_days(true));
    let (one, two) = (world.link().await, world.referrals.links().create(draft("/b", "ada")).await.unwrap());
    let (_, token) = world.arrive(&one).await;
    world.arrive_again(&two, Some(token)).await;
    world.arrive(&two).await;
    world.referrals.land(one.code.as_str(), &get("/r/x").with_user(user("eve"))).await;
    world.referrals.land(one.code.as_str(), &get("/r/x").with_user(user("ada"))).await;

    let (start, end) = (Timestamp::from_millis(0), Timestamp::from_millis(i64::MAX));
    let responses = world.referrals.responses();
    let clicks = Action::RESPONDED;
    let shown =
        |numbers: referral_core::visit::Numbers| (numbers.counted, numbers.flagged, numbers.new_visitors);
    assert_eq!(shown(responses.statistics(one.id).await.unwrap().of(&clicks)), (2, 1, 1));
    assert_eq!(shown(responses.statistics(two.id).await.unwrap().of(&clicks)), (2, 0, 1));
    assert_eq!(shown(responses.statistics_of(&[one.id, two.id]).await.unwrap().of(&clicks)), (4, 1, 2));
    let hours = responses.by_hour(one.id, &clicks, start, end).await.unwrap();
    assert_eq!(hours.into_values().map(shown).collect::<Vec<_>>(), [(2, 1, 1)]);
    let days = responses.by_day(&clicks, start, end).await.unwrap();
    assert_eq!(
        days.into_iter().map(|(day, n)| (day, shown(n))).collect::<Vec<_>>(),
        [(world.referrals.clock().now().day(), (4, 1, 2))]
    );
    let owner = responses.by_day_of_owner(&user("ada"), &clicks, start, end).await.unwrap();
    assert_eq!(owner.into_values().map(shown).collect::<Vec<_>>(), [(4, 1, 2)]);
}

#[tokio::test]
async fn more_than_a_page_of_hours_is_read_to_the_end() {
    use std::time::Duration;
    let world = World::new();
    let link = world.link().await;
    for _ in 0..1_005 {
        world.arrive(&link).await;
        world.clock.advance(Duration::from_hours(1));
    }
    let (start, end) = (Timestamp::from_millis(0), Timestamp::from_millis(i64::MAX));
    let hours = world.referrals.responses().by_hour(link.id, &Action::RESPONDED, start, end).await.unwrap();
    assert_eq!(hours.len(), 1_005);
}
