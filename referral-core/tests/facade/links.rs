//! Promises about links.

use referral_core::CursorError;
use referral_core::Refused;
use referral_core::Site;
use referral_core::link::LinkRefusal;
use referral_core::redirect::RedirectError;
use std::collections::HashSet;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::world::{World, detail, draft, user};
use referral_core::PageRequest;
use referral_core::Visit;
use referral_core::link::DeadCode;
use referral_core::link::{GeneratorError, RandomCode};
use referral_core::visit::Method;
use referral_core::visit::ResponseFilter;
use referral_core::{Code, CodeError};
use referral_core::{Destination, Label, LinkDraft, Status, Target, Tenant, Timestamp, async_trait};
use referral_core::{Guard, Limits, LinkEdit, Verdict};

#[tokio::test]
async fn a_url_is_built_from_configuration_only() {
    let world = World::new();
    let link = world.link().await;
    assert_eq!(world.referrals.links().url(&link), format!("https://shop.example/r/{}", link.code));
    let url = world.referrals.links().url_to(&link, "/products/7?a=b").unwrap();
    assert_eq!(url, format!("https://shop.example/r/{}?redirect_to=%2Fproducts%2F7%3Fa%3Db", link.code));
    assert!(detail::<RedirectError, _>(&world.referrals.links().url_to(&link, "//evil.example")).is_some());
}

#[tokio::test]
async fn create_may_make_two_alike_and_get_or_create_makes_one() {
    let world = World::new();
    let (a, b) = (world.link().await, world.link().await);
    assert_ne!(a.id, b.id);
    let first = world.referrals.links().get_or_create(draft("/", "ada")).await.unwrap();
    let second = world.referrals.links().get_or_create(draft("/", "ada")).await.unwrap();
    assert!(first.created && !second.created);
    assert_eq!(first.link, second.link);
    assert!(first.link.id != a.id && first.link.id != b.id);
}

/// PB7: `create` without a target could return a row that has one. PB8: one call with two targets raised.
#[tokio::test]
async fn pb7_pb8_no_target_is_a_target_of_its_own() {
    let world = World::new();
    let target = |id: &'static str| draft("/", "ada").with_target(Target::new("product", id).unwrap());
    let none = world.referrals.links().get_or_create(draft("/", "ada")).await.unwrap().link;
    let seven = world.referrals.links().get_or_create(target("7")).await.unwrap().link;
    let eight = world.referrals.links().get_or_create(target("8")).await.unwrap().link;
    let ids = HashSet::from([none.id, seven.id, eight.id]);
    assert_eq!(ids.len(), 3);
    assert_eq!(world.referrals.links().get_or_create(draft("/", "ada")).await.unwrap().link.id, none.id);
}

/// PB9: two ownerless links to one destination without a label collapsed into one.
#[tokio::test]
async fn pb9_two_campaigns_to_one_destination_are_two_links() {
    let world = World::new();
    let campaign = || LinkDraft::to("/sale").unwrap();
    let a = world.referrals.links().create(campaign()).await.unwrap();
    let b = world.referrals.links().create(campaign()).await.unwrap();
    assert_ne!(a.id, b.id);
    assert_eq!(a.owner, None);
}

/// PB10: any signed-in user could store any external destination.
#[tokio::test]
async fn pb10_a_destination_off_the_site_is_refused_when_stored() {
    let world = World::new();
    for hostile in ["https://evil.example/", "//evil.example", "javascript:alert(1)", "/\\evil.example", ""] {
        let made = world.referrals.links().create(draft(hostile, "ada")).await;
        assert!(detail::<RedirectError, _>(&made).is_some(), "{hostile}");
        let link = world.link().await;
        let edit = LinkEdit::default().with_destination(Destination::new(hostile).unwrap());
        assert!(
            detail::<RedirectError, _>(&world.referrals.links().edit(link.id, edit).await).is_some(),
            "{hostile}"
        );
        assert_eq!(world.referrals.links().get(link.id).await.unwrap().unwrap(), link, "nothing changed");
    }
}

/// PB6: check, then insert, without a retry. RB10: no generator at all.
#[tokio::test]
async fn pb6_a_taken_code_makes_the_generator_try_again_a_bounded_number_of_times() {
    let asked = std::sync::Arc::new(AtomicU32::new(0));
    let counting = std::sync::Arc::clone(&asked);
    let codes = move |_: &LinkDraft, attempt: u32| {
        counting.fetch_add(1, Ordering::SeqCst);
        Ok::<_, GeneratorError>(Code::new(format!("code{}", attempt.min(2)))?)
    };
    let world = World::with(|builder| builder.with_codes(codes).with_attempts(5));
    for expected in ["code0", "code1", "code2"] {
        assert_eq!(world.link().await.code.as_str(), expected);
    }
    asked.store(0, Ordering::SeqCst);
    let exhausted = world.referrals.links().create(draft("/", "ada")).await;
    assert!(matches!(detail(&exhausted), Some(LinkRefusal::CodesExhausted { attempts: 5 })));
    assert_eq!(asked.load(Ordering::SeqCst), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn generated_codes_never_collide_however_small_the_alphabet() {
    let codes = RandomCode::new("ab", 4).unwrap();
    let world = World::with(|builder| builder.with_codes(codes).with_attempts(200));
    let makers: Vec<_> = (0..16)
        .map(|_| {
            let referrals = world.referrals.clone();
            tokio::spawn(
                async move { referrals.links().create(draft("/", "ada")).await.map(|link| link.code) },
            )
        })
        .collect();
    let mut made = HashSet::new();
    for maker in makers {
        if let Ok(code) = maker.await.unwrap() {
            assert!(made.insert(code), "a code twice");
        }
    }
    assert!(made.len() > 8);
}

#[tokio::test]
async fn a_chosen_code_that_looks_like_another_is_taken() {
    let world = World::new();
    let with = |code: &'static str| draft("/", "ada").with_code(Code::new(code).unwrap());
    world.referrals.links().create(with("PayPal")).await.unwrap();
    for shadow in ["PayPa1", "paypal", "PAYPAI"] {
        let made = world.referrals.links().create(with(shadow)).await;
        assert!(matches!(detail(&made), Some(LinkRefusal::CodeTaken { .. })), "{shadow}");
    }
    let short = world.referrals.links().create(with("ab")).await;
    assert!(matches!(detail(&short), Some(CodeError::TooShort { .. })));
}

#[tokio::test]
async fn exact_codes_keep_abc_and_capital_abc_apart() {
    let world = World::new();
    let exact = |code: &'static str, to: &'static str| {
        LinkDraft::to(to).unwrap().with_exact_code(Code::new(code).unwrap())
    };
    let lower = world.referrals.links().create(exact("abc", "/lower")).await.unwrap();
    let upper = world.referrals.links().create(exact("ABC", "/upper")).await.unwrap();
    let find = async |code: &'static str| {
        world.referrals.links().by_code(&Code::new(code).unwrap()).await.unwrap().map(|link| link.id)
    };
    assert_eq!(find("abc").await, Some(lower.id));
    assert_eq!(find("ABC").await, Some(upper.id));
    assert_eq!(find("Abc").await, None);
}

#[tokio::test]
async fn a_new_primary_code_leaves_the_old_one_alive() {
    let world = World::new();
    let link = world.link().await;
    let code = Code::new("summer-sale").unwrap();
    let renamed = world.referrals.links().add_code(link.id, code.clone()).await.unwrap();
    assert_eq!(renamed.code, code);
    for alive in [&link.code, &code] {
        assert_eq!(world.referrals.links().by_code(alive).await.unwrap().unwrap().id, link.id);
    }
    // Back to the old one: no new alias, only another primary code.
    let back = world.referrals.links().add_code(link.id, link.code.clone()).await.unwrap();
    assert_eq!(back.code, link.code);
    assert_eq!(world.referrals.links().codes(link.id).await.unwrap().len(), 2);
    let other = world.link().await;
    let taken = world.referrals.links().add_code(other.id, code).await;
    assert!(matches!(detail(&taken), Some(LinkRefusal::CodeTaken { .. })));
}

#[tokio::test]
async fn get_or_create_gives_a_chosen_code_to_the_link_that_exists() {
    let world = World::new();
    let first = world.referrals.links().get_or_create(draft("/", "ada")).await.unwrap().link;
    let chosen = draft("/", "ada").with_code(Code::new("ada-shop").unwrap());
    let again = world.referrals.links().get_or_create(chosen).await.unwrap();
    assert!(!again.created);
    assert_eq!((again.link.id, again.link.code.as_str()), (first.id, "ada-shop"));
}

/// PB22, RB13: deleting a link took its history along.
#[tokio::test]
async fn pb22_rb13_an_archived_link_keeps_its_history_and_its_codes() {
    let world = World::new();
    let link = world.referrals.links().get_or_create(draft("/", "ada")).await.unwrap().link;
    world.arrive(&link).await;
    world.referrals.links().archive(link.id).await.unwrap();
    assert_eq!(world.referrals.responses().count(link.id).await.unwrap(), 1);
    assert_eq!(
        world.referrals.links().preview(link.code.as_str()).await.unwrap().unwrap().dead,
        Some(DeadCode::Disabled)
    );
    let again = draft("/", "ada").with_code(link.code.clone());
    assert!(matches!(
        detail(&world.referrals.links().create(again).await),
        Some(LinkRefusal::CodeTaken { .. })
    ));
    let fresh = world.referrals.links().get_or_create(draft("/", "ada")).await.unwrap();
    assert!(fresh.created, "the natural key is free again");
    assert!(matches!(detail(&world.referrals.links().enable(link.id).await), Some(LinkRefusal::Archived)));
}

#[tokio::test]
async fn an_edit_that_makes_two_links_the_same_is_refused() {
    let world = World::new();
    let first = world.referrals.links().get_or_create(draft("/a", "ada")).await.unwrap().link;
    let second = world.referrals.links().get_or_create(draft("/b", "ada")).await.unwrap().link;
    let edit = LinkEdit::default().with_destination(Destination::new("/a").unwrap());
    let refused = world.referrals.links().edit(second.id, edit).await;
    assert!(matches!(detail(&refused), Some(LinkRefusal::Exists { link }) if *link == first.id));
    let edit = LinkEdit::default().with_label(Label::new("B").unwrap());
    assert_eq!(world.referrals.links().edit(second.id, edit).await.unwrap().label.as_str(), "B");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_edits_at_once_are_both_applied() {
    let world = World::with(|builder| builder.with_attempts(100));
    let link = world.link().await;
    let label = LinkEdit::default().with_label(Label::new("L").unwrap());
    let expiry = LinkEdit::default().with_expiry(Some(Timestamp::from_millis(1)));
    let (a, b) = (world.referrals.clone(), world.referrals.clone());
    let (a, b) = tokio::join!(
        tokio::spawn(async move { a.links().edit(link.id, label).await }),
        tokio::spawn(async move { b.links().edit(link.id, expiry).await }),
    );
    a.unwrap().unwrap();
    b.unwrap().unwrap();
    let link = world.referrals.links().get(link.id).await.unwrap().unwrap();
    assert_eq!((link.label.as_str(), link.expires_at), ("L", Some(Timestamp::from_millis(1))));
    assert_eq!(link.version.get(), 3);
}

/// A taken code, a status and other fields in one edit: all of them or none.
#[tokio::test]
async fn an_edit_changes_everything_that_it_names_or_nothing() {
    let world = World::new();
    let (link, other) = (world.link().await, world.link().await);
    let all = LinkEdit::default()
        .with_label(Label::new("L").unwrap())
        .with_destination(Destination::new("/elsewhere").unwrap())
        .with_status(Status::Disabled);
    let refused = world.referrals.links().edit(link.id, all.clone().with_code(other.code.clone())).await;
    assert!(matches!(detail(&refused), Some(LinkRefusal::CodeTaken { .. })), "{refused:?}");
    assert_eq!(world.referrals.links().get(link.id).await.unwrap().unwrap(), link);

    let code = Code::new("all-at-once").unwrap();
    let edited = world.referrals.links().edit(link.id, all.with_code(code.clone())).await.unwrap();
    assert_eq!((edited.version.get(), &edited.code, edited.status), (2, &code, Status::Disabled));
    assert_eq!((edited.label.as_str(), edited.destination.as_str()), ("L", "/elsewhere"));
    assert_eq!(world.referrals.links().get(link.id).await.unwrap().unwrap(), edited);
    // A code of its own in another spelling is no other code, and the rest is done all the same.
    let again = LinkEdit::default().with_code(Code::new("ALL-AT-0NCE").unwrap()).with_status(Status::Active);
    let edited = world.referrals.links().edit(link.id, again).await.unwrap();
    assert_eq!((edited.version.get(), edited.code, edited.status), (3, code, Status::Active));
}

/// Of two tabs, the second one is told, instead of taking back in silence what the first one changed.
#[tokio::test]
async fn an_edit_of_a_version_that_is_gone_changes_nothing_and_names_todays() {
    let world = World::new();
    let link = world.link().await;
    let label = |text: &str| LinkEdit::default().with_label(Label::new(text.to_owned()).unwrap());
    let first =
        world.referrals.links().edit(link.id, label("first").with_version(link.version)).await.unwrap();
    for late in [
        label("second"),
        LinkEdit::default(),
        LinkEdit::default().with_code(Code::new("second").unwrap()),
        LinkEdit::default().with_status(Status::Archived),
    ] {
        let refused = world.referrals.links().edit(link.id, late.with_version(link.version)).await;
        assert_eq!(detail(&refused), Some(&LinkRefusal::Changed { version: first.version }));
        assert_eq!(world.referrals.links().get(link.id).await.unwrap().unwrap(), first);
    }
    let second =
        world.referrals.links().edit(link.id, label("second").with_version(first.version)).await.unwrap();
    assert_eq!(second.label.as_str(), "second");
}

/// Who asks for a link wants to share it: one that was switched off or has ended would lead nowhere.
#[tokio::test]
async fn a_revived_link_leads_somewhere_and_one_that_is_used_up_says_so() {
    let world = World::new();
    let links = world.referrals.links();
    let made = links.get_or_create(draft("/", "ada")).await.unwrap().link;
    assert_eq!(links.revive(&made).await.unwrap(), made);
    let over = LinkEdit::default().with_status(Status::Disabled).with_expiry(Some(Timestamp::from_millis(1)));
    let off = links.edit(made.id, over).await.unwrap();
    assert_eq!(links.dead(&off).await.unwrap(), Some(DeadCode::Disabled));
    let alive = links.revive(&off).await.unwrap();
    assert_eq!(
        (alive.status, alive.expires_at, links.dead(&alive).await.unwrap()),
        (Status::Active, None, None)
    );
    assert_eq!(links.get(made.id).await.unwrap().unwrap(), alive);

    let once = links.get_or_create(draft("/once", "ada")).await.unwrap().link;
    let none = LinkEdit::default().with_limits(Limits { clicks: Some(0) });
    let used_up = links.edit(once.id, none).await.unwrap();
    assert_eq!(detail(&links.revive(&used_up).await), Some(&LinkRefusal::Exhausted));
    let archived = links.archive(made.id).await.unwrap();
    assert_eq!(detail(&links.revive(&archived).await), Some(&LinkRefusal::Archived));
}

#[tokio::test]
async fn a_link_cannot_lead_to_a_link() {
    let world = World::new();
    for to in ["/r/loop", "/r/loop/", "/%72/loop", "/a/../r/x", "https://shop.example/r/x", "/r/x?y#z"] {
        let made = world.referrals.links().create(draft(to, "ada")).await;
        assert!(matches!(detail(&made), Some(LinkRefusal::Loop)), "{to}: {made:?}");
    }
    for to in ["/", "/r", "/radio", "/products/r/1"] {
        world.referrals.links().create(draft(to, "ada")).await.unwrap();
    }
}

#[tokio::test]
async fn a_change_is_decided_on_what_the_store_has_and_not_on_what_is_cached() {
    let world = World::new();
    let link = world.referrals.links().get_or_create(draft("/", "ada")).await.unwrap().link;
    let keys = referral_core::token::KeyRing::generate().unwrap();
    let builder = referral_core::Referrals::builder(world.store.clone(), keys, "https://shop.example");
    let other = builder.build().unwrap();
    // Each process caches what the other changes then.
    for process in [&world.referrals, &other] {
        process.links().disable(link.id).await.unwrap();
        process.links().get(link.id).await.unwrap();
    }
    other.links().enable(link.id).await.unwrap();
    assert_eq!(world.referrals.links().disable(link.id).await.unwrap().version.get(), 4);
    other.links().enable(link.id).await.unwrap();
    world.referrals.links().enable(link.id).await.unwrap();
    assert_eq!(world.referrals.links().get(link.id).await.unwrap().unwrap().status, Status::Active);

    let label = |text: &'static str| Label::new(text).unwrap();
    world.referrals.links().get(link.id).await.unwrap();
    other.links().edit(link.id, LinkEdit::default().with_label(label("L"))).await.unwrap();
    let same = draft("/", "ada").with_label("L").unwrap();
    let found = world.referrals.links().get_or_create(same).await.unwrap();
    assert_eq!((found.link.id, found.created), (link.id, false));
}

#[tokio::test]
async fn a_filter_that_drops_some_hides_nothing_behind_them() {
    let world = World::new();
    let link = world.link().await;
    let bot = Visit::new(Method::Get, "/r/x").with_agent("Googlebot/2.1");
    for n in 0..30 {
        let visit = if n == 20 { bot.clone() } else { crate::world::get("/r/x") };
        world.referrals.land(link.code.as_str(), &visit).await;
    }
    let filter = ResponseFilter::of_link(link.id).with_counted(true);
    let (mut seen, mut next) = (0, None);
    loop {
        let page = PageRequest::first(10).after(next);
        let page = world.referrals.responses().list(&filter, &page).await.unwrap();
        seen += page.items.len();
        next = page.next;
        if next.is_none() {
            break;
        }
    }
    assert_eq!(seen, 29);
}

#[tokio::test]
async fn another_tenants_links_are_absent() {
    let world = World::new();
    let link = world.link().await;
    let other = world
        .referrals
        .for_site(&Site::new("https://other.example").unwrap().with_tenant(Tenant::new("other").unwrap()));
    assert_eq!(other.links().get(link.id).await.unwrap(), None);
    assert_eq!(other.links().by_code(&link.code).await.unwrap(), None);
    assert!(matches!(detail(&other.links().disable(link.id).await), Some(LinkRefusal::NotFound)));
    assert_eq!(
        other.land(link.code.as_str(), &crate::world::get("/r/x")).await.dead(),
        Some(DeadCode::Unknown)
    );
    let same = other.links().create(draft("/", "ada").with_code(link.code.clone())).await.unwrap();
    assert_eq!(same.code, link.code);
}

#[tokio::test]
async fn a_cursor_of_one_owner_is_refused_for_another() {
    let world = World::new();
    for _ in 0..5 {
        world.link().await;
    }
    let ada = world.referrals.links().of_owner(&user("ada"), &PageRequest::first(2)).await.unwrap();
    let mut seen = ada.items.len();
    let mut next = ada.next.clone();
    while next.is_some() {
        let page =
            world.referrals.links().of_owner(&user("ada"), &PageRequest::first(2).after(next)).await.unwrap();
        seen += page.items.len();
        next = page.next;
    }
    assert_eq!(seen, 5);
    let text = ada.next.unwrap().to_string();
    let page = PageRequest::first(2).after(Some(text.parse().unwrap()));
    assert!(detail::<CursorError, _>(&world.referrals.links().of_owner(&user("bob"), &page).await).is_some());
    assert!("nonsense".parse::<referral_core::Cursor>().is_err());
}

#[tokio::test]
async fn a_guard_vetoes_before_anything_is_stored() {
    struct NoBob;
    #[async_trait]
    impl Guard for NoBob {
        async fn may_create(&self, draft: &LinkDraft) -> Verdict {
            match draft.owner.as_ref().map(|owner| owner.as_str()) {
                Some("bob") => Verdict::Deny { reason: "not bob".into() },
                _ => Verdict::Allow,
            }
        }
    }
    let world = World::with(|builder| builder.with_guard(NoBob));
    let refused = world.referrals.links().create(draft("/", "bob")).await;
    assert!(matches!(detail(&refused), Some(Refused { reason }) if reason == "not bob"));
    assert!(world.referrals.links().list(&PageRequest::default()).await.unwrap().items.is_empty());
    world.referrals.links().create(draft("/", "ada")).await.unwrap();
}

#[tokio::test]
async fn disabling_takes_effect_at_once_through_the_cache() {
    let world = World::new();
    let link = world.link().await;
    for _ in 0..3 {
        world.arrive(&link).await;
    }
    world.referrals.links().disable(link.id).await.unwrap();
    let landing = world.referrals.land(link.code.as_str(), &crate::world::get("/r/x")).await;
    assert_eq!(landing.dead(), Some(DeadCode::Disabled));
    let enabled = world.referrals.links().enable(link.id).await.unwrap();
    assert_eq!(enabled.status, Status::Active);
    assert_eq!(world.arrive(&link).await.0.dead(), None);
    assert_eq!(world.heard.take().iter().filter(|heard| heard.starts_with("changed")).count(), 2);
}

#[tokio::test]
async fn a_look_alike_of_the_links_own_code_changes_nothing() {
    let world = World::new();
    let draft = || draft("/", "ada");
    let made = world.referrals.links().get_or_create(draft().with_code(code("paypal"))).await.unwrap().link;
    world.heard.take();
    let again = world.referrals.links().get_or_create(draft().with_code(code("PayPa1"))).await.unwrap();
    assert_eq!((again.created, again.link), (false, made));
    assert_eq!(world.heard.take(), [""; 0]);
}

#[tokio::test]
async fn an_importer_may_bring_short_and_reserved_codes() {
    let world = World::new();
    for text in ["ab", "new"] {
        let draft = draft("/", "ada").with_exact_code(code(text));
        assert_eq!(world.referrals.links().create(draft).await.unwrap().code, code(text));
    }
}

fn code(text: &str) -> Code {
    Code::new(text).unwrap()
}
