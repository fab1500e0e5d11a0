//! How a host sets the library up.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use url::Url;

use crate::layer::{GroupCommit, GroupLimits};
use crate::link::{CacheLimits, CodeGenerator, LinkCache, RandomCode, ReservedWords};
use crate::redirect::RedirectPolicy;
use crate::referrals::config::{Config, Observer};
use crate::referrals::effects::Sink;
use crate::referrals::error::BuildError;
use crate::referrals::guard::Guard;
use crate::referrals::handle::Referrals;
use crate::referrals::hook::{Failure, Hook};
use crate::source::{Clock, IdSource, RandomIds, SystemClock};
use crate::store::Store;
use crate::token::KeyRing;
use crate::value::{Action, Tenant};
use crate::visit::{AddressStorage, Classifier, DefaultClassifier};

/// Collects what a host wants to be otherwise than by default. Only [`Builder::build`] can fail.
#[must_use]
pub struct Builder<S> {
    store: S,
    tenant: Tenant,
    keys: KeyRing,
    public_url: String,
    route: String,
    fallback: String,
    allowed_hosts: Vec<String>,
    landing_hosts: Vec<String>,
    redirect_parameters: Vec<String>,
    codes: Box<dyn CodeGenerator>,
    reserved: ReservedWords,
    attempts: u32,
    actions: Vec<(String, String)>,
    hooks: Vec<Box<dyn Hook>>,
    guards: Vec<Box<dyn Guard>>,
    observer: Option<Observer>,
    classifier: Box<dyn Classifier>,
    addresses: AddressStorage,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
    window: Duration,
    repeat: Duration,
    token_life: Duration,
    group: Option<GroupLimits>,
    cache: Option<CacheLimits>,
}

const DAY: Duration = Duration::from_hours(24);

impl<S: Store> Builder<S> {
    pub(super) fn new(store: S, keys: KeyRing, public_url: String) -> Self {
        Self {
            store,
            tenant: Tenant::default(),
            keys,
            public_url,
            route: "/r".into(),
            fallback: "/".into(),
            allowed_hosts: Vec::new(),
            landing_hosts: Vec::new(),
            redirect_parameters: vec!["redirect_to".into(), "next".into()],
            codes: Box::new(RandomCode::default()),
            reserved: ReservedWords::default(),
            attempts: 10,
            actions: Vec::new(),
            hooks: Vec::new(),
            guards: Vec::new(),
            observer: None,
            classifier: Box::new(DefaultClassifier::default()),
            addresses: AddressStorage::default(),
            clock: Arc::new(SystemClock),
            ids: Arc::new(RandomIds::default()),
            window: DAY.saturating_mul(30),
            repeat: Duration::from_hours(1),
            token_life: DAY.saturating_mul(90),
            group: Some(GroupLimits::default()),
            cache: Some(CacheLimits::default()),
        }
    }

    /// For this customer of the host's. Default: the empty one.
    pub fn with_tenant(mut self, tenant: Tenant) -> Self {
        self.tenant = tenant;
        self
    }

    /// Codes of new links come from here. Default: [`RandomCode`], ten symbols.
    pub fn with_codes(mut self, codes: impl CodeGenerator + 'static) -> Self {
        self.codes = Box::new(codes);
        self
    }

    /// Codes that nobody may choose and no generator may make. Default: those that routes need.
    pub fn with_reserved_words(mut self, words: ReservedWords) -> Self {
        self.reserved = words;
        self
    }

    /// How often a generator is asked for one link. Default: 10.
    pub fn with_attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts.max(1);
        self
    }

    /// What people read instead of an action's name. `RESPONDED` is "Clicked on referral link" unless named here.
    pub fn with_actions<A, T>(mut self, actions: impl IntoIterator<Item = (A, T)>) -> Self
    where
        A: Into<String>,
        T: Into<String>,
    {
        self.actions.extend(actions.into_iter().map(|(name, text)| (name.into(), text.into())));
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

    /// Reports trouble that no caller is told of. Default: nobody hears of it.
    pub fn with_observer(mut self, observer: impl Fn(&Failure<'_>) + Send + Sync + 'static) -> Self {
        self.observer = Some(Box::new(observer));
        self
    }

    /// Tells people, bots and speculative loads apart. Default: [`DefaultClassifier`].
    pub fn with_classifier(mut self, classifier: impl Classifier + 'static) -> Self {
        self.classifier = Box::new(classifier);
        self
    }

    /// What is kept of a visitor's address. Default: nothing.
    pub fn with_addresses(mut self, storage: AddressStorage) -> Self {
        self.addresses = storage;
        self
    }

    /// Lets links and `?redirect_to=` lead to this host too: `blog.example`, `blog.example:8443`.
    pub fn with_allowed_host(mut self, host: impl Into<String>) -> Self {
        self.allowed_hosts.push(host.into());
        self
    }

    /// Lets stored links, but not `?redirect_to=`, lead to this host too.
    pub fn with_landing_host(mut self, host: impl Into<String>) -> Self {
        self.landing_hosts.push(host.into());
        self
    }

    /// Where links live on the site. Default: `/r`, so that links read `https://shop.example/r/CODE`.
    pub fn with_route(mut self, route: impl Into<String>) -> Self {
        self.route = route.into();
        self
    }

    /// Where a dead code leads. Default: `/`.
    pub fn with_fallback(mut self, path: impl Into<String>) -> Self {
        self.fallback = path.into();
        self
    }

    /// Query parameters that name a destination for this one visit, the first winning. Default: `redirect_to`, `next`.
    pub fn with_redirect_parameters<T: Into<String>>(mut self, names: impl IntoIterator<Item = T>) -> Self {
        self.redirect_parameters = names.into_iter().map(Into::into).collect();
        self
    }

    /// How long a touch can win later actions. Default: 30 days.
    pub fn with_window(mut self, window: Duration) -> Self {
        self.window = window;
        self
    }

    /// Within which time a repeated click is a duplicate. Default: one hour.
    pub fn with_repeat_window(mut self, window: Duration) -> Self {
        self.repeat = window;
        self
    }

    /// How long a visitor's token lives. Default: 90 days; browsers keep none longer than 400.
    pub fn with_token_life(mut self, life: Duration) -> Self {
        self.token_life = life.min(DAY.saturating_mul(400));
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

    /// The facade.
    ///
    /// # Errors
    /// A public URL, a host, a path or an action's name that is none.
    pub fn build(self) -> Result<Referrals, BuildError> {
        let public_url = public_url(&self.public_url)?;
        let mut redirects = RedirectPolicy::new(&public_url);
        for host in &self.allowed_hosts {
            redirects = redirects.with_host(host)?;
        }
        for host in &self.landing_hosts {
            redirects = redirects.with_landing_host(host)?;
        }
        let path = |path: String| match RedirectPolicy::paths_only().check(&path) {
            Ok(safe) => Ok(safe),
            Err(_) => Err(BuildError::Path { path }),
        };
        let mut actions = BTreeMap::from([(Action::RESPONDED, "Clicked on referral link".to_owned())]);
        for (name, text) in self.actions {
            actions.insert(Action::new(name)?, text);
        }
        let config = Config {
            keys: self.keys,
            public_url,
            route: path(self.route)?.location().trim_end_matches('/').to_owned(),
            fallback: path(self.fallback)?,
            redirects,
            redirect_parameters: self.redirect_parameters,
            codes: self.codes,
            reserved: self.reserved,
            attempts: self.attempts,
            actions,
            hooks: self.hooks,
            guards: self.guards,
            observer: self.observer,
            classifier: self.classifier,
            addresses: self.addresses,
            clock: Arc::clone(&self.clock),
            ids: self.ids,
            window: self.window,
            repeat: self.repeat,
            token_life: self.token_life,
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
            tenant: self.tenant,
            store: outer,
            uncached: store,
            cache,
            sink: Sink::Now,
        })
    }
}

impl Referrals {
    /// Begins to set up a facade over a store, with the keys that sign tokens and the URL that the public knows the
    /// site by. `Host` headers are never asked.
    pub fn builder<S: Store>(store: S, keys: KeyRing, public_url: impl Into<String>) -> Builder<S> {
        Builder::new(store, keys, public_url.into())
    }
}

/// The site's own URL: absolute, `http` or `https`, nothing behind the path, and no trailing slash.
fn public_url(text: &str) -> Result<Url, BuildError> {
    let refuse = || BuildError::PublicUrl { url: text.to_owned() };
    let url = Url::parse(text).map_err(|_| refuse())?;
    let plain = matches!(url.scheme(), "http" | "https")
        && url.has_host()
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    if plain { Ok(url) } else { Err(refuse()) }
}
