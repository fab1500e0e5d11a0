//! Which piece of an index a read takes.
//!
//! Pages are cut out of their index by `min` and `max`, which name the first entry and the first behind the last
//! one: exact on any planner, also where a column of the index is null, and as quick on page 10,000 as on page 1.

use std::cmp::Ordering;

use mongodb::bson::{Bson, Document};
use referral_core::store::{CounterPrefix, CounterRange, Index, Part, Prefix, Range};
use uuid::Uuid;

use crate::schema::{self, COUNTER_FIELDS};

/// One end of a page: a value of the ordering column and, among the entries that have it, a place.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    First,
    At(Uuid),
    Last,
}

impl From<Place> for Bson {
    fn from(place: Place) -> Self {
        match place {
            Place::First => Self::MinKey,
            Place::At(uuid) => schema::id(uuid),
            Place::Last => Self::MaxKey,
        }
    }
}

/// The first entry of a page and the first behind it, in the order of the index; `None` where nothing lies between.
pub(crate) fn cut(index: Index, prefix: &Prefix, range: &Range) -> Option<(Document, Document)> {
    let mut min = range.from.map_or((i64::MIN, Place::First), |from| (from, Place::First));
    let mut max = range.until.map_or((i64::MAX, Place::Last), |until| (until, Place::First));
    if let Some(after) = range.after {
        if range.ascending {
            let next = after
                .id
                .as_u128()
                .checked_add(1)
                .map_or(Place::Last, |next| Place::At(Uuid::from_u128(next)));
            min = min.max((after.at, next));
        } else {
            max = max.min((after.at, Place::At(after.id)));
        }
    }
    if min >= max {
        return None;
    }
    let end = |(at, place): (i64, Place)| {
        let shape = index.shape();
        let mut end = Document::new();
        if let Some(tenant) = &prefix.tenant {
            end.insert("tenant", tenant.as_str());
        }
        let mut values = prefix.parts.iter();
        for part in shape.parts {
            let value = match part {
                Part::Is(_) => values.next().cloned().map_or(Bson::Null, schema::bson),
                Part::Null(_) => Bson::Null,
            };
            end.insert(schema::field(part.column()), value);
        }
        end.insert(schema::field(shape.order), at);
        end.insert("_id", place);
        end
    };
    Some((end(min), end(max)))
}

/// The ends of a read of numbers, in the order of [`COUNTER_ORDER`]; `None` where nothing lies between.
pub(crate) fn cut_counters(prefix: &CounterPrefix, range: &CounterRange) -> Option<(Document, Document)> {
    let start = (&prefix.tenant, prefix.family, prefix.parts.as_slice());
    let after = range.after.as_ref().map(|after| {
        let parts = after.parts.get(..prefix.parts.len()).unwrap_or_default();
        ((&after.tenant, after.family, parts).cmp(&start), after)
    });
    let after = match after {
        Some((Ordering::Greater, _)) => return None,
        Some((Ordering::Equal, after)) => Some(after),
        _ => None,
    };
    let end = |parts: &[Bson], rest: Bson| {
        let values = parts.iter().cloned().chain(std::iter::repeat(rest));
        let head = [Bson::from(prefix.tenant.as_str()), Bson::Int32(prefix.family.code().into())];
        let values = head.into_iter().chain(values);
        COUNTER_FIELDS.iter().map(|field| (*field).to_owned()).zip(values).collect::<Document>()
    };
    let parts: Vec<Bson> = prefix.parts.iter().map(|part| Bson::from(part.as_str())).collect();
    let min = match after {
        None => end(&parts, Bson::MinKey),
        Some(after) => {
            let [part1, part2] = &after.parts;
            end(&[part1.as_str().into(), part2.as_str().into(), after.bucket.into()], Bson::MaxKey)
        }
    };
    Some((min, end(&parts, Bson::MaxKey)))
}

#[cfg(test)]
mod tests {
    use referral_core::store::{CounterKey, Family, Seek};
    use referral_core::{KeyPart, Tenant};

    use super::*;

    fn page(range: Range) -> Option<(Document, Document)> {
        cut(Index::LinksEverywhere, &Prefix::everywhere(), &range)
    }

    fn seek(at: i64, id: u128) -> Option<Seek> {
        Some(Seek { at, id: Uuid::from_u128(id) })
    }

    #[test]
    fn ascending_pages_begin_behind_the_last_entry() {
        let (min, _) = page(Range { after: seek(5, 7), ..Range::oldest() }).unwrap();
        assert_eq!(min.get("_id"), Some(&schema::id(Uuid::from_u128(8))));
        let (min, _) = page(Range { after: seek(5, u128::MAX), ..Range::oldest() }).unwrap();
        assert_eq!((min.get_i64("created_at").unwrap(), min.get("_id")), (5, Some(&Bson::MaxKey)));
    }

    #[test]
    fn descending_pages_end_before_the_last_entry() {
        let (_, max) = page(Range { after: seek(5, 7), ..Range::newest() }).unwrap();
        assert_eq!(
            (max.get_i64("created_at").unwrap(), max.get("_id")),
            (5, Some(&schema::id(Uuid::from_u128(7))))
        );
    }

    // The server refuses ends of which the first is not the smaller one.
    #[test]
    fn what_holds_nothing_is_not_asked_for() {
        let range = |from, until| Range { from: Some(from), until: Some(until), ..Range::newest() };
        assert!(page(range(5, 5)).is_none());
        assert!(page(range(6, 5)).is_none());
        assert!(page(range(5, 6)).is_some());
        assert!(page(Range { until: Some(i64::MIN), ..Range::newest() }).is_none());
        assert!(page(Range { after: seek(5, 7), ..range(5, 9) }).is_some());
        assert!(page(Range { after: seek(9, 0), ascending: true, ..range(5, 9) }).is_none());
    }

    #[test]
    fn numbers_begin_behind_the_last_key_if_it_is_one_of_theirs() {
        let part = |text: &str| KeyPart::new(text.to_owned()).unwrap();
        let prefix =
            CounterPrefix { tenant: Tenant::default(), family: Family::LinkUses, parts: vec![part("m")] };
        let after = |first: &str| {
            let key = CounterKey::new(Tenant::default(), Family::LinkUses, [part(first), part("x")]);
            cut_counters(&prefix, &CounterRange { after: Some(key), ..CounterRange::first(9) })
        };
        assert_eq!(after("a").unwrap().0.get("part2"), Some(&Bson::MinKey));
        assert_eq!(after("m").unwrap().0.get("stripe"), Some(&Bson::MaxKey));
        assert!(after("z").is_none());
    }
}
