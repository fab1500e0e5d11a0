//! Typed reads of counters and tallies.

use async_trait::async_trait;

use crate::record::{Action, KeyPart, LinkId, Tenant, Timestamp};
use crate::store::{CounterKey, CounterPrefix, CounterRange, Family, MAX_PAGE, Read, StoreError};

/// Numbers about a link. Each costs the same for ten responses and for ten million.
#[async_trait]
pub trait NumberReads: Read {
    /// One number; 0 if it was never counted.
    async fn number(&self, key: &CounterKey) -> Result<i64, StoreError> {
        let prefix =
            CounterPrefix { tenant: key.tenant.clone(), family: key.family, parts: key.parts.to_vec() };
        let range =
            CounterRange { from: Some(key.bucket), until: key.bucket.checked_add(1), after: None, limit: 1 };
        Ok(self.counters(&prefix, &range).await?.first().map_or(0, |(_, value)| *value))
    }

    /// The numbers of a link by action; at most 1,000 actions.
    async fn by_action(
        &self,
        tenant: &Tenant,
        family: Family,
        link: LinkId,
    ) -> Result<Vec<(Action, i64)>, StoreError> {
        let prefix = CounterPrefix { tenant: tenant.clone(), family, parts: vec![link_part(link)] };
        let found = self.counters(&prefix, &CounterRange::first(MAX_PAGE)).await?;
        Ok(found.into_iter().filter_map(|(key, value)| Some((action(&key)?, value))).collect())
    }

    /// The numbers of a link and an action by hour, in the order of time: those hours that begin in the half-open
    /// range and have any; at most 1,000.
    async fn by_hour(
        &self,
        tenant: &Tenant,
        family: Family,
        link: LinkId,
        action: &Action,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<(Timestamp, i64)>, StoreError> {
        let prefix = CounterPrefix {
            tenant: tenant.clone(),
            family,
            parts: vec![link_part(link), KeyPart::from(action)],
        };
        let range = CounterRange {
            from: Some(from.as_millis()),
            until: Some(until.as_millis()),
            after: None,
            limit: MAX_PAGE,
        };
        let found = self.counters(&prefix, &range).await?;
        Ok(found.into_iter().map(|(key, value)| (Timestamp::from_millis(key.bucket), value)).collect())
    }
}

impl<R: Read + ?Sized> NumberReads for R {}

/// A link's id as a part of a counter's key.
pub(crate) fn link_part(link: LinkId) -> KeyPart {
    // A UUID in text has 36 bytes and no NUL.
    KeyPart::new(link.to_string()).unwrap_or(KeyPart::NONE)
}

fn action(key: &CounterKey) -> Option<Action> {
    let [_, action] = &key.parts;
    Action::new(action.as_str().to_owned()).ok()
}
