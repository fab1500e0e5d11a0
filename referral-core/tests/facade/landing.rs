//! Promises about landing.

use referral_core::link::DeadCode;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::world::{DAY, HOUR, World, draft, get, issued, user};
use referral_core::Flags;
use referral_core::PageRequest;
use referral_core::Visit;
use referral_core::visit::ResponseFilter;
use referral_core::visit::{FetchMetadata, Method};
use referral_core::visit::{TokenChange, TouchOutcome};
use referral_core::{Action, Hook, HookError, Link, Response, async_trait};
use referral_core::{Failure, Guard, LinkEdit, Verdict};

async fn recorded(world: &World) -> Vec<Response> {
    world.referrals.responses().list(&ResponseFilter::default(), &PageRequest::default()).await.unwrap().items
}

#[tokio::test]
async fn every_repeat_within_the_hour_is_flagged_however_links_alternate() {
    let world = World::new();
    let (a, b) = (world.link().await, world.link().await);
    let (_, mut token) = world.arrive(&a).await;
    let mut flags = Vec::new();
    for (link, minutes) in [(&b, 50), (&a, 5), (&b, 10)] {
        world.clock.advance(Duration::from_mins(minutes));
        let (landing, next) = world.arrive_again(link, Some(token)).await;
        flags.push(landing.touch.response().unwrap().flags.contains(Flags::DUPLICATE));
        token = next;
    }
    //             b+50   a+55  b+65
    assert_eq!(flags, [false, true, true]);
}

#[tokio::test]
async fn what_a_pages_own_script_reports_counts() {
    let world = World::new();
    let (_, token) = world.arrive(&world.link().await).await;
    let script = get("/api/view").with_token(token).with_fetch(FetchMetadata::read(|name| {
        match name.to_ascii_lowercase().as_str() {
            "sec-fetch-mode" => Some("cors"),
            "sec-fetch-dest" => Some("empty"),
            _ => None,
        }
    }));
    let viewed = Action::new("VIEWED").unwrap();
    assert!(world.referrals.record(&script, viewed, None).await.unwrap().unwrap().counted);
}

#[tokio::test]
async fn an_anonymous_visitor_is_recorded_redirected_and_given_a_token() {
    let world = World::new();
    let link = world.link_to("/products/7", "ada").await;
    let (landing, token) = world.arrive(&link).await;
    assert_eq!(landing.redirect.location(), "/products/7");
    let response = landing.touch.response().unwrap();
    assert_eq!(response.visitor, Some(token.visitor));
    assert_eq!((response.user.clone(), response.counted), (None, true));
    assert_eq!(response.owner, Some(user("ada")));
    assert_eq!(recorded(&world).await, std::slice::from_ref(response));
}

/// PB1, PB2, RB8: no session key, no address, nothing personal unless the host asked for it.
#[tokio::test]
async fn pb2_rb8_nothing_about_the_person_is_stored_that_the_host_did_not_ask_for() {
    let world = World::new();
    let link = world.link().await;
    let visit = get("/r/x").with_address("203.0.113.7".parse().unwrap());
    let landing = world.referrals.land(link.code.as_str(), &visit).await;
    assert_eq!(landing.touch.response().unwrap().address, None);
}

/// PB16, RB2: only the newest touch of a browser survived.
#[tokio::test]
async fn pb16_rb2_a_visitor_keeps_one_id_and_all_touches() {
    let world = World::new();
    let (a, b) = (world.link().await, world.link().await);
    let (_, first) = world.arrive(&a).await;
    let (_, second) = world.arrive_again(&b, Some(first)).await;
    assert_eq!(first.visitor, second.visitor);
    let filter = ResponseFilter::unclaimed_of(first.visitor);
    let page = world.referrals.responses().list(&filter, &PageRequest::default()).await.unwrap();
    assert_eq!(page.items.iter().map(|r| r.link).collect::<Vec<_>>(), [b.id, a.id]);
}

/// PB5: an expiry was stored and never looked at. The end is not part of the life.
#[tokio::test]
async fn pb5_a_link_dies_at_the_millisecond_it_expires() {
    let world = World::new();
    let end = world.referrals.clock().now().saturating_add(HOUR);
    let link = world.referrals.links().create(draft("/sale", "ada").with_expiry(end)).await.unwrap();
    world.clock.advance(HOUR - Duration::from_millis(1));
    let (_, token) = world.arrive(&link).await;
    world.clock.advance(Duration::from_millis(1));
    let landing = world.referrals.land(link.code.as_str(), &get("/r/x").with_token(token)).await;
    assert_eq!(landing.dead(), Some(DeadCode::Expired));
    assert_eq!(landing.redirect.location(), "/sale", "an expired link still leads where it led");
    assert_eq!(world.referrals.responses().count(link.id).await.unwrap(), 1);
}

/// RB1: following a dead code deleted a good cookie.
#[tokio::test]
async fn rb1_a_dead_code_changes_no_touch_and_no_token() {
    let world = World::new();
    let (good, off) = (world.link().await, world.link().await);
    let (_, token) = world.arrive(&good).await;
    world.referrals.links().disable(off.id).await.unwrap();
    for dead in
        ["unknown-code", off.code.as_str(), "", "no code at all", "../../etc/passwd", &"x".repeat(5000)]
    {
        let landing = world.referrals.land(dead, &get("/r/x").with_token(token)).await;
        assert!(landing.dead().is_some(), "{dead}");
        assert_eq!(landing.touch.token, TokenChange::Keep, "{dead}");
        assert!(landing.fallback && landing.redirect.location() == "/", "{dead}");
    }
    let visit = get("/").with_token(token);
    assert_eq!(world.referrals.link_of(&visit).await.unwrap().unwrap().id, good.id);
    assert_eq!(recorded(&world).await.len(), 1);
}

/// PB14, RB5: HEAD was counted, and so were prefetches.
#[tokio::test]
async fn pb14_rb5_head_prefetch_and_frames_redirect_and_leave_no_trace() {
    let world = World::new();
    let link = world.link_to("/sale", "ada").await;
    let head = Visit::new(Method::Head, "/r/x");
    let prefetch = get("/r/x").with_fetch(FetchMetadata::read(|name| {
        (name.eq_ignore_ascii_case("sec-purpose")).then_some("prefetch;prerender")
    }));
    let frame =
        get("/r/x").with_fetch(FetchMetadata::read(|name| match name.to_ascii_lowercase().as_str() {
            "sec-fetch-mode" => Some("navigate"),
            "sec-fetch-dest" => Some("iframe"),
            _ => None,
        }));
    for visit in [head, prefetch, frame] {
        let landing = world.referrals.land(link.code.as_str(), &visit).await;
        assert_eq!(landing.redirect.location(), "/sale");
        assert!(matches!(landing.touch.outcome, TouchOutcome::Ignored(_)));
        assert_eq!(landing.touch.token, TokenChange::Keep);
    }
    assert!(recorded(&world).await.is_empty());
}

#[tokio::test]
async fn a_link_that_was_switched_off_leads_to_the_fallback_and_not_where_it_led() {
    let world = World::with(|builder| builder.with_fallback("/welcome"));
    let link = world.link_to("/sale", "ada").await;
    world.referrals.links().disable(link.id).await.unwrap();
    let landing = world.referrals.land(link.code.as_str(), &get("/r/x")).await;
    assert_eq!((landing.redirect.location(), landing.fallback), ("/welcome", true));
}

#[tokio::test]
async fn a_bot_is_recorded_flagged_never_counted_and_given_no_token() {
    let world = World::new();
    let link = world.link().await;
    let visit = Visit::new(Method::Get, "/r/x").with_agent("Slackbot-LinkExpanding 1.0");
    let landing = world.referrals.land(link.code.as_str(), &visit).await;
    let response = landing.touch.response().unwrap();
    assert!(response.flags.contains(Flags::BOT) && !response.counted);
    assert_eq!(landing.touch.token, TokenChange::Keep);
    assert_eq!(world.referrals.responses().count(link.id).await.unwrap(), 0);
    let statistics = world.referrals.responses().statistics(link.id).await.unwrap();
    let clicks = statistics.of(&Action::RESPONDED);
    assert_eq!((clicks.counted, clicks.flagged, clicks.new_visitors), (0, 1, 0));
}

/// PB14, RB12: reloads inflated the count.
#[tokio::test]
async fn rb12_a_repeat_within_the_hour_is_flagged_and_the_hour_runs_from_the_first() {
    let world = World::new();
    let (a, b) = (world.link().await, world.link().await);
    let (_, mut token) = world.arrive(&a).await;
    let mut flags = Vec::new();
    for (link, minutes) in [(&a, 30), (&b, 1), (&a, 1), (&a, 27), (&a, 1), (&b, 29)] {
        world.clock.advance(Duration::from_mins(minutes));
        let (landing, next) = world.arrive_again(link, Some(token)).await;
        flags.push(landing.touch.response().unwrap().flags.contains(Flags::DUPLICATE));
        token = next;
    }
    //             a+30  b+31   a+32  a+59  a+60   b+89
    assert_eq!(flags, [true, false, true, true, false, true]);
    assert_eq!(world.referrals.responses().count(a.id).await.unwrap(), 2);
}

/// PB15, RB12: the owner's own click was a referral.
#[tokio::test]
async fn pb15_the_owners_own_click_is_flagged_and_a_signed_in_visitor_gets_no_token() {
    let world = World::new();
    let link = world.link().await;
    let own = world.referrals.land(link.code.as_str(), &get("/r/x").with_user(user("ada"))).await;
    assert!(own.touch.response().unwrap().flags.contains(Flags::OWN_LINK));
    let (_, token) = world.arrive(&world.link().await).await;
    let bob = get("/r/x").with_user(user("bob")).with_token(token);
    let other = world.referrals.land(link.code.as_str(), &bob).await;
    let response = other.touch.response().unwrap();
    assert_eq!((response.user.clone(), response.visitor, response.counted), (Some(user("bob")), None, true));
    assert_eq!((own.touch.token, other.touch.token), (TokenChange::Keep, TokenChange::Keep));
    assert_eq!(world.referrals.responses().count(link.id).await.unwrap(), 1);
    world.clock.advance(Duration::from_mins(5));
    let again = world.referrals.land(link.code.as_str(), &get("/r/x").with_user(user("bob"))).await;
    assert!(again.touch.response().unwrap().flags.contains(Flags::DUPLICATE));
}

/// RB9: a hostile `next` was stored before it was checked; PB10: and redirected to.
#[tokio::test]
async fn rb9_a_destination_from_the_query_is_used_only_when_safe() {
    let world = World::new();
    let link = world.link_to("/stored", "ada").await;
    for (query, expected) in [
        ("?redirect_to=/a&next=/b", "/a"),
        ("?next=/b", "/b"),
        ("?redirect_to=https://evil.example/&next=/b", "/b"),
        ("?redirect_to=%2F%2Fevil.example", "/stored"),
        ("?redirect_to=", "/stored"),
        ("?redirect_to=/%E4%B8%AD", "/%E4%B8%AD"),
        ("?redirect_to=/a%0d%0aSet-Cookie:x=y", "/stored"),
        ("?%ff%fe=%", "/stored"),
    ] {
        let landing = world.referrals.land(link.code.as_str(), &get(&format!("/r/x{query}"))).await;
        assert_eq!(landing.redirect.location(), expected, "{query}");
    }
    let dead = world.referrals.land("nothing", &get("/r/nothing?redirect_to=/a")).await;
    assert_eq!(dead.redirect.location(), "/a");
}

/// PB12, PB13, RB9: over-long headers failed the click.
#[tokio::test]
async fn pb12_pb13_no_header_however_long_fails_a_click() {
    let world = World::new();
    let link = world.link().await;
    let long = "\u{1F980}\0".repeat(100_000);
    let referrer = format!("https://blog.example/{}", "a".repeat(100_000));
    let visit = get(&format!("/r/x?{long}")).with_agent(long).with_referrer(referrer);
    let landing = world.referrals.land(link.code.as_str(), &visit).await;
    let response = landing.touch.response().unwrap();
    assert_eq!(response.agent.as_ref().unwrap().as_str().len(), 512);
    assert_eq!(response.referrer.as_ref().unwrap().as_str().len(), 2048);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_click_limit_is_exact_under_a_race() {
    let world = World::new();
    let link = world.referrals.links().create(draft("/", "ada").with_click_limit(10)).await.unwrap();
    let clicks: Vec<_> = (0..64)
        .map(|_| {
            let (referrals, code) = (world.referrals.clone(), link.code.clone());
            tokio::spawn(async move { referrals.land(code.as_str(), &get("/r/x")).await })
        })
        .collect();
    let mut counted = 0;
    for click in clicks {
        let landing = click.await.unwrap();
        match landing.dead() {
            None => counted += 1,
            Some(dead) => assert_eq!(dead, DeadCode::Exhausted),
        }
    }
    assert_eq!(counted, 10);
    assert_eq!(world.referrals.responses().count(link.id).await.unwrap(), 10);
    let preview = world.referrals.links().preview(link.code.as_str()).await.unwrap().unwrap();
    assert_eq!(preview.dead, Some(DeadCode::Exhausted));
}

#[tokio::test]
async fn a_preview_says_who_invites_and_changes_nothing() {
    let world = World::new();
    let link = world.link().await;
    let preview = world.referrals.links().preview(&link.code.as_str().to_uppercase()).await.unwrap().unwrap();
    assert_eq!((preview.owner, preview.dead), (Some(user("ada")), None));
    assert_eq!(world.referrals.links().preview("nothing-here").await.unwrap(), None);
    assert_eq!(world.referrals.links().preview("\0").await.unwrap(), None);
    assert!(recorded(&world).await.is_empty());
}

/// VA9 and CL18: a code typed at sign-up is a touch too.
#[tokio::test]
async fn a_typed_code_is_a_touch_and_gives_a_token() {
    let world = World::new();
    let link = world.link().await;
    let typed = format!(" {} ", link.code.as_str().to_uppercase());
    let touch = world.referrals.enter_code(&get("/signup"), &typed).await.unwrap();
    let token = issued(&touch).unwrap();
    assert_eq!(touch.response().unwrap().via, referral_core::Via::Code);
    let wins = world.referrals.link_of(&get("/").with_token(token)).await.unwrap().unwrap();
    assert_eq!(wins.id, link.id);
    let unknown = world.referrals.enter_code(&get("/signup"), "nonsense!").await.unwrap();
    assert!(matches!(unknown.outcome, TouchOutcome::Dead(DeadCode::Unknown)));
}

#[tokio::test]
async fn a_guards_veto_redirects_and_its_flag_keeps_the_response_from_counting() {
    struct Strict(Verdict);
    #[async_trait]
    impl Guard for Strict {
        async fn may_record(&self, _: &Response, _: &Link) -> Verdict {
            self.0.clone()
        }
    }
    let world = World::with(|b| b.with_guard(Strict(Verdict::Deny { reason: "farm".into() })));
    let link = world.link().await;
    let landing = world.referrals.land(link.code.as_str(), &get("/r/x")).await;
    assert!(matches!(landing.touch.outcome, TouchOutcome::Refused { .. }));
    assert_eq!((landing.redirect.location(), recorded(&world).await.len()), ("/", 0));

    let world = World::with(|b| b.with_guard(Strict(Verdict::Flag)));
    let link = world.link().await;
    let (landing, token) = world.arrive(&link).await;
    assert!(landing.touch.response().unwrap().flags.contains(Flags::SUSPECT));
    assert_eq!(world.referrals.responses().count(link.id).await.unwrap(), 0);
    assert_eq!(token.last, None, "what is suspect wins nothing");
    assert_eq!(world.referrals.link_of(&get("/").with_token(token)).await.unwrap(), None);
}

#[tokio::test]
async fn a_hook_that_fails_is_reported_and_undoes_nothing() {
    struct Broken;
    #[async_trait]
    impl Hook for Broken {
        async fn response_recorded(&self, _: &Response, _: &Link) -> Result<(), HookError> {
            Err("mail server down".into())
        }
    }
    let heard = Arc::new(Mutex::new(Vec::new()));
    let report = Arc::clone(&heard);
    let world = World::with(|builder| {
        builder.with_hook(Broken).with_observer(move |failure: &Failure<'_>| {
            if let Failure::Hook { event, error } = failure {
                report.lock().unwrap().push(format!("{event}: {error}"));
            }
        })
    });
    let link = world.link().await;
    world.arrive(&link).await;
    assert_eq!(*heard.lock().unwrap(), ["response_recorded: mail server down"]);
    assert_eq!(world.referrals.responses().count(link.id).await.unwrap(), 1);
}

#[tokio::test]
async fn statistics_by_hour_are_exact_and_half_open() {
    let world = World::new();
    let link = world.link().await;
    let start = world.referrals.clock().now().hour();
    for _ in 0..3 {
        world.arrive(&link).await;
        world.arrive(&link).await;
        world.clock.advance(HOUR);
    }
    let hours = world
        .referrals
        .responses()
        .by_hour(link.id, &Action::RESPONDED, start, start.saturating_add(HOUR * 2))
        .await
        .unwrap();
    let hours: Vec<_> = hours.into_iter().map(|(hour, numbers)| (hour, numbers.counted)).collect();
    assert_eq!(hours, [(start, 2), (start.saturating_add(HOUR), 2)]);
    assert_eq!(world.referrals.responses().count(link.id).await.unwrap(), 6);
}

#[tokio::test]
async fn actions_show_their_text_and_unmapped_ones_themselves() {
    let world = World::new();
    let show = |action: &'static str| {
        let action = Action::new(action).unwrap();
        world.referrals.responses().action_display(&action).to_owned()
    };
    assert_eq!(show("RESPONDED"), "Clicked on referral link");
    assert_eq!(show("SIGNED_UP"), "Signed up");
    assert_eq!(show("ORDERED"), "ORDERED");
}

#[tokio::test]
async fn a_touch_wins_inside_its_window_only_and_actions_do_not_stretch_it() {
    let world = World::new();
    let link = world.link().await;
    let (_, token) = world.arrive(&link).await;
    world.referrals.identify(token.visitor, &user("bob")).await.unwrap();
    let bob = get("/").with_user(user("bob"));
    let order = Action::new("ORDERED").unwrap();
    world.clock.advance(DAY * 29);
    assert!(world.referrals.record(&bob, order.clone(), None).await.unwrap().is_some());
    world.clock.advance(DAY);
    assert!(world.referrals.record(&bob, order.clone(), None).await.unwrap().is_none());
    // For a visitor's token the same.
    let late = get("/").with_token(token);
    assert_eq!(world.referrals.link_of(&late).await.unwrap(), None);
}

#[tokio::test]
async fn a_touch_behind_a_page_of_touches_that_lost_still_wins() {
    let world = World::new();
    let (good, off) = (world.link().await, world.link().await);
    let bob = get("/").with_user(user("bob"));
    world.referrals.land(good.code.as_str(), &bob).await;
    for _ in 0..300 {
        world.clock.advance(HOUR);
        world.referrals.land(off.code.as_str(), &bob).await;
    }
    assert_eq!(world.referrals.link_of(&bob).await.unwrap().unwrap().id, off.id);
    world.referrals.links().disable(off.id).await.unwrap();
    assert_eq!(world.referrals.link_of(&bob).await.unwrap().unwrap().id, good.id);
}

#[tokio::test]
async fn the_last_touch_wins_and_a_link_that_was_switched_off_does_not() {
    let world = World::new();
    let (a, b) = (world.link().await, world.link().await);
    let (_, token) = world.arrive(&a).await;
    world.clock.advance(HOUR);
    let (_, token) = world.arrive_again(&b, Some(token)).await;
    let visit = get("/").with_token(token);
    assert_eq!(world.referrals.link_of(&visit).await.unwrap().unwrap().id, b.id);
    world.referrals.links().disable(b.id).await.unwrap();
    assert_eq!(world.referrals.link_of(&visit).await.unwrap().unwrap().id, a.id);
    let relabel = LinkEdit::default().with_owner(None);
    world.referrals.links().edit(a.id, relabel).await.unwrap();
    let filter = ResponseFilter::of_owner(user("ada"));
    let page = world.referrals.responses().list(&filter, &PageRequest::default()).await.unwrap();
    assert_eq!(page.items.len(), 2, "the owner at the touch keeps the response");
}
