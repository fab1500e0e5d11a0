//! All that a store holds, read page by page.

use std::collections::{BTreeMap, BTreeSet};

use referral_core::store::{CounterKey, CounterPrefix, CounterRange, Family, Index, MAX_PAGE, Prefix, Range, Read};
use referral_core::{Alias, Link, Response, Tenant};
use referral_core::store::Record;

/// How often a store is read again until two readings are equal. What a process had begun when it was killed, a
/// server may still finish; it does not take long.
const READINGS: usize = 20;

/// Everything in a store, of the tenant without a name.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Everything {
    /// All links.
    pub links: Vec<Link>,
    /// All codes.
    pub aliases: Vec<Alias>,
    /// All responses.
    pub responses: Vec<Response>,
    /// All numbers that are not 0.
    pub numbers: BTreeMap<CounterKey, i64>,
}

impl Everything {
    /// Reads it until it stands still.
    ///
    /// # Panics
    /// If it does not, if a read fails, or if a page is wrong in itself: a record listed twice, or no progress.
    pub async fn of<S: Read + ?Sized>(store: &S) -> Self {
        let mut before = Self::once(store).await;
        for _ in 0..READINGS {
            let now = Self::once(store).await;
            if now == before {
                return now;
            }
            before = now;
        }
        panic!("the store does not stand still, and nobody writes to it")
    }

    async fn once<S: Read + ?Sized>(store: &S) -> Self {
        let mut everything = Self::default();
        for index in [Index::Links, Index::Aliases, Index::Responses] {
            for record in records(store, index).await {
                match record {
                    Record::Link(link) => everything.links.push(link),
                    Record::Alias(alias) => everything.aliases.push(alias),
                    Record::Response(response) => everything.responses.push(response),
                }
            }
        }
        for family in Family::ALL {
            everything.numbers.extend(numbers(store, *family).await);
        }
        everything
    }
}

async fn records<S: Read + ?Sized>(store: &S, index: Index) -> Vec<Record> {
    let prefix = Prefix::new(&Tenant::default());
    let (mut range, mut ids, mut all) = (Range::oldest(), BTreeSet::new(), Vec::new());
    loop {
        let page = store.page(index, &prefix, &range, MAX_PAGE).await.expect("a page");
        let Some(last) = page.last() else { return all };
        range.after = index.entry(last, &last.values()).map(|entry| entry.seek);
        for record in page {
            assert!(ids.insert(record.id()), "{} is listed twice", record.id());
            all.push(record);
        }
    }
}

async fn numbers<S: Read + ?Sized>(store: &S, family: Family) -> Vec<(CounterKey, i64)> {
    let prefix = CounterPrefix { tenant: Tenant::default(), family, parts: Vec::new() };
    let (mut range, mut all) = (CounterRange::first(MAX_PAGE), Vec::new());
    loop {
        let page = store.counters(&prefix, &range).await.expect("numbers");
        let Some((last, _)) = page.last() else { return all };
        assert!(range.after.as_ref().is_none_or(|after| after < last), "a page of numbers makes no progress");
        range.after = Some(last.clone());
        all.extend(page);
    }
}
