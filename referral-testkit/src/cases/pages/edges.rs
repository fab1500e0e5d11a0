//! Ranges that hold nothing, and places to go on from that lie outside of a range.

use referral_core::store::{MAX_PAGE, Range, Seek};
use uuid::Uuid;

use super::place::world;
use crate::cx::Cx;

/// A range that ends where it begins, or before, is empty, in both directions and behind any place.
pub async fn a_range_that_ends_before_it_begins_is_empty(cx: Cx) {
    for place in world(&cx).await.iter().step_by(3) {
        let after = place.entries.get(1).map(|(seek, _)| *seek);
        for (from, until) in
            [(5, 5), (6, 5), (9, -3), (i64::MAX, i64::MIN), (i64::MAX, i64::MAX), (5, i64::MIN)]
        {
            for (ascending, after) in [(true, None), (false, None), (true, after), (false, after)] {
                let range = Range { from: Some(from), until: Some(until), after, ascending };
                let found = cx.page(place.index, &place.prefix, range, MAX_PAGE).await;
                assert!(
                    found.is_empty(),
                    "{found:?} stands in {:?} {:?} in {range:?}",
                    place.index,
                    place.prefix
                );
            }
        }
    }
}

/// The place behind which a page begins may lie outside of its range, on either side and at both ends of time.
pub async fn a_page_goes_on_behind_a_place_outside_of_its_range(cx: Cx) {
    let seek = |at, id: Uuid| Seek { at, id };
    let places = [
        seek(i64::MIN, Uuid::nil()),
        seek(i64::MIN, Uuid::max()),
        seek(-4, Uuid::max()),
        seek(5, Uuid::nil()),
        seek(5, Uuid::max()),
        seek(7, Uuid::from_u128(7)),
        seek(i64::MAX, Uuid::nil()),
        seek(i64::MAX, Uuid::max()),
    ];
    for place in world(&cx).await.iter().filter(|place| !place.is_large()).step_by(3) {
        for after in places {
            for (from, until) in [(Some(-3), Some(6)), (Some(6), None), (None, Some(5)), (Some(5), Some(6))] {
                for ascending in [true, false] {
                    place.holds(&cx, Range { from, until, after: Some(after), ascending }, MAX_PAGE).await;
                }
            }
        }
    }
}
