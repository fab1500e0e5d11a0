//! Everything about a handle that does not change.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use url::Url;

use crate::link::{CodeGenerator, ReservedWords};
use crate::redirect::{RedirectPolicy, SafeDestination};
use crate::referrals::guard::Guard;
use crate::referrals::hook::{Failure, Hook};
use crate::source::{Clock, IdSource};
use crate::token::KeyRing;
use crate::value::Action;
use crate::visit::{AddressStorage, Classifier};

pub(crate) type Observer = Box<dyn Fn(&Failure<'_>) + Send + Sync>;

/// Everything about a facade that does not change.
pub(crate) struct Config {
    pub(crate) keys: KeyRing,
    pub(crate) public_url: Url,
    pub(crate) route: String,
    pub(crate) fallback: SafeDestination,
    pub(crate) redirects: RedirectPolicy,
    pub(crate) redirect_parameters: Vec<String>,
    pub(crate) codes: Box<dyn CodeGenerator>,
    pub(crate) reserved: ReservedWords,
    pub(crate) attempts: u32,
    pub(crate) actions: BTreeMap<Action, String>,
    pub(crate) hooks: Vec<Box<dyn Hook>>,
    pub(crate) guards: Vec<Box<dyn Guard>>,
    pub(crate) observer: Option<Observer>,
    pub(crate) classifier: Box<dyn Classifier>,
    pub(crate) addresses: AddressStorage,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<dyn IdSource>,
    pub(crate) window: Duration,
    pub(crate) repeat: Duration,
    pub(crate) token_life: Duration,
}
