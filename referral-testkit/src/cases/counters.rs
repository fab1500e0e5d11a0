//! Counters are exact, and statistics add up.

mod families;

pub use families::*;

use std::collections::BTreeSet;
use std::pin::Pin;

use referral_core::LinkId;
use referral_core::store::{
    Changeset, Conflict, CounterKey, CounterPrefix, CounterRange, Family, MAX_PAGE, Outcome,
};
use uuid::Uuid;

use crate::cx::{Cx, assert_applied, assert_invalid};
use crate::make::{
    count, count_any, counter, counter_of, expect, numbers_of, statistic, tally, tenant, text,
};
use crate::texts::{NUMBERS, SEPARATORS, TEXTS};

async fn add(cx: &Cx, key: &CounterKey, add: i64) {
    cx.apply([cx.witness(), count_any(key, add)]).await;
}

/// Counts with bounds, which must be refused with the value before.
async fn refused(cx: &Cx, key: &CounterKey, add: i64, bounds: (i64, i64), value: i64) {
    let answer = cx.refused([cx.witness(), count(key, add, bounds.0, bounds.1)]).await;
    let expected = (1, Conflict::OutOfBounds { counter: key.clone(), value });
    assert_eq!(answer, expected, "{value} {add:+} is not within {bounds:?}");
    assert_eq!(cx.number(key).await, value, "a refused count leaves the number alone");
}

async fn allowed(cx: &Cx, key: &CounterKey, add: i64, bounds: (i64, i64), sum: i64) {
    let answer = cx.commit([cx.witness(), count(key, add, bounds.0, bounds.1)]).await;
    assert!(matches!(answer, Ok(Outcome::Applied)), "{sum} is within {bounds:?}: {answer:?}");
    assert_eq!(cx.number(key).await, sum);
}

fn whole(family: Family) -> CounterPrefix {
    numbers_of("", family, &[])
}

/// An absent counter is zero to the bounds and in what is reported.
pub async fn an_absent_counter_is_zero(cx: Cx) {
    let key = counter("absent");
    assert_eq!(cx.number(&key).await, 0);
    refused(&cx, &key, 1, (2, 9), 0).await;
    refused(&cx, &key, 0, (1, 9), 0).await;
    allowed(&cx, &key, 0, (0, 0), 0).await;
    allowed(&cx, &key, 2, (2, 9), 2).await;
}

/// The sum may be equal to the least and to the most.
pub async fn both_bounds_are_inside(cx: Cx) {
    let key = counter("bounded");
    for sum in 1..=3 {
        allowed(&cx, &key, 1, (0, 3), sum).await;
    }
    refused(&cx, &key, 1, (0, 3), 3).await;
    for sum in (0..=2).rev() {
        allowed(&cx, &key, -1, (0, 3), sum).await;
    }
    refused(&cx, &key, -1, (0, 3), 0).await;
    let once = counter("once");
    allowed(&cx, &once, 1, (0, 1), 1).await;
    refused(&cx, &once, 1, (0, 1), 1).await;
}

/// The bounds test the sum, not the value before and not what is added. A value outside may come in, and one inside
/// may not go out.
pub async fn the_bounds_test_the_sum(cx: Cx) {
    let key = counter("outside");
    add(&cx, &key, 100).await;
    allowed(&cx, &key, -95, (0, 10), 5).await;
    refused(&cx, &key, 6, (0, 10), 5).await;
    refused(&cx, &key, -6, (0, 10), 5).await;
    allowed(&cx, &key, 95, (100, 100), 100).await;
    refused(&cx, &key, 0, (0, 99), 100).await;
    allowed(&cx, &key, 0, (100, 200), 100).await;
}

/// The conflict names the value before the count.
pub async fn a_refused_count_names_the_value_before(cx: Cx) {
    let key = counter("value");
    for value in [1, -7, 1_000_000_007, i64::MAX] {
        let before = cx.number(&key).await;
        add(&cx, &key, value.checked_sub(before).unwrap_or(value)).await;
        refused(&cx, &key, -3, (i64::MIN, i64::MIN), cx.number(&key).await).await;
    }
}

/// The bounds `n..=n` ask for exactly one value.
pub async fn equal_bounds_compare_and_set(cx: Cx) {
    let key = counter("cas");
    for sum in 1..=5 {
        allowed(&cx, &key, 1, (sum, sum), sum).await;
        refused(&cx, &key, 1, (sum, sum), sum).await;
    }
    allowed(&cx, &key, -5, (0, 0), 0).await;
    // Bounds that nothing fits.
    refused(&cx, &key, 1, (2, 1), 0).await;
}

/// A count that would overflow is refused. The greatest number can still be reached.
pub async fn a_count_never_overflows_upwards(cx: Cx) {
    let key = counter("high");
    let any = (i64::MIN, i64::MAX);
    allowed(&cx, &key, i64::MAX - 1, any, i64::MAX - 1).await;
    refused(&cx, &key, 2, any, i64::MAX - 1).await;
    refused(&cx, &key, i64::MAX, any, i64::MAX - 1).await;
    allowed(&cx, &key, 1, any, i64::MAX).await;
    refused(&cx, &key, 1, any, i64::MAX).await;
    allowed(&cx, &key, i64::MIN, any, -1).await;
}

/// A count that would overflow downwards is refused. The smallest number can still be reached.
pub async fn a_count_never_overflows_downwards(cx: Cx) {
    let key = counter("low");
    let any = (i64::MIN, i64::MAX);
    allowed(&cx, &key, i64::MIN, any, i64::MIN).await;
    refused(&cx, &key, -1, any, i64::MIN).await;
    refused(&cx, &key, i64::MIN, any, i64::MIN).await;
    allowed(&cx, &key, i64::MAX, any, -1).await;
    allowed(&cx, &key, i64::MIN + 1, any, i64::MIN).await;
    refused(&cx, &key, -1, (i64::MIN, 0), i64::MIN).await;
}

/// A counter may be negative, because a balance can be owed.
pub async fn a_count_may_go_below_zero(cx: Cx) {
    let key = counter("debt");
    allowed(&cx, &key, -5, (-10, 0), -5).await;
    allowed(&cx, &key, -5, (-10, 0), -10).await;
    refused(&cx, &key, -1, (-10, 0), -10).await;
    assert_eq!(cx.numbers(&whole(Family::LinkUses), &CounterRange::first(9)).await, [(key, -10)]);
}

/// A number that came back to zero is not listed, nor one to which zero was added. Counting goes on from there.
pub async fn zero_is_not_listed(cx: Cx) {
    let (back, nothing, clicks) = (counter("back"), counter("nothing"), statistic("clicks", "all"));
    add(&cx, &back, 3).await;
    add(&cx, &back, -3).await;
    add(&cx, &nothing, 0).await;
    cx.apply([cx.witness(), tally(&clicks, 2)]).await;
    cx.apply([cx.witness(), tally(&clicks, -2)]).await;
    assert_eq!(cx.numbers(&whole(Family::LinkUses), &CounterRange::first(9)).await, []);
    assert_eq!(cx.numbers(&whole(Family::Responses), &CounterRange::first(9)).await, []);
    allowed(&cx, &back, 1, (1, 1), 1).await;
    cx.apply([cx.witness(), tally(&clicks, 4)]).await;
    assert_eq!(cx.number(&clicks).await, 4);
}

/// Tallies of every family add up, also where they go down.
pub async fn tallies_add_up_and_never_conflict(cx: Cx) {
    for family in Family::ALL.iter().filter(|family| !family.is_counted()) {
        let key = CounterKey { family: *family, ..statistic("link", "action") };
        let mut sum = 0;
        for add in [1, 1, 5, -9, 1_000_000_000_000, 0, -1] {
            cx.apply([cx.witness(), tally(&key, add)]).await;
            sum += add;
            assert_eq!(cx.number(&key).await, sum, "{family:?}");
        }
    }
}

/// A changeset may name a statistic more than once, and all of it counts.
pub async fn a_tally_made_twice_in_a_changeset_counts_twice(cx: Cx) {
    let (key, other) = (statistic("link", "action"), statistic("link", "other"));
    cx.apply([cx.witness(), tally(&key, 2), tally(&other, 1), tally(&key, 3)]).await;
    assert_eq!((cx.number(&key).await, cx.number(&other).await), (5, 1));
}

/// After a conflict, counters and statistics are what they were before.
pub async fn a_conflict_takes_counts_and_tallies_back(cx: Cx) {
    let (old, new) = (counter("old"), counter("new"));
    let (clicks, fresh) = (statistic("clicks", "old"), statistic("clicks", "new"));
    cx.apply([cx.witness(), count_any(&old, 5), tally(&clicks, 7)]).await;
    let absent = LinkId::from_uuid(Uuid::from_u128(1));
    let numbers = [count_any(&old, 1), count_any(&new, 1), tally(&clicks, 1), tally(&fresh, 1)];
    let changes = std::iter::once(cx.witness()).chain(numbers).chain([expect(absent, 1)]);
    cx.stale(changes, 5, absent, None).await;
    let counted = cx.numbers(&whole(Family::LinkUses), &CounterRange::first(9)).await;
    let tallied = cx.numbers(&whole(Family::Responses), &CounterRange::first(9)).await;
    assert_eq!((counted, tallied), (vec![(old.clone(), 5)], vec![(clicks, 7)]));
    // Also where the count itself is what fails, behind another one.
    let last = count(&new, 1, 9, 9);
    let (index, _) = cx.refused([cx.witness(), count_any(&old, 1), last]).await;
    assert_eq!((index, cx.number(&old).await), (2, 5));
}

/// Where three counts of a batch fit below a bound, the first three are applied.
pub async fn counts_of_a_batch_are_decided_one_after_another(cx: Cx) {
    let key = counter("cap");
    let batch: Vec<_> = (0..6).map(|_| Changeset::new([cx.witness(), count(&key, 1, 0, 3)])).collect();
    for (index, answer) in cx.batch(&batch).await.into_iter().enumerate() {
        let refused = Outcome::Conflict {
            index: 1,
            conflict: Conflict::OutOfBounds { counter: key.clone(), value: 3 },
        };
        let expected = if index < 3 { Outcome::Applied } else { refused };
        assert_eq!(answer.unwrap(), expected, "answer {index} of the batch");
    }
    // What one gives back, the next may take.
    let steps = [(-1, true), (1, true), (1, false), (-3, true), (3, true)];
    let batch = steps.map(|(add, _)| Changeset::new([cx.witness(), count(&key, add, 0, 3)]));
    for ((add, fits), answer) in steps.into_iter().zip(cx.batch(&batch).await) {
        assert_eq!(matches!(answer, Ok(Outcome::Applied)), fits, "{add:+}: {answer:?}");
    }
    assert_eq!(cx.number(&key).await, 3);
}

/// A statistic that would overflow stays at the end of its range without an error, and comes back from there. What
/// stands beside it is stored.
pub async fn a_tally_stays_at_the_end_of_its_range(cx: Cx) {
    for (name, end, step) in [("up", i64::MAX, 1), ("down", i64::MIN, -1)] {
        let (key, beside) = (statistic("link", name), statistic("beside", name));
        for add in [end, step, end, 5 * step, 0] {
            cx.apply([cx.witness(), tally(&key, add), tally(&beside, 1)]).await;
            assert_eq!(cx.number(&key).await, end, "{name}, after {add:+}");
        }
        // In a batch, where a store may merge them; and twice in one changeset.
        let (fresh, twice) = (statistic("fresh", name), statistic("twice", name));
        let over = || Changeset::new([cx.witness(), tally(&key, end), tally(&beside, 1), tally(&fresh, end)]);
        let both = Changeset::new([cx.witness(), tally(&twice, end), tally(&twice, end)]);
        for answer in cx.batch(&[over(), over(), both]).await {
            assert_applied(&answer);
        }
        assert_eq!((cx.number(&key).await, cx.number(&beside).await), (end, 7));
        assert_eq!((cx.number(&fresh).await, cx.number(&twice).await), (end, end));
        // A store may know how far beyond the end it would be, or have forgotten it.
        cx.apply([cx.witness(), tally(&key, -100 * step)]).await;
        let back = cx.number(&key).await;
        assert!(back == end || back == end - 100 * step, "{name}: {back} after it went back by 100");
    }
}

/// Parts may hold the characters that databases and hand-made keys separate with. No part runs into the next one.
pub async fn parts_that_hold_separators_are_kept_apart(cx: Cx) {
    let pairs = SEPARATORS.iter().flat_map(|s| {
        [
            (format!("a{s}b"), "c".to_owned()),
            ("a".to_owned(), format!("b{s}c")),
            (format!("a{s}"), format!("b{s}c")),
            (format!("a{s}b{s}"), "c".to_owned()),
            ("a".to_owned(), format!("{s}b")),
            (format!("{s}a"), s.to_string()),
        ]
    });
    let keys: BTreeSet<CounterKey> =
        pairs.map(|(first, second)| counter_of("", &first, &second, 0)).collect();
    let keys: Vec<_> = keys.into_iter().collect();
    let expected = each(&cx, keys.clone()).await;
    assert_eq!(cx.numbers(&whole(Family::LinkUses), &CounterRange::first(MAX_PAGE)).await, expected);
    for key in keys {
        assert_eq!(cx.number(&key).await, 1, "{key:?}");
        let of_first: Vec<_> =
            expected.iter().filter(|(other, _)| other.parts[0] == key.parts[0]).cloned().collect();
        let prefix = numbers_of("", Family::LinkUses, &[key.parts[0].as_str()]);
        assert_eq!(cx.numbers(&prefix, &CounterRange::first(99)).await, of_first, "those of {prefix:?}");
    }
}

/// Several members of a batch tally one number, and all of it counts.
pub async fn tallies_of_a_batch_add_up(cx: Cx) {
    let (key, other) = (statistic("link", "a"), statistic("link", "b"));
    let absent = LinkId::from_uuid(Uuid::from_u128(1));
    let batch = [
        Changeset::new([cx.witness(), tally(&key, 1), tally(&other, 1)]),
        Changeset::new([cx.witness(), tally(&key, 10)]),
        Changeset::new([cx.witness(), tally(&key, 5), expect(absent, 1)]),
        Changeset::new([cx.witness(), tally(&other, -4), tally(&key, 100)]),
    ];
    let answers = cx.batch(&batch).await;
    for index in [0, 1, 3] {
        assert_applied(&answers[index]);
    }
    assert!(matches!(&answers[2], Ok(Outcome::Conflict { index: 2, .. })), "{:?}", answers[2]);
    assert_eq!((cx.number(&key).await, cx.number(&other).await), (111, -3));
}

/// Counts one on each key, in the order given, and gives them in the order of keys.
fn each<'a>(cx: &'a Cx, keys: impl IntoIterator<Item = CounterKey>) -> Each<'a> {
    Box::pin(each_of(cx, keys.into_iter().collect()))
}

type Each<'a> = Pin<Box<dyn Future<Output = Vec<(CounterKey, i64)>> + Send + 'a>>;

async fn each_of(cx: &Cx, keys: Vec<CounterKey>) -> Vec<(CounterKey, i64)> {
    for some in keys.chunks(500) {
        let changes =
            some.iter().map(|key| if key.family.is_counted() { count_any(key, 1) } else { tally(key, 1) });
        cx.apply(std::iter::once(cx.witness()).chain(changes)).await;
    }
    let mut sorted: Vec<_> = keys.into_iter().map(|key| (key, 1)).collect();
    sorted.sort();
    sorted
}

/// Numbers are ordered by first part, second part and bucket, each compared as bytes.
pub async fn numbers_come_in_the_order_of_their_keys(cx: Cx) {
    let parts = ["b", "", "a", "ab", "B", "a ", "\u{e4}", "aa", "~", "\u{1f680}", "\u{ffff}"];
    let keys = parts.iter().flat_map(|first| {
        parts.iter().flat_map(move |second| [3, -3].map(|bucket| counter_of("", first, second, bucket)))
    });
    let expected = each(&cx, keys).await;
    assert_eq!(cx.numbers(&whole(Family::LinkUses), &CounterRange::first(MAX_PAGE)).await, expected);
}

/// A bucket before 1970 comes before one after it.
pub async fn buckets_are_ordered_also_below_zero(cx: Cx) {
    let keys = NUMBERS.iter().map(|bucket| counter_of("", "link", "", *bucket));
    let expected = each(&cx, keys).await;
    let found = cx.numbers(&numbers_of("", Family::LinkUses, &["link"]), &CounterRange::first(99)).await;
    assert_eq!(found, expected);
}

/// A range of buckets holds its beginning and not its end, where either is given or open.
pub async fn a_range_of_buckets_is_half_open(cx: Cx) {
    let expected = each(&cx, [-20, -10, 0, 10, 20].map(|bucket| counter_of("", "link", "", bucket))).await;
    let edges = [None, Some(i64::MIN), Some(-10), Some(-9), Some(0), Some(10), Some(11), Some(i64::MAX)];
    let pairs: Vec<_> = edges.iter().flat_map(|from| edges.map(|until| (*from, until))).collect();
    for (from, until) in pairs {
        let range = CounterRange { from, until, ..CounterRange::first(99) };
        let inside =
            |bucket| from.is_none_or(|from| bucket >= from) && until.is_none_or(|until| bucket < until);
        let expected: Vec<_> = expected.iter().filter(|(key, _)| inside(key.bucket)).cloned().collect();
        for parts in [&["link", ""][..], &["link"], &[]] {
            let found = cx.numbers(&numbers_of("", Family::LinkUses, parts), &range).await;
            assert_eq!(found, expected, "{range:?} of {parts:?}");
        }
    }
}

/// A prefix gives the numbers with exactly its parts. An empty part is a part like any other.
pub async fn a_prefix_gives_only_its_own_numbers(cx: Cx) {
    let parts = ["", "a", "ab", "b", "a ", "A"];
    let keys =
        parts.iter().flat_map(|first| parts.iter().map(move |second| counter_of("", first, second, 0)));
    let expected = each(&cx, keys).await;
    for first in parts {
        let of_first: Vec<_> =
            expected.iter().filter(|(key, _)| key.parts[0] == text(first)).cloned().collect();
        let found = cx.numbers(&numbers_of("", Family::LinkUses, &[first]), &CounterRange::first(99)).await;
        assert_eq!(found, of_first, "those of {first:?}");
        for second in parts {
            let both = numbers_of("", Family::LinkUses, &[first, second]);
            let found = cx.numbers(&both, &CounterRange::first(99)).await;
            assert_eq!(found, [(counter_of("", first, second, 0), 1)]);
        }
    }
    assert!(cx.numbers(&numbers_of("", Family::LinkUses, &["c"]), &CounterRange::first(99)).await.is_empty());
}

/// Pages of any size make up the whole. The key after which a page begins need not exist any more.
pub async fn the_next_page_begins_behind_its_key(cx: Cx) {
    let keys = ["a", "b", "c"].iter().flat_map(|first| {
        ["", "x"]
            .iter()
            .flat_map(move |second| [-1, 0, 1].map(|bucket| counter_of("", first, second, bucket)))
    });
    let expected = each(&cx, keys).await;
    for limit in [1, 2, 5, 17, 18, 19] {
        let mut found: Vec<(CounterKey, i64)> = Vec::new();
        loop {
            let after = found.last().map(|(key, _)| key.clone());
            let range = CounterRange { after, ..CounterRange::first(limit) };
            let page = cx.numbers(&whole(Family::LinkUses), &range).await;
            if page.is_empty() {
                break;
            }
            assert!(page.len() <= limit as usize);
            found.extend(page);
            assert!(found.len() <= expected.len(), "the pages never end");
        }
        assert_eq!(found, expected, "in pages of {limit}");
    }
    let after = Some(counter_of("", "b", "", 7));
    let range = CounterRange { after, ..CounterRange::first(99) };
    assert_eq!(cx.numbers(&whole(Family::LinkUses), &range).await, expected[9..]);
    // Together with a prefix and a range, each says its part.
    let range = CounterRange {
        from: Some(0),
        until: Some(1),
        after: Some(counter_of("", "b", "", 0)),
        ..CounterRange::first(9)
    };
    let found = cx.numbers(&numbers_of("", Family::LinkUses, &["b"]), &range).await;
    assert_eq!(found, [(counter_of("", "b", "x", 0), 1)]);
}

/// A read gives at most as many numbers as its limit says, also where the limit is zero.
pub async fn the_limit_is_kept(cx: Cx) {
    let expected = each(&cx, (0..1005).map(|bucket| counter_of("", "link", "", bucket))).await;
    for limit in [0, 1, 7, 999, 1000] {
        let found = cx.numbers(&whole(Family::LinkUses), &CounterRange::first(limit)).await;
        assert_eq!(found.len(), limit as usize);
        assert_eq!(found, expected[..limit as usize]);
    }
}

/// The same parts name a number of their own in each tenant and each family.
pub async fn tenants_and_families_do_not_share_numbers(cx: Cx) {
    let mut value = 0;
    let mut expected = Vec::new();
    for name in ["", "a", "ab", "A", "a ", "\u{e4}"] {
        for family in Family::ALL {
            value += 1;
            let key = CounterKey { tenant: tenant(name), family: *family, ..statistic("same", "parts") };
            let change =
                if family.is_counted() { count(&key, value, value, value) } else { tally(&key, value) };
            cx.apply([cx.witness(), change]).await;
            expected.push((key, value));
        }
    }
    for (key, value) in expected {
        let prefix = numbers_of(key.tenant.as_str(), key.family, &[]);
        let found = cx.numbers(&prefix, &CounterRange::first(99)).await;
        assert_eq!(found, [(key, value)]);
    }
}

/// Parts that differ in case, accents, normal form or trailing spaces name different numbers.
pub async fn key_parts_are_equal_only_byte_for_byte(cx: Cx) {
    let keys = TEXTS.iter().flat_map(|text| [counter_of("", text, "", 0), counter_of("", "x", text, 0)]);
    let expected = each(&cx, keys).await;
    assert_eq!(cx.numbers(&whole(Family::LinkUses), &CounterRange::first(MAX_PAGE)).await, expected);
    for (key, value) in expected {
        assert_eq!(cx.number(&key).await, value, "{key:?}");
    }
}

/// Parts of 255 bytes that differ in the last byte name different numbers.
pub async fn the_longest_key_parts_are_kept_apart(cx: Cx) {
    let name = "t".repeat(64);
    let long = |last: &str| format!("{}{last}", "\u{e9}".repeat(127));
    let keys = ["a", "b"]
        .iter()
        .flat_map(|first| ["a", "b"].map(|second| counter_of(&name, &long(first), &long(second), i64::MIN)));
    let expected = each(&cx, keys).await;
    let prefix = numbers_of(&name, Family::LinkUses, &[&long("a")]);
    assert_eq!(cx.numbers(&prefix, &CounterRange::first(9)).await, expected[..2]);
    for (key, _) in expected {
        assert_eq!(cx.number(&key).await, 1);
    }
}

/// A read by three parts or of 1,001 numbers is `Invalid`.
pub async fn a_read_that_asks_for_too_much_is_invalid(cx: Cx) {
    let store = cx.store();
    let many = store.counters(&whole(Family::LinkUses), &CounterRange::first(MAX_PAGE + 1)).await;
    assert_invalid(many, "a read of 1,001 numbers");
    let deep =
        store.counters(&numbers_of("", Family::LinkUses, &["a", "b", "c"]), &CounterRange::first(9)).await;
    assert_invalid(deep, "a read by three parts");
}
