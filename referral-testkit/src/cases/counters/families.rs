//! What is asked of one family is asked of every family, counted or tallied.

use referral_core::store::{Change, CounterKey, CounterPrefix, CounterRange, Family, MAX_PAGE};

use crate::cx::Cx;
use crate::make::{count_any, counter_of, numbers_of, tally, tenant};
use crate::texts::{SEPARATORS, TEXTS};

/// Adds one to each of these numbers, and gives them in the order of their keys.
async fn ones(cx: &Cx, mut keys: Vec<CounterKey>) -> Vec<(CounterKey, i64)> {
    for some in keys.chunks(500) {
        let changes: Vec<_> = std::iter::once(cx.witness()).chain(some.iter().map(one)).collect();
        cx.apply(changes).await;
    }
    keys.sort();
    keys.into_iter().map(|key| (key, 1)).collect()
}

fn one(key: &CounterKey) -> Change {
    if key.family.is_counted() { count_any(key, 1) } else { tally(key, 1) }
}

/// The same key in a family.
fn of(family: Family, first: &str, second: &str, bucket: i64) -> CounterKey {
    CounterKey { family, ..counter_of("", first, second, bucket) }
}

/// What a read of these numbers must give.
fn expected(
    all: &[(CounterKey, i64)],
    prefix: &CounterPrefix,
    range: &CounterRange,
) -> Vec<(CounterKey, i64)> {
    let inside = |key: &CounterKey| {
        key.tenant == prefix.tenant
            && key.family == prefix.family
            && key.parts.iter().zip(&prefix.parts).all(|(part, wanted)| part == wanted)
            && range.from.is_none_or(|from| from <= key.bucket)
            && range.until.is_none_or(|until| key.bucket < until)
            && range.after.as_ref().is_none_or(|after| after < key)
    };
    all.iter().filter(|(key, _)| inside(key)).take(range.limit as usize).cloned().collect()
}

async fn holds(cx: &Cx, all: &[(CounterKey, i64)], prefix: &CounterPrefix, range: &CounterRange) {
    let found = cx.numbers(prefix, range).await;
    assert_eq!(found, expected(all, prefix, range), "the numbers of {prefix:?} in {range:?}");
}

/// In every family, a prefix gives its own numbers, in the order of their keys, inside a half-open range, behind a key,
/// and no more than the limit.
pub async fn every_family_is_read_by_prefix_range_place_and_limit(cx: Cx) {
    for family in Family::ALL {
        let keys = ["", "a", "ab", "b"].iter().flat_map(|first| {
            ["", "x"]
                .iter()
                .flat_map(move |second| [-7, 0, 7].map(|bucket| of(*family, first, second, bucket)))
        });
        let all = ones(&cx, keys.collect()).await;
        for parts in [&[][..], &["a"], &["a", "x"], &["ab", ""], &[""], &["c"]] {
            let prefix = numbers_of("", *family, parts);
            for (from, until) in [(None, None), (Some(-7), Some(7)), (Some(0), None), (None, Some(0))] {
                for (after, limit) in [(None, 99), (None, 2), (Some(&all[8].0), 99), (Some(&all[13].0), 1)] {
                    let range = CounterRange { from, until, after: after.cloned(), limit };
                    holds(&cx, &all, &prefix, &range).await;
                }
            }
        }
    }
}

/// In a tallied family, parts that differ as bytes name different numbers, whatever they hold.
pub async fn parts_of_statistics_are_equal_only_byte_for_byte(cx: Cx) {
    let family = Family::ResponsesByOwnerDay;
    let mut texts: Vec<String> = TEXTS.iter().map(|text| (*text).to_owned()).collect();
    texts.extend(SEPARATORS.iter().flat_map(|s| [format!("a{s}b"), format!("a{s}"), format!("{s}b")]));
    let keys = texts
        .iter()
        .flat_map(|text| [of(family, text, "", 0), of(family, "a", text, 0), of(family, text, "b", 0)]);
    let mut keys: Vec<_> = keys.collect();
    keys.sort();
    keys.dedup();
    let all = ones(&cx, keys).await;
    holds(&cx, &all, &numbers_of("", family, &[]), &CounterRange::first(MAX_PAGE)).await;
    for text in &texts {
        holds(&cx, &all, &numbers_of("", family, &[text]), &CounterRange::first(999)).await;
        holds(&cx, &all, &numbers_of("", family, &["a", text]), &CounterRange::first(9)).await;
    }
}

/// A read begins anywhere in a prefix that holds more numbers than one page, behind a key as well as at a bucket.
pub async fn reading_begins_anywhere_in_a_large_family(cx: Cx) {
    for family in [Family::LinkUses, Family::Responses] {
        let all = ones(&cx, (0..1210).map(|bucket| of(family, "many", "", bucket * 2)).collect()).await;
        let many = numbers_of("", family, &["many"]);
        for place in [0, 1, 500, 998, 999, 1000, 1001, 1200, 1208, 1209] {
            let key = &all[place].0;
            let behind = CounterRange { after: Some(key.clone()), ..CounterRange::first(5) };
            holds(&cx, &all, &many, &behind).await;
            let at = CounterRange { from: Some(key.bucket), ..CounterRange::first(5) };
            holds(&cx, &all, &many, &at).await;
            let here = CounterRange { until: Some(key.bucket + 1), ..at };
            holds(&cx, &all, &many, &here).await;
        }
        holds(&cx, &all, &numbers_of("", family, &[]), &CounterRange::first(MAX_PAGE)).await;
    }
}

/// A range of buckets that ends where it begins, or before, is empty.
pub async fn a_range_of_buckets_that_ends_before_it_begins_is_empty(cx: Cx) {
    for family in [Family::LinkUses, Family::ResponsesByDay] {
        let all = ones(&cx, [-10, -1, 0, 1, 10].map(|bucket| of(family, "a", "", bucket)).to_vec()).await;
        for (from, until) in
            [(0, 0), (1, 0), (10, -10), (-1, -10), (i64::MAX, i64::MIN), (i64::MAX, i64::MAX)]
        {
            for after in [None, Some(all[1].0.clone())] {
                for parts in [&[][..], &["a"], &["a", ""]] {
                    let (from, until) = (Some(from), Some(until));
                    let range = CounterRange { from, until, after: after.clone(), limit: 9 };
                    let found = cx.numbers(&numbers_of("", family, parts), &range).await;
                    assert_eq!(found, [], "the numbers of {parts:?} in {range:?}");
                }
            }
        }
    }
}

/// The key behind which a read begins may lie outside of its prefix and its range, before them or behind them.
pub async fn a_read_goes_on_behind_a_key_outside_of_its_range(cx: Cx) {
    for family in [Family::LinkUses, Family::ResponsesByHour] {
        let keys =
            ["a", "b", "c"].iter().flat_map(|first| [-5, 0, 5].map(|bucket| of(family, first, "x", bucket)));
        let all = ones(&cx, keys.collect()).await;
        let places = [
            of(family, "", "", i64::MIN),
            of(family, "a", "zzz", i64::MAX),
            of(family, "b", "", 0),
            of(family, "b", "x", i64::MIN),
            of(family, "b", "x", -1),
            of(family, "b", "x", i64::MAX),
            of(family, "b", "y", i64::MIN),
            of(family, "d", "", 0),
            // Keys are ordered by tenant and family before anything else.
            of(Family::ALL[Family::ALL.len() - 1], "a", "x", 0),
            CounterKey { tenant: tenant("other"), ..of(family, "a", "x", 0) },
        ];
        let edges = [None, Some(0), Some(6)];
        let ranges: Vec<_> = edges.iter().flat_map(|from| edges.map(|until| (*from, until))).collect();
        for after in places {
            for parts in [&[][..], &["b"], &["b", "x"]] {
                for &(from, until) in &ranges {
                    let range = CounterRange { from, until, after: Some(after.clone()), limit: 9 };
                    holds(&cx, &all, &numbers_of("", family, parts), &range).await;
                }
            }
        }
    }
}
