//! What a host may choose about visits.

use std::collections::BTreeMap;
use std::time::Duration;

use super::classify::{Classifier, DefaultClassifier};
use super::storage::{AddressStorage, VisitStorage};
use crate::value::Action;

/// What a host chose about visits.
pub(crate) struct VisitSettings {
    /// What people read instead of an action's name.
    pub(crate) actions: BTreeMap<Action, String>,
    pub(crate) classifier: Box<dyn Classifier>,
    pub(crate) addresses: AddressStorage,
    pub(crate) storage: VisitStorage,
    /// Query parameters that name a destination for one visit, the first winning.
    pub(crate) redirect_parameters: Vec<String>,
    /// How long a touch can win later actions.
    pub(crate) window: Duration,
    /// Within which time a repeated click is a duplicate.
    pub(crate) repeat: Duration,
    pub(crate) token_life: Duration,
    /// Whether each response is also tallied for its owner, by day.
    pub(crate) owner_days: bool,
}

const DAY: Duration = Duration::from_hours(24);

impl Default for VisitSettings {
    fn default() -> Self {
        Self {
            actions: BTreeMap::from([(Action::RESPONDED, "Clicked on referral link".to_owned())]),
            classifier: Box::new(DefaultClassifier::default()),
            addresses: AddressStorage::default(),
            storage: VisitStorage::default(),
            redirect_parameters: vec!["redirect_to".into(), "next".into()],
            window: DAY.saturating_mul(30),
            repeat: Duration::from_hours(1),
            token_life: DAY.saturating_mul(90),
            owner_days: false,
        }
    }
}
