//! Typed reads of statistics.

use crate::catalogue::Family;
use crate::link::LinkId;
use crate::store::{CounterKey, CounterPrefix, CounterRange, MAX_PAGE, Read, StoreError};
use crate::value::{Action, KeyPart, Tenant, Timestamp};

/// The numbers of a family that belong to a link, by action; at most 1,000 actions.
pub(super) async fn by_action<R: Read + ?Sized>(
    store: &R,
    tenant: &Tenant,
    family: Family,
    link: LinkId,
) -> Result<Vec<(Action, i64)>, StoreError> {
    let prefix = CounterPrefix { tenant: tenant.clone(), family, parts: vec![link_part(link)] };
    let found = store.counters(&prefix, &CounterRange::first(MAX_PAGE)).await?;
    Ok(found.into_iter().filter_map(|(key, value)| Some((action(&key)?, value))).collect())
}

/// The numbers of these parts by bucket, in the order of time: those buckets that begin in the half-open range and
/// have any; at most 1,000.
pub(super) async fn by_bucket<R: Read + ?Sized>(
    store: &R,
    prefix: &CounterPrefix,
    from: Timestamp,
    until: Timestamp,
) -> Result<Vec<(Timestamp, i64)>, StoreError> {
    let range = CounterRange {
        from: Some(from.as_millis()),
        until: Some(until.as_millis()),
        after: None,
        limit: MAX_PAGE,
    };
    let found = store.counters(prefix, &range).await?;
    Ok(found.into_iter().map(|(key, value)| (Timestamp::from_millis(key.bucket), value)).collect())
}

/// A link's id as a part of a counter's key.
pub(crate) fn link_part(link: LinkId) -> KeyPart {
    // A UUID in text has 36 bytes and no NUL.
    KeyPart::new(link.to_string()).unwrap_or(KeyPart::NONE)
}

fn action(key: &CounterKey) -> Option<Action> {
    let [_, action] = &key.parts;
    Action::new(action.as_str().to_owned()).ok()
}
