//! A small site with everything switched on, and a browser to walk it with.

pub mod browser;
pub mod flaky;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::extract::State;
use axum::http::Uri;
use axum::routing::{any, get, post};
use http::request::Parts;
use referral_core::KeyRing;
use referral_core::PageRequest;
use referral_core::source::ManualClock;
use referral_core::visit::ResponseFilter;
use referral_core::visit::SignedIn;
use referral_core::{Builder, Referrals};
use referral_core::{Link, LinkDraft, Response, Timestamp, UserId, async_trait};
use referral_tower::{
    AuthError, Authenticator, Problem, ReferralLayer, ReferralLayerBuilder, Visitor, routes,
};

pub use browser::Browser;
pub use flaky::Flaky;

/// 2026-01-01.
pub const NOW: Timestamp = Timestamp::from_millis(1_767_225_600_000);
pub const SITE: &str = "https://shop.example";
pub const COOKIE: &str = "__Host-referral";

/// Whoever stands in `x-user` is signed in.
pub struct Headers;

#[async_trait]
impl Authenticator for Headers {
    async fn signed_in(&self, request: &Parts) -> Result<Option<SignedIn>, AuthError> {
        let header = |name: &str| request.headers.get(name).and_then(|value| value.to_str().ok());
        match header("x-auth") {
            Some("fails") => return Err(AuthError::failed("the session store is away")),
            Some("missing") => return Err(AuthError::misconfigured("the session layer")),
            _ => {}
        }
        let user = header("x-user").map(|user| UserId::new(user.to_owned()).unwrap());
        let since = header("x-since").map(|since| Timestamp::from_millis(since.parse().unwrap()));
        Ok(user.map(|user| match since {
            Some(since) => SignedIn::since(user, since),
            None => user.into(),
        }))
    }
}

/// The site under test.
pub struct Site {
    pub app: Router,
    pub referrals: Referrals,
    pub layer: ReferralLayer,
    pub store: Flaky,
    pub clock: Arc<ManualClock>,
    /// How often a handler of the host's ran.
    pub ran: Arc<AtomicUsize>,
}

impl Site {
    pub fn new() -> Self {
        Self::with(|builder| builder, |layer| layer)
    }

    pub fn with_layer(layer: impl FnOnce(ReferralLayerBuilder) -> ReferralLayerBuilder) -> Self {
        Self::with(|builder| builder, layer)
    }

    pub fn with(
        core: impl FnOnce(Builder<Flaky>) -> Builder<Flaky>,
        layer: impl FnOnce(ReferralLayerBuilder) -> ReferralLayerBuilder,
    ) -> Self {
        Self::at(Flaky::default(), KeyRing::generate().unwrap(), SITE, core, layer)
    }

    pub fn at(
        store: Flaky,
        keys: KeyRing,
        url: &str,
        core: impl FnOnce(Builder<Flaky>) -> Builder<Flaky>,
        layer: impl FnOnce(ReferralLayerBuilder) -> ReferralLayerBuilder,
    ) -> Self {
        let clock = Arc::new(ManualClock::at(NOW));
        let builder = Referrals::builder(store.clone(), keys, url).with_clock(Arc::clone(&clock));
        let referrals = core(builder).build().unwrap();
        let layer = layer(ReferralLayer::builder(referrals.clone(), Headers)).build().unwrap();
        let ran = Arc::new(AtomicUsize::new(0));
        let app = Router::new()
            .route("/signup", post(sign_up))
            .route("/code", post(enter_code))
            .route("/act", post(act))
            .route("/who", get(who))
            .fallback(any(echo))
            .with_state(Arc::clone(&ran))
            .merge(routes(&layer))
            .layer(layer.clone());
        Self { app, referrals, layer, store, clock, ran }
    }

    pub fn browser(&self) -> Browser {
        Browser::new(self.app.clone())
    }

    pub fn handlers_run(&self) -> usize {
        self.ran.load(Ordering::SeqCst)
    }

    /// A link of Ada's with this code.
    pub async fn link(&self, code: &str, to: &str) -> Link {
        link_of(&self.referrals, code, to).await
    }

    /// Every response there is, the oldest first.
    pub async fn responses(&self) -> Vec<Response> {
        responses_of(&self.referrals).await
    }
}

/// A link of Ada's with this code, at the site of a handle.
pub async fn link_of(referrals: &Referrals, code: &str, to: &str) -> Link {
    let draft = LinkDraft::to(to.to_owned()).unwrap().with_owner(user("ada"));
    referrals.links().create(draft.with_code(code.parse().unwrap())).await.unwrap()
}

/// Every response that a handle sees, the oldest first.
pub async fn responses_of(referrals: &Referrals) -> Vec<Response> {
    let mut filter = ResponseFilter::default();
    filter.oldest_first = true;
    referrals.responses().list(&filter, &PageRequest::first(1000)).await.unwrap().items
}

pub fn user(name: &str) -> UserId {
    UserId::new(name.to_owned()).unwrap()
}

async fn echo(State(ran): State<Arc<AtomicUsize>>, uri: Uri) -> String {
    ran.fetch_add(1, Ordering::SeqCst);
    uri.to_string()
}

/// `token user`, each `-` where there is none.
pub async fn who(visitor: Visitor) -> String {
    let token = visitor.visit().visitor().map_or_else(|| "-".to_owned(), |visitor| visitor.to_string());
    let user = visitor.user().map_or_else(|| "-".to_owned(), |user| user.as_str().to_owned());
    format!("{token} {user}")
}

/// Signs up whoever the body names.
pub async fn sign_up(visitor: Visitor, body: String) -> Result<String, Problem> {
    let user = UserId::new(body)?;
    let identified = visitor.identify(&user).await?;
    let recorded = visitor.record("SIGNED_UP", None).await?;
    let claimed = identified.map_or(0, |identified| identified.claimed.len());
    Ok(format!("claimed {claimed}, recorded {}", recorded.is_some()))
}

/// Enters the code in the body, and signs Grace up in the same request.
async fn enter_code(visitor: Visitor, body: String) -> Result<String, Problem> {
    let touch = visitor.enter_code(&body).await?;
    let recorded = touch.response().is_some();
    let identified = visitor.identify(&user("grace")).await?;
    Ok(format!("{recorded} {}", identified.map_or(0, |identified| identified.claimed.len())))
}

async fn act(visitor: Visitor, body: String) -> Result<String, Problem> {
    let link = visitor.link().await?.map(|link| link.code.to_string());
    let recorded = visitor.record(body, None).await?;
    Ok(format!("{link:?} {}", recorded.is_some()))
}
