//! Promises about session jumping.

use std::collections::HashSet;

use referral_core::memory::MemoryStore;
use referral_core::store::{Change, Changeset, Outcome, Read, Store, StoreError, StoreErrorKind, StoreFacts};
use referral_core::visit::{ResponseFilter, SignedIn, TouchOutcome, VisitRefusal};
use referral_core::{
    Action, Guard, KeyRing, PageRequest, Referrals, Refused, UserId, Verdict, VisitorId, async_trait,
};

use crate::world::{HOUR, World, detail, draft, get, issued, user};

/// PB16, RB2, RB3: only the newest touch, or only those of one link, were linked at sign-in.
#[tokio::test]
async fn pb16_rb2_rb3_all_touches_of_a_visitor_through_all_links_are_claimed_once() {
    let world = World::new();
    let (a, b) = (world.link().await, world.link().await);
    let (_, token) = world.arrive(&a).await;
    let (_, token) = world.arrive_again(&b, Some(token)).await;
    let viewed = Action::new("VIEWED").unwrap();
    world.referrals.record(&get("/").with_token(token), viewed, None).await.unwrap().unwrap();
    world.heard.take();
    let done = world.referrals.identify(token.visitor, &user("bob")).await.unwrap();
    assert_eq!(done.claimed.len(), 3);
    assert!(done.claimed.iter().all(|r| r.user == Some(user("bob")) && r.claimed_at.is_some()));
    let heard = world.heard.take();
    assert_eq!(heard.iter().collect::<HashSet<_>>().len(), 3, "each hook once: {heard:?}");
    let again = world.referrals.identify(token.visitor, &user("bob")).await.unwrap();
    assert!(again.claimed.is_empty() && world.heard.take().is_empty());
    let filter = ResponseFilter::of_user(user("bob"));
    let page = world.referrals.responses().list(&filter, &PageRequest::default()).await.unwrap();
    assert_eq!(page.items.len(), 3);
}

#[tokio::test]
async fn a_second_user_at_the_same_browser_gets_nothing() {
    let world = World::new();
    let link = world.link().await;
    let (_, token) = world.arrive(&link).await;
    world.referrals.identify(token.visitor, &user("bob")).await.unwrap();
    let eve = world.referrals.identify(token.visitor, &user("eve")).await.unwrap();
    assert!(eve.claimed.is_empty());
}

/// PB18: linking was a loop of saves with a signal each.
#[tokio::test(flavor = "multi_thread")]
async fn pb18_a_hundred_sign_ins_at_once_link_each_response_once() {
    for _ in 0..10 {
        let world = World::with(|builder| builder.with_attempts(1000));
        let link = world.link().await;
        let (_, token) = world.arrive(&link).await;
        for _ in 0..20 {
            world.clock.advance(HOUR);
            world.arrive_again(&link, Some(token)).await;
        }
        world.heard.take();
        let users = ["bob", "eve"];
        let callers: Vec<_> = (0..100)
            .map(|n| {
                let (referrals, user) = (world.referrals.clone(), user(users[n % 2]));
                tokio::spawn(async move { referrals.identify(token.visitor, &user).await.unwrap().claimed })
            })
            .collect();
        let mut claimed = Vec::new();
        for caller in callers {
            claimed.extend(caller.await.unwrap());
        }
        let ids: HashSet<_> = claimed.iter().map(|response| response.id).collect();
        assert_eq!((claimed.len(), ids.len()), (21, 21));
        assert_eq!(claimed.iter().map(|r| r.user.clone()).collect::<HashSet<_>>().len(), 1);
        assert_eq!(world.heard.take().len(), 21);
    }
}

/// PB17: the session key changed at login, so recording inside the sign-up found nothing.
#[tokio::test]
async fn pb17_an_action_in_the_very_sign_up_request_is_credited() {
    let world = World::new();
    let link = world.link().await;
    let (_, token) = world.arrive(&link).await;
    let signup = get("/signup").with_token(token);
    world.referrals.identify(token.visitor, &user("bob")).await.unwrap();
    let mut now_bob = signup.with_user(user("bob"));
    let action = Action::new("SIGNED_UP").unwrap();
    let response = world.referrals.record(&now_bob, action.clone(), None).await.unwrap().unwrap();
    assert_eq!((response.link, response.user), (link.id, Some(user("bob"))));
    now_bob.token = None;
    assert!(world.referrals.record(&now_bob, action, None).await.unwrap().is_some());
}

/// PB19: any old account that signed in became referred. It claims, and is no sign-up.
#[tokio::test]
async fn pb19_an_account_older_than_the_touch_claims_and_is_no_sign_up() {
    let world = World::new();
    let link = world.link().await;
    let before = world.referrals.clock().now();
    world.clock.advance(HOUR);
    let (_, token) = world.arrive(&link).await;
    let old = SignedIn::since(user("bob"), before);
    let done = world.referrals.identify(token.visitor, old).await.unwrap();
    assert!(!done.sign_up && done.claimed.len() == 1);
    let old = SignedIn::since(user("bob"), before);
    let again = world.referrals.identify(token.visitor, old).await.unwrap();
    assert!(!again.sign_up, "another tab of the same sign-in");

    let (_, token) = world.arrive(&link).await;
    let new = SignedIn::since(user("eve"), world.referrals.clock().now());
    assert!(world.referrals.identify(token.visitor, new).await.unwrap().sign_up);
}

/// PB23: recording walked all responses. A thousand claims are one commit; ten thousand are ten.
#[tokio::test]
async fn more_than_one_claims_worth_is_claimed_in_several_commits() {
    let world = World::with(|builder| builder.with_group_commit(None));
    let link = world.link().await;
    let (landing, token) = world.arrive(&link).await;
    let template = landing.touch.response().unwrap().clone();
    for part in 0..3 {
        let copies = (0..900).map(|n| {
            let mut copy = template.clone();
            let id = uuid::Uuid::from_u128(part * 10_000 + n + 1);
            copy.id = referral_core::ResponseId::from_uuid(id);
            Change::Insert(copy.into())
        });
        let done = world.store.commit(&[Changeset::new(copies)]).await;
        assert!(matches!(done.as_slice(), [Ok(Outcome::Applied)]));
    }
    let done = world.referrals.identify(token.visitor, &user("bob")).await.unwrap();
    assert_eq!(done.claimed.len(), 2701);
}

#[tokio::test]
async fn a_guard_may_keep_a_user_from_claiming() {
    struct Never;
    #[async_trait]
    impl Guard for Never {
        async fn may_claim(&self, _: VisitorId, _: &UserId) -> Verdict {
            Verdict::Deny { reason: "shared device".into() }
        }
    }
    let world = World::with(|builder| builder.with_guard(Never));
    let link = world.link().await;
    let (_, token) = world.arrive(&link).await;
    let refused = world.referrals.identify(token.visitor, &user("bob")).await;
    assert!(matches!(detail(&refused), Some(Refused { .. })));
    let filter = ResponseFilter::unclaimed_of(token.visitor);
    let left = world.referrals.responses().list(&filter, &PageRequest::default()).await.unwrap();
    assert_eq!(left.items.len(), 1);
}

#[tokio::test]
async fn an_owner_does_not_win_through_the_own_link() {
    let world = World::new();
    let link = world.link().await;
    let (_, token) = world.arrive(&link).await;
    world.referrals.identify(token.visitor, &user("ada")).await.unwrap();
    let ada = get("/").with_user(user("ada"));
    assert_eq!(world.referrals.link_of(&ada).await.unwrap(), None);
}

#[tokio::test]
async fn one_click_over_the_limit_is_said_so_and_is_not_worth_a_retry() {
    let world = World::new();
    let link = world.referrals.links().create(draft("/", "ada").with_click_limit(1)).await.unwrap();
    let bob = get("/").with_user(user("bob"));
    world.referrals.respond(link.id, &bob, Action::RESPONDED, None).await.unwrap();
    let over = world.referrals.respond(link.id, &bob, Action::RESPONDED, None).await.unwrap_err();
    assert!(over.detail() == Some(&VisitRefusal::Exhausted) && !over.is_retryable());
    let order = Action::new("ORDERED").unwrap();
    world.referrals.respond(link.id, &bob, order, None).await.unwrap();
}

#[tokio::test]
async fn a_bots_touch_wins_nothing() {
    let world = World::new();
    let link = world.link().await;
    let bot = get("/r/x").with_agent("Googlebot/2.1").with_user(user("bob"));
    let landing = world.referrals.land(link.code.as_str(), &bot).await;
    assert!(matches!(landing.touch.outcome, TouchOutcome::Recorded(_)));
    assert!(issued(&landing.touch).is_none());
    assert_eq!(world.referrals.link_of(&get("/").with_user(user("bob"))).await.unwrap(), None);
}

#[tokio::test]
async fn who_had_nothing_to_claim_is_no_referred_sign_up() {
    let world = World::new();
    let (_, token) = world.arrive(&world.link().await).await;
    assert!(world.referrals.identify(token.visitor, &user("bob")).await.unwrap().sign_up);
    let again = world.referrals.identify(token.visitor, &user("bob")).await.unwrap();
    assert_eq!((again.claimed.len(), again.sign_up), (0, false));
}

/// Says that it applied a patch, and forgets it.
#[derive(Debug)]
struct Forgetful {
    store: MemoryStore,
}

impl Read for Forgetful {
    referral_core::forward_reads!(store);
}

#[async_trait]
impl Store for Forgetful {
    fn facts(&self) -> StoreFacts {
        self.store.facts()
    }

    async fn commit(&self, batch: &[Changeset]) -> Vec<Result<Outcome, StoreError>> {
        let kept = |changeset: &Changeset| {
            let kept = changeset.changes().iter().filter(|change| !matches!(change, Change::Patch { .. }));
            Changeset::new(kept.cloned())
        };
        self.store.commit(&batch.iter().map(kept).collect::<Vec<_>>()).await
    }
}

#[tokio::test]
async fn a_store_that_forgets_a_claim_is_told_and_not_asked_for_ever() {
    let store = Forgetful { store: MemoryStore::new() };
    let builder = Referrals::builder(store, KeyRing::generate().unwrap(), "https://shop.example");
    let referrals = builder.build().unwrap();
    let link = referrals.links().create(draft("/", "ada")).await.unwrap();
    let token = issued(&referrals.land(link.code.as_str(), &get("/r/x")).await.touch).unwrap();
    let claimed = referrals.identify(token.visitor, &user("bob")).await;
    let told = detail::<StoreError, _>(&claimed).map(StoreError::kind);
    assert_eq!(told, Some(StoreErrorKind::Corrupt));
}
