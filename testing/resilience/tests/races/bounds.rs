//! R3: what is bounded is reached exactly, and never passed.

use std::time::Instant;

use referral_core::link::DeadCode;
use referral_core::store::NumberReads as _;
use referral_core::store::{
    Bounds, Change, Changeset, Conflict, CounterKey, Family, Index, KeyPart, MAX_PAGE, Outcome, Prefix,
    Range, Store,
};
use referral_core::visit::TouchOutcome;
use referral_core::{Link, LinkDraft, LinkId, Tenant, UserId, Via};
use referral_resilience::figures::report;
use referral_resilience::on_stores;
use referral_resilience::run::World;
use referral_testkit::child::parts;
use referral_testkit::race::race;

use crate::observer::Observer;
use crate::{facade, racers, visit};

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
        let observer = Observer::start(&world, &opened, counter.clone(), rows.clone(), bound).await;
        let outcomes = race(racers(), |racer| {
            let number = u64::try_from(round * racers() + racer).unwrap();
            let link = Link { owner: Some(owner.clone()), ..parts(number).0 };
            let count = Change::Count { counter: counter.clone(), add: 1, within: Bounds::new(0, bound) };
            let changeset = Changeset::new([Change::Insert(link.into()), count]);
            let store = store.clone();
            async move { store.commit(&[changeset]).await.remove(0).expect("a lost race is no error") }
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
        let link =
            referrals.links().create(LinkDraft::to("/").unwrap().with_click_limit(bound)).await.unwrap();
        let counter = CounterKey::new(Tenant::default(), Family::LinkUses, [of(link.id), KeyPart::NONE]);
        let rows = (Index::ResponsesOfLink, Prefix::new(&Tenant::default()).uuid(link.id.as_uuid()));
        let observer =
            Observer::start(&world, &opened, counter.clone(), rows.clone(), i64::from(bound)).await;
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
        let total = usize::try_from(referrals.responses().count(link.id).await.unwrap()).unwrap();
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

fn of(link: LinkId) -> KeyPart {
    KeyPart::new(link.to_string()).unwrap()
}
