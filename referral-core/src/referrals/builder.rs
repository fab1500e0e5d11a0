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

/// Collects the settings of a host. Only [`Builder::build`] can fail.
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

    /// Uses the data of this tenant. Default: the empty tenant.
    pub fn with_tenant(mut self, tenant: Tenant) -> Self {
        self.site = self.site.map(|site| site.with_tenant(tenant));
        self
    }

    /// Takes the codes of new links from this generator. Default: [`RandomCode`](crate::link::RandomCode) with ten symbols.
    pub fn with_codes(mut self, codes: impl CodeGenerator + 'static) -> Self {
        self.links.codes = Box::new(codes);
        self
    }

    /// Sets the codes that nobody may choose and no generator may make. Default: a few words that routes need.
    pub fn with_reserved_words(mut self, words: ReservedWords) -> Self {
        self.links.reserved = words;
        self
    }

    /// Sets how often a generator is asked for one link. Default: 10.
    pub fn with_attempts(mut self, attempts: u32) -> Self {
        self.links.attempts = attempts.max(1);
        self
    }

    /// Sets what people read instead of the names of actions. `RESPONDED` is "Clicked on referral link" unless it is
    /// named here.
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

    /// Tells this hook what happens. Several hooks are told in the order of these calls.
    pub fn with_hook(mut self, hook: impl Hook + 'static) -> Self {
        self.hooks.push(Box::new(hook));
        self
    }

    /// Asks this guard before a commit. Several guards are asked in the order of these calls, and the first denial ends
    /// the call.
    pub fn with_guard(mut self, guard: impl Guard + 'static) -> Self {
        self.guards.push(Box::new(guard));
        self
    }

    /// Reports failures that no caller is told of to this function. Default: they are logged through `tracing`, if that
    /// feature is on.
    pub fn with_observer(mut self, observer: impl Fn(&Failure<'_>) + Send + Sync + 'static) -> Self {
        self.observer = Some(Box::new(observer));
        self
    }

    /// Tells people, bots and speculative loads apart with this classifier. Default:
    /// [`DefaultClassifier`](crate::visit::DefaultClassifier).
    pub fn with_classifier(mut self, classifier: impl Classifier + 'static) -> Self {
        self.visits.classifier = Box::new(classifier);
        self
    }

    /// Sets what is kept of a visitor's address. Default: nothing.
    pub fn with_addresses(mut self, storage: AddressStorage) -> Self {
        self.visits.addresses = storage;
        self
    }

    /// Sets what is kept of the landing URL, the referrer and the user agent, and which parameters are kept as tags.
    /// Default: [`VisitStorage::default`].
    pub fn with_storage(mut self, storage: VisitStorage) -> Self {
        self.visits.storage = storage;
        self
    }

    /// Sets whether each response is also tallied for the owner of the link, by day. That costs one or two rows more for
    /// each response, and helps if owners have hundreds of links. These numbers begin when it is switched on. Default:
    /// no, and the numbers of an owner's links are added up when they are read.
    pub fn with_owner_days(mut self, owner_days: bool) -> Self {
        self.visits.owner_days = owner_days;
        self
    }

    /// Sets the name of the visitor's cookie, without the prefix that its mode needs. Default: `referral`.
    pub fn with_cookie_name(mut self, name: impl Into<String>) -> Self {
        self.site = self.site.and_then(|site| site.with_cookie_name(name));
        self
    }

    /// Lets links and `?redirect_to=` lead to this host too, such as `blog.example` or `blog.example:8443`.
    pub fn with_allowed_host(mut self, host: impl AsRef<str>) -> Self {
        self.site = self.site.and_then(|site| site.with_allowed_host(host));
        self
    }

    /// Lets stored links, but not `?redirect_to=`, lead to this host too.
    pub fn with_landing_host(mut self, host: impl AsRef<str>) -> Self {
        self.site = self.site.and_then(|site| site.with_landing_host(host));
        self
    }

    /// Sets the path of links on the site. Default: `/r`, so that links read `https://shop.example/r/CODE`.
    pub fn with_route(mut self, route: impl Into<String>) -> Self {
        self.site = self.site.and_then(|site| site.with_route(route));
        self
    }

    /// Sets where a dead code leads. Default: the path of the public URL, which is `/` for most sites.
    pub fn with_fallback(mut self, path: impl Into<String>) -> Self {
        self.site = self.site.and_then(|site| site.with_fallback(path));
        self
    }

    /// Sets the query parameters that name a destination for one visit. The first one in this order wins. Default:
    /// `redirect_to`, `next`.
    pub fn with_redirect_parameters<T: Into<String>>(mut self, names: impl IntoIterator<Item = T>) -> Self {
        self.visits.redirect_parameters = names.into_iter().map(Into::into).collect();
        self
    }

    /// Sets how long a touch can win later actions. Default: 30 days.
    pub fn with_window(mut self, window: Duration) -> Self {
        self.visits.window = window;
        self
    }

    /// Sets within which time a repeated click is a duplicate. Default: one hour.
    pub fn with_repeat_window(mut self, window: Duration) -> Self {
        self.visits.repeat = window;
        self
    }

    /// Sets how long a visitor's token lives. Default: 90 days. Browsers keep no cookie longer than 400 days.
    pub fn with_token_life(mut self, life: Duration) -> Self {
        self.visits.token_life = life.min(LONGEST_TOKEN);
        self
    }

    /// Asks this clock for the time. Default: the machine's clock.
    pub fn with_clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Takes ids from this source. Default: UUIDv7.
    pub fn with_ids(mut self, ids: impl IdSource) -> Self {
        self.ids = Arc::new(ids);
        self
    }

    /// Sets how concurrent writes are merged. With `None` each is committed by itself. Default:
    /// [`GroupLimits::default`].
    pub fn with_group_commit(mut self, limits: Option<GroupLimits>) -> Self {
        self.group = limits;
        self
    }

    /// Sets how links are cached. With `None` the store is asked each time. Default: [`CacheLimits::default`].
    pub fn with_cache(mut self, limits: Option<CacheLimits>) -> Self {
        self.cache = limits;
        self
    }

    /// Makes the handle.
    ///
    /// # Errors
    /// The first of these settings that cannot be used: the public URL, a host, a path, or the name of the cookie or of an
    /// action.
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
    /// Begins to set up a handle over a store, with the keys that sign tokens and the site's public URL. `Host` headers
    /// are never asked.
    pub fn builder<S: Store>(store: S, keys: KeyRing, public_url: impl AsRef<str>) -> Builder<S> {
        Builder::new(store, keys, public_url.as_ref())
    }
}
