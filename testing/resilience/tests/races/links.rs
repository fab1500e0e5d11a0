//! R7: get-or-create gives one link to all who ask for the same.

use std::collections::BTreeSet;
use std::time::Instant;

use referral_core::{LinkDraft, UserId};
use referral_resilience::everything::Everything;
use referral_resilience::figures::report;
use referral_resilience::on_stores;
use referral_resilience::run::World;
use referral_resilience::yielding::Yielding;
use referral_testkit::race::race;
use uuid::Uuid;

use crate::{over, racers};

on_stores! { equal_calls_get_one_link:
    memory_gives_equal_calls_one_link on memory,
    sqlite_gives_equal_calls_one_link on sqlite,
    sled_gives_equal_calls_one_link on sled,
    redb_gives_equal_calls_one_link on redb,
    postgres_gives_equal_calls_one_link on postgres,
    mysql_gives_equal_calls_one_link on mysql,
    mongodb_gives_equal_calls_one_link on mongodb,
}

/// R7: the same link wanted by all at once.
async fn equal_calls_get_one_link(world: World) {
    let Some(opened) = world.open().await else { return };
    // With the facade's group commit, and each caller by itself.
    for (layers, label) in [("grouped", "one"), ("each by itself", "two")] {
        let begun = Instant::now();
        let store = Yielding::over(opened.store.clone());
        let builder = over(store.clone());
        let builder = if layers == "grouped" { builder } else { builder.with_group_commit(None) };
        let referrals = builder.build().unwrap();
        let owner = UserId::new(label).unwrap();
        let draft =
            LinkDraft::to("/products/7").unwrap().with_owner(owner.clone()).with_label(label).unwrap();
        let answers = race(racers(), |_| {
            let (referrals, draft) = (referrals.clone(), draft.clone());
            async move { referrals.links().get_or_create(draft).await.expect("a link") }
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
        assert_eq!(store.codes().await, 1, "no racer left a code behind");
    }
}
