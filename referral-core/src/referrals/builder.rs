//! How a host sets the library up.

use std::sync::Arc;
use std::time::Duration;

use super::config::{Config, Observer};
use super::effects::Sink;
use super::error::BuildError;
use super::guard::Guard;
use super::handle::Referrals;
use super::hook::{Failure, Hook};
use super::site::Site;
use crate::layer::{GroupCommit, GroupLimits};
use crate::link::{CacheLimits, CodeGenerator, LinkCache, LinkSettings, ReservedWords};
use crate::source::{Clock, IdSource, RandomIds, SystemClock};
use crate::store::Store;
use crate::token::KeyRing;
use crate::value::{Action, Tenant};
use crate::visit::{AddressStorage, Classifier, VisitSettings, VisitStorage};

/// Collects what a host wants to be otherwise than by default. Only [`Builder::build`] can fail.
#[must_use]
pub struct Builder<S> {
    store: S,
    keys: KeyRing,
    /// The first mistake is what `build` answers.
    site: Result<Site, BuildError>,
    links: LinkSettings,
    visits: VisitSettings,
    hooks: Vec<Box<dyn Hook>>,
    guards: Vec<Box<dyn Guard>>,
    observer: Option<Observer>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
    group: Option<GroupLimits>,
    cache: Option<CacheLimits>,
}

/// The longest that a browser keeps a cookie.
const LONGEST_TOKEN: Duration = Duration::from_hours(400 * 24);

impl<S: Store> Builder<S> {
    fn new(store: S, keys: KeyRing, public_url: &str) -> Self {
        Self {
            store,
            keys,
            site: Site::new(public_url),
            links: LinkSettings::default(),
            visits: VisitSettings::default(),
            hooks: Vec::new(),
            guards: Vec::new(),
            observer: None,
            clock: Arc::new(SystemClock),
            ids: Arc::new(RandomIds::default()),
            group: Some(GroupLimits::default()),
            cache: Some(CacheLimits::default()),
        }
    }

    /// For this customer of the host's. Default: the empty one.
    pub fn with_tenant(mut self, tenant: Tenant) -> Self {
        self.site = self.site.map(|site| site.with_tenant(tenant));
        self
    }

    /// Codes of new links come from here. Default: [`RandomCode`], ten symbols.
    pub fn with_codes(mut self, codes: impl CodeGenerator + 'static) -> Self {
        self.links.codes = Box::new(codes);
        self
    }

    /// Codes that nobody may choose and no generator may make. Default: those that routes need.
    pub fn with_reserved_words(mut self, words: ReservedWords) -> Self {
        self.links.reserved = words;
        self
    }

    /// How often a generator is asked for one link. Default: 10.
    pub fn with_attempts(mut self, attempts: u32) -> Self {
        self.links.attempts = attempts.max(1);
        self
    }

    /// What people read instead of an action's name. `RESPONDED` is "Clicked on referral link" unless named here.
    pub fn with_actions<A, T>(mut self, actions: impl IntoIterator<Item = (A, T)>) -> Self
    where
        A: Into<String>,
        T: Into<String>,
    {
        for (name, text) in actions {
            match Action::new(name.into()) {
                Ok(action) => drop(self.visits.actions.insert(action, text.into())),
                Err(error) => self.site = self.site.and(Err(error.into())),
            }
        }
        self
    }

    /// Tells this hook what happens; several are told in the order of these calls.
    pub fn with_hook(mut self, hook: impl Hook + 'static) -> Self {
        self.hooks.push(Box::new(hook));
        self
    }

    /// Asks this guard first; several are asked in the order of these calls, and the first denial ends it.
    pub fn with_guard(mut self, guard: impl Guard + 'static) -> Self {
        self.guards.push(Box::new(guard));
        self
    }

    /// Reports failures that no caller is told of. Default: they are logged through `tracing`, where that feature is on.
    pub fn with_observer(mut self, observer: impl Fn(&Failure<'_>) + Send + Sync + 'static) -> Self {
        self.observer = Some(Box::new(observer));
        self
    }

    /// Tells people, bots and speculative loads apart. Default: [`DefaultClassifier`].
    pub fn with_classifier(mut self, classifier: impl Classifier + 'static) -> Self {
        self.visits.classifier = Box::new(classifier);
        self
    }

    /// What is kept of a visitor's address. Default: nothing.
    pub fn with_addresses(mut self, storage: AddressStorage) -> Self {
        self.visits.addresses = storage;
        self
    }

    /// What is kept of where a visitor came from and landed, and of the browser's name. Default:
    /// [`VisitStorage::default`].
    pub fn with_storage(mut self, storage: VisitStorage) -> Self {
        self.visits.storage = storage;
        self
    }

    /// Whether each response is also tallied for the link's owner by day, which costs one or two rows more for each
    /// response. Worth it where owners have hundreds of links. What came before it was switched on is not in these
    /// numbers. Default: no, and the numbers of an owner's links are added up when they are read.
    pub fn with_owner_days(mut self, owner_days: bool) -> Self {
        self.visits.owner_days = owner_days;
        self
    }

    /// What the visitor's cookie is called, behind the prefix that its mode needs. Default: `referral`.
    pub fn with_cookie_name(mut self, name: impl Into<String>) -> Self {
        self.site = self.site.and_then(|site| site.with_cookie_name(name));
        self
    }

    /// Lets links and `?redirect_to=` lead to this host too: `blog.example`, `blog.example:8443`.
    pub fn with_allowed_host(mut self, host: impl AsRef<str>) -> Self {
        self.site = self.site.and_then(|site| site.with_allowed_host(host));
        self
    }

    /// Lets stored links, but not `?redirect_to=`, lead to this host too.
    pub fn with_landing_host(mut self, host: impl AsRef<str>) -> Self {
        self.site = self.site.and_then(|site| site.with_landing_host(host));
        self
    }

    /// Where links live on the site. Default: `/r`, so that links read `https://shop.example/r/CODE`.
    pub fn with_route(mut self, route: impl Into<String>) -> Self {
        self.site = self.site.and_then(|site| site.with_route(route));
        self
    }

    /// Where a dead code leads. Default: the path of the public URL, which is `/` for most.
    pub fn with_fallback(mut self, path: impl Into<String>) -> Self {
        self.site = self.site.and_then(|site| site.with_fallback(path));
        self
    }

    /// Query parameters that name a destination for this one visit, the first winning. Default: `redirect_to`, `next`.
    pub fn with_redirect_parameters<T: Into<String>>(mut self, names: impl IntoIterator<Item = T>) -> Self {
        self.visits.redirect_parameters = names.into_iter().map(Into::into).collect();
        self
    }

    /// How long a touch can win later actions. Default: 30 days.
    pub fn with_window(mut self, window: Duration) -> Self {
        self.visits.window = window;
        self
    }

    /// Within which time a repeated click is a duplicate. Default: one hour.
    pub fn with_repeat_window(mut self, window: Duration) -> Self {
        self.visits.repeat = window;
        self
    }

    /// How long a visitor's token lives. Default: 90 days; browsers keep none longer than 400.
    pub fn with_token_life(mut self, life: Duration) -> Self {
        self.visits.token_life = life.min(LONGEST_TOKEN);
        self
    }

    /// Tells the time. Default: the machine's clock.
    pub fn with_clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Makes ids. Default: UUIDv7.
    pub fn with_ids(mut self, ids: impl IdSource) -> Self {
        self.ids = Arc::new(ids);
        self
    }

    /// How concurrent writes are merged; `None` commits each by itself. Default: [`GroupLimits::default`].
    pub fn with_group_commit(mut self, limits: Option<GroupLimits>) -> Self {
        self.group = limits;
        self
    }

    /// How links are cached; `None` asks the store each time. Default: [`CacheLimits::default`].
    pub fn with_cache(mut self, limits: Option<CacheLimits>) -> Self {
        self.cache = limits;
        self
    }

    /// The handle.
    ///
    /// # Errors
    /// A public URL, a host, a path, a cookie's or an action's name that is none.
    pub fn build(self) -> Result<Referrals, BuildError> {
        let config = Config {
            keys: self.keys,
            links: self.links,
            visits: self.visits,
            hooks: self.hooks,
            guards: self.guards,
            observer: self.observer,
            clock: Arc::clone(&self.clock),
            ids: self.ids,
        };
        let store: Arc<dyn Store> = match self.group {
            Some(limits) => Arc::new(GroupCommit::with_limits(self.store, limits)),
            None => Arc::new(self.store),
        };
        let cache =
            self.cache.map(|limits| Arc::new(LinkCache::with_limits(store.clone(), limits, self.clock)));
        let outer: Arc<dyn Store> = match &cache {
            Some(cache) => Arc::clone(cache) as Arc<dyn Store>,
            None => Arc::clone(&store),
        };
        Ok(Referrals {
            config: Arc::new(config),
            site: Arc::new(self.site?),
            store: outer,
            uncached: store,
            cache,
            sink: Sink::Now,
        })
    }
}

impl Referrals {
    /// Begins to set up a handle over a store, with the keys that sign tokens and the URL that the public knows the
    /// site by. `Host` headers are never asked.
    pub fn builder<S: Store>(store: S, keys: KeyRing, public_url: impl AsRef<str>) -> Builder<S> {
        Builder::new(store, keys, public_url.as_ref())
    }
}
