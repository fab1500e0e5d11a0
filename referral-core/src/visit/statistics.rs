//! Statistics: exact after every acknowledged write, and as quick for ten million responses as for ten.

use crate::catalogue::Family;
use crate::link::LinkId;
use crate::referrals::{Error, Referrals};
use crate::store::{CounterKey, CounterPrefix, NumberReads};
use crate::value::{Action, KeyPart, Timestamp};
use crate::visit::numbers::{by_action, by_bucket, link_part};

/// How often one action happened.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct ActionCount {
    /// What happened.
    pub action: Action,
    /// How often it counts.
    pub counted: i64,
    /// How often it is flagged: bots, repeats, the owner's own.
    pub flagged: i64,
}

/// What came through a link.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Statistics {
    /// By action, in the order of their names.
    pub actions: Vec<ActionCount>,
}

impl Statistics {
    /// How many counted clicks there are.
    #[must_use]
    pub fn responses(&self) -> i64 {
        let clicks = self.actions.iter().find(|count| count.action == Action::RESPONDED);
        clicks.map_or(0, |count| count.counted)
    }
}

impl Referrals {
    /// How many counted clicks a link has.
    ///
    /// # Errors
    /// `Store`.
    pub async fn response_count(&self, link: LinkId) -> Result<i64, Error> {
        let parts = [link_part(link), KeyPart::from(&Action::RESPONDED)];
        let key = CounterKey::new(self.tenant.clone(), Family::Responses, parts);
        Ok(self.store.number(&key).await?)
    }

    /// What came through a link, by action.
    ///
    /// # Errors
    /// `Store`.
    pub async fn statistics(&self, link: LinkId) -> Result<Statistics, Error> {
        let counted = by_action(&self.store, &self.tenant, Family::Responses, link).await?;
        let flagged = by_action(&self.store, &self.tenant, Family::Flagged, link).await?;
        let mut actions = std::collections::BTreeMap::<Action, (i64, i64)>::new();
        for (action, number) in counted {
            actions.entry(action).or_default().0 = number;
        }
        for (action, number) in flagged {
            actions.entry(action).or_default().1 = number;
        }
        let count = |(action, (counted, flagged))| ActionCount { action, counted, flagged };
        Ok(Statistics { actions: actions.into_iter().map(count).collect() })
    }

    /// How often an action counted, by hour in UTC: the hours that begin in the half-open range and have any, in the
    /// order of time; at most 1,000, so ask for the next ones from the last hour on.
    ///
    /// # Errors
    /// `Store`.
    pub async fn by_hour(
        &self,
        link: LinkId,
        action: &Action,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<(Timestamp, i64)>, Error> {
        let parts = vec![link_part(link), KeyPart::from(action)];
        let prefix = CounterPrefix { tenant: self.tenant.clone(), family: Family::ResponsesByHour, parts };
        Ok(by_bucket(&self.store, &prefix, from, until).await?)
    }

    /// What people read instead of an action's name; the name itself where the host named no text for it.
    #[must_use]
    pub fn action_display<'a>(&'a self, action: &'a Action) -> &'a str {
        self.config.actions.get(action).map_or(action.as_str(), String::as_str)
    }
}
