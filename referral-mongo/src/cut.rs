//! Divides a read into pieces of an index.
//!
//! Each piece is one range of entries: the first fields are equal to a value, and the next field lies in a range.
//! So the database reads only the entries that it returns, on page 10,000 as on page 1. The entries after a
//! position in an order of several fields are more than one such range. For example, after (5, x) come the entries
//! with 5 and more than x, and then those with more than 5. The pieces are read one after another.

use std::cmp::Ordering;

use mongodb::bson::{Bson, Document};
use referral_core::store::{CounterPrefix, CounterRange, Index, Part, Prefix, Range};

use crate::schema::{self, COUNTER_FIELDS};

/// The filters of a page, in the order of reading. There are none if the range is empty.
pub(crate) fn page(index: Index, prefix: &Prefix, range: &Range) -> Vec<Document> {
    let shape = index.shape();
    let mut equal = Document::from_iter([("tenant".to_owned(), prefix.tenant.as_str().into())]);
    let mut values = prefix.parts.iter();
    for part in shape.parts {
        let value = match part {
            Part::Is(_) => values.next().cloned().map_or(Bson::Null, schema::bson),
            Part::Null(_) => Bson::Null,
        };
        equal.insert(schema::field(part.column()), value);
    }
    let order = schema::field(shape.order);
    let with = |field: &str, value: Bson| {
        let mut filter = equal.clone();
        filter.insert(field, value);
        filter
    };
    let inside =
        |at: i64| range.from.is_none_or(|from| at >= from) && range.until.is_none_or(|until| at < until);
    let mut pieces = Vec::new();
    let mut ends = Ends { from: range.from, after: None, before: None, until: range.until };
    if let Some(after) = range.after {
        let behind = if range.ascending { "$gt" } else { "$lt" };
        if inside(after.at) {
            // The entries with the same time, which the id orders.
            let mut ties = with(order, after.at.into());
            ties.insert("_id", Document::from_iter([(behind.to_owned(), schema::id(after.id))]));
            pieces.push(ties);
        }
        if range.ascending {
            ends.after = Some(after.at);
        } else {
            ends.before = Some(after.at);
        }
    }
    match ends.filter() {
        Some(at) if at.is_empty() => pieces.push(equal),
        Some(at) => pieces.push(with(order, at.into())),
        None => {}
    }
    pieces
}

/// The filters of a read of numbers, in the order of their keys. There are none if the range is empty.
pub(crate) fn numbers(prefix: &CounterPrefix, range: &CounterRange) -> Vec<Document> {
    let given: Vec<Bson> = prefix.parts.iter().map(|part| Bson::from(part.as_str())).collect();
    let after = range.after.as_ref().map(|after| {
        let parts = after.parts.get(..prefix.parts.len()).unwrap_or_default();
        let start = (&prefix.tenant, prefix.family, prefix.parts.as_slice());
        ((&after.tenant, after.family, parts).cmp(&start), after)
    });
    let mut ends = Ends { from: range.from, after: None, before: None, until: range.until };
    let (mut pieces, [_, _, part1, part2, ..]) = (Vec::new(), COUNTER_FIELDS);
    match after {
        Some((Ordering::Greater, _)) => return pieces,
        Some((Ordering::Equal, after)) => {
            let of_key = after.parts.each_ref().map(|part| Bson::from(part.as_str()));
            // First the same parts with a later bucket, then a later second part, then a later first part.
            let later = Ends { after: Some(after.bucket), ..ends };
            pieces.extend(later.filter().map(|bucket| numbers_of(prefix, &of_key, None, bucket)));
            let Some(any) = ends.filter() else { return pieces };
            for (at, field) in [(1, part2), (0, part1)] {
                if let (true, Some(equal), Some(value)) =
                    (at >= given.len(), of_key.get(..at), of_key.get(at))
                {
                    pieces.push(numbers_of(prefix, equal, Some((field, value)), any.clone()));
                }
            }
        }
        Some((Ordering::Less, _)) | None => {
            ends.after = None;
            pieces.extend(ends.filter().map(|bucket| numbers_of(prefix, &given, None, bucket)));
        }
    }
    pieces
}

/// The filter for numbers with these first parts and in these buckets. If `greater` is given, the next part is
/// greater than its value.
fn numbers_of(
    prefix: &CounterPrefix,
    parts: &[Bson],
    greater: Option<(&str, &Bson)>,
    bucket: Document,
) -> Document {
    let head = [Bson::from(prefix.tenant.as_str()), Bson::Int32(prefix.family.code().into())];
    let values = head.into_iter().chain(parts.iter().cloned());
    let mut filter: Document = COUNTER_FIELDS.iter().map(|field| (*field).to_owned()).zip(values).collect();
    if let Some((field, value)) = greater {
        filter.insert(field, Document::from_iter([("$gt".to_owned(), value.clone())]));
    }
    if !bucket.is_empty() {
        filter.insert("bucket", bucket);
    }
    filter
}

/// The ends of a range of integers.
#[derive(Clone, Copy)]
struct Ends {
    from: Option<i64>,
    after: Option<i64>,
    before: Option<i64>,
    until: Option<i64>,
}

impl Ends {
    /// The narrowest ends as a filter. The filter is empty if there is no end. It is `None` if the range is empty.
    fn filter(self) -> Option<Document> {
        // For integers, `> n` is the same as `>= n + 1`.
        let after = match self.after {
            Some(after) => Some(after.checked_add(1)?),
            None => None,
        };
        let least = self.from.max(after);
        let until = [self.before, self.until].into_iter().flatten().min();
        if let (Some(least), Some(until)) = (least, until)
            && least >= until
        {
            return None;
        }
        let ends = [("$gte", least), ("$lt", until)];
        Some(ends.into_iter().filter_map(|(end, at)| Some((end.to_owned(), at?.into()))).collect())
    }
}

#[cfg(test)]
mod tests {
    use mongodb::bson::doc;
    use referral_core::Tenant;
    use referral_core::store::KeyPart;
    use referral_core::store::{CounterKey, Family, Seek};
    use uuid::Uuid;

    use super::*;

    fn links(range: Range) -> Vec<Document> {
        page(Index::Links, &Prefix::new(&Tenant::default()), &range)
    }

    fn seek(at: i64) -> Option<Seek> {
        Some(Seek { at, id: Uuid::from_u128(7) })
    }

    #[test]
    fn a_page_without_ends_is_the_whole_prefix() {
        assert_eq!(links(Range::newest()), [doc! { "tenant": "" }]);
        let unclaimed = Prefix::new(&Tenant::default()).uuid(Uuid::from_u128(7));
        let filter = page(Index::ResponsesUnclaimed, &unclaimed, &Range::newest());
        assert_eq!(filter, [doc! { "tenant": "", "visitor": schema::id(Uuid::from_u128(7)), "user": null }]);
    }

    #[test]
    fn behind_a_place_come_its_ties_and_then_the_rest() {
        let id = schema::id(Uuid::from_u128(7));
        let newest = Range { from: Some(1), until: Some(9), after: seek(5), ascending: false };
        let ties = doc! { "tenant": "", "created_at": 5_i64, "_id": { "$lt": id.clone() } };
        assert_eq!(
            links(newest),
            [ties, doc! { "tenant": "", "created_at": { "$gte": 1_i64, "$lt": 5_i64 } }]
        );
        let ties = doc! { "tenant": "", "created_at": 5_i64, "_id": { "$gt": id } };
        let oldest = Range { ascending: true, ..newest };
        assert_eq!(
            links(oldest),
            [ties, doc! { "tenant": "", "created_at": { "$gte": 6_i64, "$lt": 9_i64 } }]
        );
    }

    #[test]
    fn what_holds_nothing_is_not_asked_for() {
        let range = |from, until| Range { from: Some(from), until: Some(until), ..Range::newest() };
        assert!(links(range(5, 5)).is_empty());
        assert!(links(range(6, 5)).is_empty());
        assert_eq!(links(range(5, 6)).len(), 1);
        assert!(links(Range { after: seek(5), ..range(5, 5) }).is_empty());
        assert!(links(Range { after: seek(9), ascending: true, ..range(5, 9) }).is_empty());
        let last = Range { after: seek(i64::MAX), ..Range::oldest() };
        assert_eq!(links(last).len(), 1, "the ties alone");
    }

    #[test]
    fn numbers_go_on_behind_a_key_in_as_many_runs_as_it_takes() {
        let part = |text: &str| KeyPart::new(text.to_owned()).unwrap();
        let key = CounterKey {
            bucket: 3,
            ..CounterKey::new(Tenant::default(), Family::LinkUses, [part("m"), part("x")])
        };
        let read = |parts: &[&str], after: &CounterKey| {
            let parts = parts.iter().copied().map(part).collect();
            let prefix = CounterPrefix { tenant: Tenant::default(), family: Family::LinkUses, parts };
            numbers(&prefix, &CounterRange { after: Some(after.clone()), ..CounterRange::first(9) })
        };
        let same = doc! {
            "tenant": "", "family": 1, "part1": "m", "part2": "x", "bucket": { "$gte": 4_i64 },
        };
        let second = doc! { "tenant": "", "family": 1, "part1": "m", "part2": { "$gt": "x" } };
        let first = doc! { "tenant": "", "family": 1, "part1": { "$gt": "m" } };
        assert_eq!(read(&["m", "x"], &key), std::slice::from_ref(&same));
        assert_eq!(read(&["m"], &key), [same.clone(), second.clone()]);
        assert_eq!(read(&[], &key), [same, second, first]);
        assert_eq!(
            read(&["n"], &key),
            [doc! { "tenant": "", "family": 1, "part1": "n" }],
            "the key is before them"
        );
        assert!(read(&["a"], &key).is_empty(), "the key is behind them");
    }
}
