//! Statistics. They are exact after every acknowledged write, and as quick for ten million responses as for ten.

use std::collections::{BTreeMap, BTreeSet};

use super::responses::Responses;
use super::tallies::{Level, Measure};
use crate::link::LinkId;
use crate::referrals::Error;
use crate::store::{
    CounterKey, CounterPrefix, CounterRange, KeyPart, MAX_PAGE, NumberReads as _, Read as _, StoreError,
    StoreErrorKind,
};
use crate::value::{Action, Timestamp, UserId};

/// How often something happened.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct Numbers {
    /// How often it counted.
    pub counted: i64,
    /// How often it was flagged, as for bots, repeats and the owner's own clicks.
    pub flagged: i64,
    /// How many of the counted ones are clicks of a browser that carried no token.
    pub new_visitors: i64,
}

impl Numbers {
    const fn add(&mut self, measure: Measure, number: i64) {
        let sum = match measure {
            Measure::Counted => &mut self.counted,
            Measure::Flagged => &mut self.flagged,
            Measure::NewVisitors => &mut self.new_visitors,
        };
        *sum = sum.saturating_add(number);
    }
}

/// How often each action happened.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct Statistics {
    /// The numbers of each action, in the order of the names.
    pub actions: BTreeMap<Action, Numbers>,
}

impl Statistics {
    /// How often an action happened.
    #[must_use]
    pub fn of(&self, action: &Action) -> Numbers {
        self.actions.get(action).copied().unwrap_or_default()
    }

    /// How many counted clicks there are.
    #[must_use]
    pub fn responses(&self) -> i64 {
        self.of(&Action::RESPONDED).counted
    }
}

impl Responses<'_> {
    /// How many counted clicks a link has.
    ///
    /// # Errors
    /// [`StoreError`](crate::store::StoreError).
    pub async fn count(&self, link: LinkId) -> Result<i64, Error> {
        let tenant = self.referrals.tenant();
        let at = Timestamp::from_millis(0);
        let key = Level::Link(link).key(tenant, Measure::Counted, &Action::RESPONDED, at);
        Ok(self.referrals.store.number(&key).await?)
    }

    /// The numbers of a link by action, for at most 1,000 actions.
    ///
    /// # Errors
    /// [`StoreError`](crate::store::StoreError).
    pub async fn statistics(&self, link: LinkId) -> Result<Statistics, Error> {
        let mut statistics = Statistics::default();
        self.add_link(link, &mut statistics).await?;
        Ok(statistics)
    }

    /// The numbers of several links together, such as all links of an owner.
    ///
    /// # Errors
    /// [`StoreError`](crate::store::StoreError).
    pub async fn statistics_of(&self, links: &[LinkId]) -> Result<Statistics, Error> {
        let mut statistics = Statistics::default();
        for link in links.iter().collect::<BTreeSet<_>>() {
            self.add_link(*link, &mut statistics).await?;
        }
        Ok(statistics)
    }

    async fn add_link(&self, link: LinkId, statistics: &mut Statistics) -> Result<(), Error> {
        for measure in Measure::ALL {
            let prefix = CounterPrefix {
                tenant: self.referrals.tenant().clone(),
                family: Level::Link(link).family(measure),
                parts: vec![link.key_part()],
            };
            let found = self.referrals.store.counters(&prefix, &CounterRange::first(MAX_PAGE)).await?;
            for (key, number) in found {
                if let Some(action) = action(&key) {
                    statistics.actions.entry(action).or_default().add(measure, number);
                }
            }
        }
        Ok(())
    }

    /// How often an action happened through a link, by hour in UTC: the hours that begin in the half-open range and
    /// have any, in the order of time.
    ///
    /// # Errors
    /// [`StoreError`](crate::store::StoreError).
    pub async fn by_hour(
        &self,
        link: LinkId,
        action: &Action,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<BTreeMap<Timestamp, Numbers>, Error> {
        self.by_bucket(Level::LinkHours(link), action, from, until).await
    }

    /// How often an action happened in the whole tenant, by day in UTC: the days that begin in the half-open range and
    /// have any, in the order of time.
    ///
    /// # Errors
    /// [`StoreError`](crate::store::StoreError).
    pub async fn by_day(
        &self,
        action: &Action,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<BTreeMap<Timestamp, Numbers>, Error> {
        self.by_bucket(Level::TenantDays, action, from, until).await
    }

    /// How often an action happened through the links of an owner, by day in UTC. Empty unless the host keeps these
    /// numbers, see [`Builder::with_owner_days`](crate::Builder::with_owner_days).
    ///
    /// # Errors
    /// [`StoreError`](crate::store::StoreError).
    pub async fn by_day_of_owner(
        &self,
        owner: &UserId,
        action: &Action,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<BTreeMap<Timestamp, Numbers>, Error> {
        self.by_bucket(Level::OwnerDays(owner), action, from, until).await
    }

    async fn by_bucket(
        &self,
        level: Level<'_>,
        action: &Action,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<BTreeMap<Timestamp, Numbers>, Error> {
        let mut buckets = BTreeMap::<Timestamp, Numbers>::new();
        for measure in Measure::ALL {
            let prefix = level.prefix(self.referrals.tenant(), measure, action);
            let (from, until) = (Some(from.as_millis()), Some(until.as_millis()));
            let mut range = CounterRange { from, until, after: None, limit: MAX_PAGE };
            loop {
                let found = self.referrals.store.counters(&prefix, &range).await?;
                let full = found.len() >= MAX_PAGE as usize;
                let last = found.last().map(|(key, _)| key.clone());
                // Without this, a store that gives the same page again would be asked for ever.
                if full && last <= range.after {
                    let message = "a page of numbers that goes on behind a key does not begin behind it";
                    return Err(
                        StoreError::new(StoreErrorKind::Corrupt, "referral", "counters", message).into()
                    );
                }
                range.after = last;
                for (key, number) in found {
                    buckets.entry(Timestamp::from_millis(key.bucket)).or_default().add(measure, number);
                }
                if !full {
                    break;
                }
            }
        }
        Ok(buckets)
    }
}

/// The action in the name of a link's number.
fn action(key: &CounterKey) -> Option<Action> {
    let [_, action]: &[KeyPart; 2] = &key.parts;
    Action::new(action.as_str().to_owned()).ok()
}
