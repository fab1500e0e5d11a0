//! What was acknowledged is there after reopening, if the store says that it is durable.

use referral_core::store::{CounterRange, Family, Index, Kind, Range, Record, Version};

use crate::child;
use crate::cx::{Cx, assert_applied};
use crate::fill::Filling;
use crate::make::{
    code, count_any, counter, delete, give, insert, natural, nobody, numbers_of, statistic, tally, update,
    visitor, with_natural,
};
use crate::texts::TEXTS;

/// Closes and opens the store. `false` if nothing needs to be there: the store said so, and works all the same.
async fn survives(cx: &Cx) -> bool {
    let durable = cx.facts().durable;
    if !cx.reopen().await {
        assert!(!durable, "the store says it is durable, and its harness cannot open it again");
        cx.not_exercised("opening the same data again: the harness cannot do that");
        return false;
    }
    assert_eq!(cx.facts().durable, durable, "a store does not change its mind");
    // Opened again it has to work, whatever it kept.
    let link = cx.link();
    cx.insert([link.clone()]).await;
    assert_eq!(cx.get(link.id).await, Some(link.into()));
    if !durable {
        cx.not_exercised("what is kept when the store is opened again: it says that it is not durable");
    }
    durable
}

/// Records of every kind and with strange texts are there at their versions, and deleted ones are not.
pub async fn a_reopened_store_keeps_its_records(cx: Cx) {
    let mut records: Vec<Record> = Vec::new();
    for text in TEXTS.iter().take(12) {
        let filling = Filling { text, ..Filling::PLAIN };
        records.extend(Kind::ALL.iter().filter_map(|kind| cx.sample(*kind, &filling)));
    }
    cx.insert(records.clone()).await;
    let gone = records.pop().unwrap();
    cx.apply([delete(gone.id(), 1), update(records[0].clone(), 1)]).await;
    if survives(&cx).await {
        assert_eq!(cx.get(gone.id()).await, None);
        for (position, record) in records.into_iter().enumerate() {
            let version = Version::new(if position == 0 { 2 } else { 1 });
            assert_eq!(cx.get(record.id()).await, Some(record.at_version(version)));
        }
    }
}

/// Keys that were held are held, keys that were released are free, and index entries are where they were.
pub async fn a_reopened_store_keeps_its_keys_and_indexes(cx: Cx) {
    let (link, alias, response) = (cx.natural_link("old"), cx.alias("Code"), cx.response());
    cx.apply([insert(link.clone()), insert(alias.clone()), insert(response.clone())]).await;
    cx.apply([update(with_natural(link.clone(), Some("new")), 1), give([response.id], "ada", 5)]).await;
    if survives(&cx).await {
        assert_eq!(cx.find(natural("old")).await, None);
        cx.taken([insert(cx.natural_link("new"))], 0, link.id).await;
        cx.taken([insert(cx.alias("c0de"))], 0, alias.id).await;
        cx.insert([cx.natural_link("old")]).await;
        let of_user = cx.page(Index::ResponsesOfUser, &nobody().text("ada"), Range::newest(), 9).await;
        assert_eq!(of_user, [response.id.as_uuid()]);
        let unclaimed = nobody().uuid(visitor(1).as_uuid());
        assert!(cx.page(Index::ResponsesUnclaimed, &unclaimed, Range::newest(), 9).await.is_empty());
    }
}

/// Numbers are what they were, and counting goes on from them.
pub async fn a_reopened_store_keeps_its_numbers(cx: Cx) {
    let (uses, back, clicks) = (counter("uses"), counter("back"), statistic("clicks", "all"));
    let numbers = [count_any(&uses, 5), count_any(&back, 1), tally(&clicks, -7)];
    cx.apply(std::iter::once(cx.witness()).chain(numbers)).await;
    cx.apply([cx.witness(), count_any(&back, -1)]).await;
    if survives(&cx).await {
        cx.apply([cx.witness(), count_any(&uses, 1), tally(&clicks, 1)]).await;
        let counted = cx.numbers(&numbers_of("", Family::LinkUses, &[]), &CounterRange::first(9)).await;
        assert_eq!(counted, [(uses, 6)]);
        assert_eq!(cx.number(&clicks).await, -6);
    }
}

/// A process is killed while it writes. Every acknowledged changeset is there, and every other one is there as a
/// whole or not at all.
pub async fn a_killed_process_keeps_what_it_acknowledged(cx: Cx) {
    if !cx.facts().durable {
        cx.not_exercised("a killed process: the store says that it is not durable");
        return;
    }
    let Some(address) = cx.address() else {
        cx.skip("the harness gives no address at which another process finds the data");
        return;
    };
    for round in 0..cx.rounds(2) {
        // Each round is a store with the data of the rounds before, and codes of its own.
        let first = (round as u64) << 32;
        cx.close();
        let acknowledged = child::kill_one(&cx, &format!("{first}@{address}"), 25 + 10 * round).await;
        assert!(cx.reopen().await, "the harness opens the data after a kill");
        let last = acknowledged.iter().max().copied().unwrap_or(first);
        for number in first..=last + 16 {
            let (link, alias, counter) = child::parts(number);
            let found = (cx.get(link.id).await, cx.get(alias.id).await, cx.number(&counter).await);
            let whole = (Some(link.into()), Some(alias.into()), 1);
            if acknowledged.contains(&number) {
                assert_eq!(found, whole, "{number} was acknowledged");
                assert!(cx.find(code(&format!("child-{number}"))).await.is_some());
            } else {
                assert!(found == whole || found == (None, None, 0), "{number} is half there: {found:?}");
            }
        }
        // And it can be written to.
        assert_applied(&cx.commit([cx.witness()]).await);
    }
}

/// The facts are the same before a write, after it and after opening again, and they name a usable size of a batch.
pub async fn the_facts_do_not_change(cx: Cx) {
    let facts = cx.facts();
    assert!(!facts.name.is_empty() && facts.batch > 0, "{facts:?}");
    cx.apply([cx.witness()]).await;
    assert_eq!(cx.facts(), facts);
    if survives(&cx).await {
        assert_eq!(cx.facts(), facts);
    }
}
