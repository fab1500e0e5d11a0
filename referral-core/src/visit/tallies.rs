//! The statistics that one response is part of.

use super::response::Response;
use crate::catalogue::Family;
use crate::link::LinkId;
use crate::store::{CounterKey, CounterPrefix, KeyPart};
use crate::value::{Action, Tenant, Timestamp, UserId};

/// What is added up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Measure {
    Counted,
    Flagged,
    NewVisitors,
}

impl Measure {
    pub(super) const ALL: [Self; 3] = [Self::Counted, Self::Flagged, Self::NewVisitors];
}

/// What it is added up for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Level<'a> {
    /// A link's total.
    Link(LinkId),
    /// A link, by hour.
    LinkHours(LinkId),
    /// The tenant, by day.
    TenantDays,
    /// An owner, by day.
    OwnerDays(&'a UserId),
}

impl Level<'_> {
    pub(super) const fn family(self, measure: Measure) -> Family {
        match (self, measure) {
            (Self::Link(_), Measure::Counted) => Family::Responses,
            (Self::Link(_), Measure::Flagged) => Family::Flagged,
            (Self::Link(_), Measure::NewVisitors) => Family::NewVisitors,
            (Self::LinkHours(_), Measure::Counted) => Family::ResponsesByHour,
            (Self::LinkHours(_), Measure::Flagged) => Family::FlaggedByHour,
            (Self::LinkHours(_), Measure::NewVisitors) => Family::NewVisitorsByHour,
            (Self::TenantDays, Measure::Counted) => Family::ResponsesByDay,
            (Self::TenantDays, Measure::Flagged) => Family::FlaggedByDay,
            (Self::TenantDays, Measure::NewVisitors) => Family::NewVisitorsByDay,
            (Self::OwnerDays(_), Measure::Counted) => Family::ResponsesByOwnerDay,
            (Self::OwnerDays(_), Measure::Flagged) => Family::FlaggedByOwnerDay,
            (Self::OwnerDays(_), Measure::NewVisitors) => Family::NewVisitorsByOwnerDay,
        }
    }

    fn parts(self, action: &Action) -> [KeyPart; 2] {
        let action = KeyPart::from(action);
        match self {
            Self::Link(link) | Self::LinkHours(link) => [link.key_part(), action],
            Self::TenantDays => [action, KeyPart::NONE],
            Self::OwnerDays(owner) => [KeyPart::from(owner), action],
        }
    }

    const fn bucket(self, at: Timestamp) -> Timestamp {
        match self {
            Self::Link(_) => Timestamp::from_millis(0),
            Self::LinkHours(_) => at.hour(),
            Self::TenantDays | Self::OwnerDays(_) => at.day(),
        }
    }

    /// Names one number.
    pub(super) fn key(self, tenant: &Tenant, measure: Measure, action: &Action, at: Timestamp) -> CounterKey {
        CounterKey::new(tenant.clone(), self.family(measure), self.parts(action)).in_bucket(self.bucket(at))
    }

    /// Names the numbers of an action in all buckets.
    pub(super) fn prefix(self, tenant: &Tenant, measure: Measure, action: &Action) -> CounterPrefix {
        let parts = self.parts(action).to_vec();
        CounterPrefix { tenant: tenant.clone(), family: self.family(measure), parts }
    }
}

/// The statistics that a response is part of: at most six, and eight where owners have days of their own.
pub(super) fn tallies(response: &Response, new_visitor: bool, owner_days: bool) -> Vec<CounterKey> {
    let owner = response.owner.as_ref().filter(|_| owner_days).map(Level::OwnerDays);
    let levels = [Level::Link(response.link), Level::LinkHours(response.link), Level::TenantDays];
    let measures = match (response.counted, new_visitor) {
        (false, _) => [Some(Measure::Flagged), None],
        (true, false) => [Some(Measure::Counted), None],
        (true, true) => [Some(Measure::Counted), Some(Measure::NewVisitors)],
    };
    let mut keys = Vec::with_capacity(8);
    for level in levels.into_iter().chain(owner) {
        for measure in measures.into_iter().flatten() {
            keys.push(level.key(&response.tenant, measure, &response.action, response.created_at));
        }
    }
    keys
}
