//! All that a store holds, read page by page.

use std::collections::{BTreeMap, BTreeSet};

use referral_core::store::{
    CounterKey, CounterPrefix, CounterRange, Family, Index, MAX_PAGE, Prefix, Range, Read, Record, RecordId,
};
use referral_core::{Alias, Link, Response, Tenant};
use referral_testkit::child::parts;

use crate::samples::WRITERS;

/// How often a store is read again until two readings are equal. What a process had begun when it was killed, a
/// server may still finish; it does not take long.
const READINGS: usize = 20;

/// Everything in a store, of the tenant without a name.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Everything {
    /// All links.
    pub links: Vec<Link>,
    /// All codes that lead to a link, and those of changesets that were written in part.
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
        let all = Prefix::new(&Tenant::default());
        everything.links = records(store, Index::Links, &all).await;
        everything.responses = records(store, Index::Responses, &all).await;
        for family in Family::ALL {
            everything.numbers.extend(numbers(store, *family).await);
        }
        everything.aliases = aliases(store, &everything).await;
        everything
    }

    /// The numbers of changesets of which anything was seen, and those that were written at the same time.
    fn numbered(&self) -> Vec<u64> {
        let links = self.links.iter().filter_map(|link| match link.id.as_uuid().as_u64_pair() {
            (number, 1) => Some(number),
            _ => None,
        });
        let counted =
            self.numbers.keys().filter_map(|key| key.parts[0].as_str().strip_prefix("child-")?.parse().ok());
        // Numbers grow from the beginning of their cycle; the last one of it is the parent's.
        let mut last: BTreeMap<u64, u64> = BTreeMap::new();
        let mut seen = BTreeSet::new();
        for number in links.chain(counted) {
            seen.insert(number);
            if number & 0xffff_ffff < 0xffff_0000 {
                let last = last.entry(number >> 32).or_default();
                *last = number.max(*last);
            }
        }
        for (cycle, last) in last {
            seen.extend((cycle << 32)..=last + 4 * WRITERS);
        }
        seen.into_iter().collect()
    }
}

/// All codes: those of the links, and those of the changesets that may have been written in part.
async fn aliases<S: Read + ?Sized>(store: &S, everything: &Everything) -> Vec<Alias> {
    let numbered = everything.numbered();
    let ids: Vec<RecordId> = numbered.iter().map(|number| parts(*number).1.id.into()).collect();
    let mut found = BTreeMap::new();
    for ids in ids.chunks(MAX_PAGE as usize) {
        let there = store.get(ids).await.expect("records").into_iter().flatten();
        found.extend(there.filter_map(|record| Alias::try_from(record).ok()).map(|alias| (alias.id, alias)));
    }
    for link in everything.links.iter().filter(|link| link.id.as_uuid().as_u64_pair().1 != 1) {
        let prefix = Prefix::new(&Tenant::default()).uuid(link.id.as_uuid());
        let own: Vec<Alias> = records(store, Index::AliasesOfLink, &prefix).await;
        found.extend(own.into_iter().map(|alias| (alias.id, alias)));
    }
    found.into_values().collect()
}

async fn records<S: Read + ?Sized, T: TryFrom<Record>>(store: &S, index: Index, prefix: &Prefix) -> Vec<T> {
    let (mut range, mut ids, mut all) = (Range::oldest(), BTreeSet::new(), Vec::new());
    loop {
        let page = store.page(index, prefix, &range, MAX_PAGE).await.expect("a page");
        let Some(last) = page.last() else { return all };
        range.after = index.entry(last, &last.values()).map(|entry| entry.seek);
        for record in page {
            assert!(ids.insert(record.id()), "{} is listed twice", record.id());
            all.extend(T::try_from(record));
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
