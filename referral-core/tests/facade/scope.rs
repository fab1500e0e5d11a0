//! Promises about the host's own transaction, with a memory store in the place of the joined one.

use referral_core::link::DeadCode;
use referral_core::memory::MemoryStore;

use crate::world::{World, draft, get, user};

#[tokio::test]
async fn hooks_wait_for_the_hosts_commit_and_are_lost_with_its_rollback() {
    let world = World::new();
    let joined = MemoryStore::new();
    let scope = world.referrals.within(joined.clone());
    let link = scope.links().create(draft("/", "ada")).await.unwrap();
    scope.land(link.code.as_str(), &get("/r/x")).await;
    assert!(world.heard.take().is_empty());
    let effects = scope.into_effects();
    assert_eq!(effects.len(), 2);
    world.referrals.committed(effects).await;
    assert_eq!(world.heard.take(), ["created ", "recorded Action(\"RESPONDED\") {}"].map(normal));

    let scope = world.referrals.within(joined);
    scope.links().create(draft("/", "ada")).await.unwrap();
    drop(scope.into_effects());
    assert!(world.heard.take().is_empty());
}

#[tokio::test]
async fn a_link_that_the_hosts_transaction_disabled_is_forgotten_by_the_cache() {
    let world = World::new();
    let link = world.link().await;
    world.arrive(&link).await;
    // The joined store writes to the same data, past the cache.
    let scope = world.referrals.within(world.store.clone());
    scope.links().disable(link.id).await.unwrap();
    world.referrals.committed(scope.into_effects()).await;
    let landing = world.referrals.land(link.code.as_str(), &get("/r/x")).await;
    assert_eq!(landing.dead(), Some(DeadCode::Disabled));
}

#[tokio::test]
async fn a_scope_sees_its_own_writes() {
    let world = World::new();
    let (_, token) = world.arrive(&world.link().await).await;
    let scope = world.referrals.within(world.store.clone());
    assert_eq!(scope.identify(token.visitor, &user("bob")).await.unwrap().claimed.len(), 1);
    assert!(scope.identify(token.visitor, &user("bob")).await.unwrap().claimed.is_empty());
    drop(scope.into_effects());
}

fn normal(heard: &str) -> String {
    heard.replace("Action(\"RESPONDED\")", "RESPONDED")
}
