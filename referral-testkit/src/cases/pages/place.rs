//! Records of every kind, and every place of an index in which they stand.

use std::collections::BTreeMap;

use referral_core::store::{Index, Kind, Part, Prefix, Range, Record, Seek, Value, bytes};
use uuid::Uuid;

use crate::cx::Cx;
use crate::fill::{Absent, Filling};

/// Times with ties, and both ends of them.
const TIMES: [i64; 7] = [5, 5, i64::MAX, -3, i64::MIN, 9, 5];

/// One prefix of one index, and what stands in it, oldest first.
pub(super) struct Place {
    pub(super) index: Index,
    pub(super) prefix: Prefix,
    pub(super) entries: Vec<(Seek, Record)>,
}

impl Place {
    pub(super) fn is_large(&self) -> bool {
        self.entries.len() > 20
    }

    /// What a page must hold.
    pub(super) fn expected(&self, range: &Range, limit: usize) -> Vec<Uuid> {
        let inside = |seek: &Seek| {
            range.from.is_none_or(|from| from <= seek.at)
                && range.until.is_none_or(|until| seek.at < until)
                && range.after.is_none_or(|after| if range.ascending { *seek > after } else { *seek < after })
        };
        let mut found: Vec<_> =
            self.entries.iter().filter(|(seek, _)| inside(seek)).map(|(seek, _)| seek.id).collect();
        if !range.ascending {
            found.reverse();
        }
        found.truncate(limit);
        found
    }

    pub(super) async fn holds(&self, cx: &Cx, range: Range, limit: u32) {
        let found = cx.page(self.index, &self.prefix, range, limit).await;
        let expected = self.expected(&range, limit as usize);
        assert_eq!(found, expected, "{limit} of {:?} {:?} in {range:?}", self.index, self.prefix);
    }
}

/// Stores records of every kind that share prefixes and times, with ids in no order, and gives every place that
/// they stand in. Every index has one.
pub(super) async fn world(cx: &Cx) -> Vec<Place> {
    let mut records = Vec::new();
    for kind in Kind::ALL {
        let nulls = Index::of(*kind).flat_map(|index| index.shape().parts).filter_map(|part| match part {
            Part::Null(column) => Some(Absent::Only(column)),
            Part::Is(_) => None,
        });
        let absent = [Absent::Nothing, Absent::Everything].into_iter().chain(nulls);
        for (absent, name, text) in absent.flat_map(|absent| {
            ["", "t"].iter().flat_map(move |name| ["ab", "abc"].map(move |text| (absent, *name, text)))
        }) {
            let filling = Filling { absent, text, ..Filling::PLAIN };
            for time in TIMES {
                records.push(placed(cx, cx.sample(*kind, &filling).unwrap(), name, time));
            }
        }
    }
    cx.insert(records.clone()).await;
    let places = places(&records);
    for index in Index::ALL {
        assert!(places.iter().any(|place| place.index == *index), "no sample stands in {index:?}");
    }
    places
}

/// The record at another id, tenant and time.
pub(super) fn placed(cx: &Cx, record: Record, name: &str, time: i64) -> Record {
    let kind = record.id().kind;
    let mut values = record.values();
    let mut set = |column, value| values[kind.position(column).unwrap()] = value;
    // An odd factor scatters ids that would otherwise grow.
    let scattered = cx.uuid().as_u128().wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    set("id", Value::Uuid(Uuid::from_u128(scattered)));
    set("tenant", Value::Text(name.to_owned().into()));
    set("created_at", Value::Int(time));
    set("version", Value::Int(1));
    Record::from_values(kind, values).unwrap()
}

fn places(records: &[Record]) -> Vec<Place> {
    let mut places: BTreeMap<Vec<u8>, Place> = BTreeMap::new();
    for record in records {
        let values = record.values();
        for index in Index::of(record.id().kind) {
            let Some(entry) = index.entry(record, &values) else { continue };
            places
                .entry(bytes::prefix(index, &entry.prefix))
                .or_insert_with(|| Place { index, prefix: entry.prefix.clone(), entries: Vec::new() })
                .entries
                .push((entry.seek, record.clone()));
        }
    }
    let mut places: Vec<_> = places.into_values().collect();
    for place in &mut places {
        place.entries.sort_by_key(|(seek, _)| *seek);
    }
    places
}
