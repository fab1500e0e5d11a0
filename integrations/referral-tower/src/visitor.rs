//! The visitor of a request, as a handler holds them.

use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::HeaderMap;
use referral_core::visit::{Identified, Landing, Method, SignedIn, TokenChange, Touch};
use referral_core::{
    Action, Error, Link, LinkId, Referrals, RequestId, Response, Target, TextError, Timestamp, UserId, Via,
    Visit,
};

use crate::layer::{ReferralLayer, ServedSite};

/// The visitor or user of a request. A handler says through it what they did.
///
/// [`ReferralLayer`] puts one into the extensions of every request; with axum it is an extractor. Clones are the same
/// visitor. If a verb changes the visitor's token, the layer sets or clears the cookie in the response.
///
/// ```
/// # use referral_core::{Error, UserId};
/// # use referral_tower::Visitor;
/// // In the handler that signs somebody up, after the account is stored:
/// async fn signed_up(visitor: Visitor, user: UserId) -> Result<(), Error> {
///     visitor.identify(&user).await?;
///     visitor.record("SIGNED_UP", None).await?;
///     Ok(())
/// }
/// ```
#[derive(Clone)]
pub struct Visitor {
    layer: ReferralLayer,
    site: Arc<ServedSite>,
    /// A handle over the host's transaction, instead of the site's.
    joined: Option<Referrals>,
    /// What the verbs of this clone are part of.
    request: Option<RequestId>,
    state: Arc<Mutex<State>>,
    /// What [`Visitor::committed`] writes to.
    root: Option<Arc<Mutex<State>>>,
}

/// What is known of a visitor so far, and what is to become of the token.
#[derive(Clone)]
pub(crate) struct State {
    pub(crate) visit: Arc<Visit>,
    pub(crate) change: TokenChange,
    /// The authenticator failed, so that nobody knows whether there is a user.
    pub(crate) auth_failed: bool,
}

/// Everything that [`Visitor::record`] takes as an action: an [`Action`], or its name.
pub trait IntoAction {
    /// The action.
    ///
    /// # Errors
    /// A name that is empty, over 128 bytes or holds a NUL.
    fn into_action(self) -> Result<Action, TextError>;
}

impl IntoAction for Action {
    fn into_action(self) -> Result<Action, TextError> {
        Ok(self)
    }
}

impl IntoAction for &Action {
    fn into_action(self) -> Result<Action, TextError> {
        Ok(self.clone())
    }
}

impl IntoAction for &str {
    fn into_action(self) -> Result<Action, TextError> {
        Action::new(self.to_owned())
    }
}

impl IntoAction for String {
    fn into_action(self) -> Result<Action, TextError> {
        Action::new(self)
    }
}

impl Visitor {
    pub(crate) fn new(
        layer: ReferralLayer,
        site: Arc<ServedSite>,
        visit: Visit,
        change: TokenChange,
        auth_failed: bool,
    ) -> Self {
        let state = Arc::new(Mutex::new(State { visit: Arc::new(visit), change, auth_failed }));
        Self { layer, site, joined: None, request: None, state, root: None }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing that holds the lock panics; were it to, the state would still be whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the library knows about the request, with the token and the user as they are at this moment.
    #[must_use]
    pub fn visit(&self) -> Arc<Visit> {
        Arc::clone(&self.state().visit)
    }

    /// Who is signed in, as the [`Authenticator`](crate::Authenticator) said, or as a call of
    /// [`identify`](Self::identify) in this request said.
    #[must_use]
    pub fn user(&self) -> Option<UserId> {
        self.visit().user.clone()
    }

    /// Who is signed in, and since when their account exists.
    #[must_use]
    pub fn signed_in(&self) -> Option<SignedIn> {
        let visit = self.visit();
        let user = visit.user.clone()?;
        Some(match visit.user_since {
            Some(since) => SignedIn::since(user, since),
            None => user.into(),
        })
    }

    /// The handle that this visitor's verbs use. It is the one for the [site](crate::sites) of the request, or the one
    /// given to [`Visitor::within`].
    #[must_use]
    pub fn referrals(&self) -> &Referrals {
        self.joined.as_ref().unwrap_or_else(|| self.site.referrals())
    }

    /// Whether a request that changes something comes from the site of this request itself. The rules are those of
    /// [`ReferralLayer::is_same_origin`].
    #[must_use]
    pub fn is_same_origin(&self, headers: &HeaderMap) -> bool {
        self.site.is_same_origin(headers)
    }

    pub(crate) fn site(&self) -> &ServedSite {
        &self.site
    }

    /// The layer that put this visitor into the request.
    #[must_use]
    pub const fn layer(&self) -> &ReferralLayer {
        &self.layer
    }

    /// The link that is credited with what this visitor does now. Most visitors came through no link: `None`.
    ///
    /// # Errors
    /// [`StoreError`](referral_core::store::StoreError).
    pub async fn link(&self) -> Result<Option<Link>, Error> {
        self.referrals().link_of(&self.visit()).await
    }

    /// Tells that the visitor is this user. Call it in the handler that signs them up, after the account is stored.
    /// Then every touch of this browser is the user's, and what is recorded later in the same request is recorded with
    /// the user.
    ///
    /// The answer is `None` if the browser carries no token, which is the ordinary case. Otherwise the cookie is
    /// cleared with the response. Without this call, the layer identifies the user at their next request.
    ///
    /// # Errors
    /// [`Refused`](referral_core::Refused) by a guard, [`StoreError`](referral_core::store::StoreError), and the kind
    /// [`Contended`](referral_core::ErrorKind::Contended). The token stays, so that a later request can try again.
    pub async fn identify(&self, user: impl Into<SignedIn> + Send) -> Result<Option<Identified>, Error> {
        let signed_in = user.into();
        let visitor = self.visit().visitor();
        let identified = match visitor {
            Some(visitor) => Some(self.referrals().identify(visitor, signed_in.clone()).await?),
            None => None,
        };
        let mut state = self.state();
        let visit = Arc::make_mut(&mut state.visit);
        visit.user = Some(signed_in.user);
        visit.user_since = signed_in.since;
        if visitor.is_some() {
            visit.token = None;
            state.change = TokenChange::Clear;
        }
        drop(state);
        Ok(identified)
    }

    /// The same as [`identify`](Self::identify), for an account that was made at a known moment. An account that is
    /// older than the touches claims them, and is no sign-up ([`Identified::sign_up`]).
    ///
    /// # Errors
    /// As [`identify`](Self::identify).
    pub async fn identify_since(&self, user: UserId, since: Timestamp) -> Result<Option<Identified>, Error> {
        self.identify(SignedIn::since(user, since)).await
    }

    /// The same visitor, whose [`record`](Self::record), [`respond`](Self::respond) and
    /// [`enter_code`](Self::enter_code) carry the host's own name for what is being done. Each of them, made again with
    /// that name, gets the first answer and counts once, also in another process. So a request whose answer was lost can
    /// be sent again. Two actions need two names.
    ///
    /// ```
    /// # use referral_tower::{Problem, Visitor};
    /// async fn ordered(visitor: Visitor, order: u64) -> Result<(), Problem> {
    ///     visitor.with_request(format!("order {order} placed"))?.record("ORDERED", None).await?;
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    /// A name that is empty, over 128 bytes or holds a NUL.
    pub fn with_request(&self, request: impl Into<Cow<'static, str>>) -> Result<Self, TextError> {
        Ok(Self { request: Some(RequestId::new(request)?), ..self.clone() })
    }

    /// The visit for the verbs that take a request id.
    fn named(&self) -> Arc<Visit> {
        let mut visit = self.visit();
        if let Some(request) = &self.request {
            Arc::make_mut(&mut visit).request = Some(request.clone());
        }
        visit
    }

    /// Records that this visitor did something, and credits the link of the winning touch. The answer is `None` if there
    /// is no such touch, which is the ordinary case.
    ///
    /// # Errors
    /// [`TextError`] for a name that is no action, [`Refused`](referral_core::Refused) by a guard,
    /// [`StoreError`](referral_core::store::StoreError).
    pub async fn record(
        &self,
        action: impl IntoAction + Send,
        target: Option<Target>,
    ) -> Result<Option<Response>, Error> {
        let action = action.into_action()?;
        self.referrals().record(&self.named(), action, target).await
    }

    /// Records that this visitor did something with a given link.
    ///
    /// # Errors
    /// [`TextError`] for a name that is no action, `NotFound` of [`LinkRefusal`](referral_core::link::LinkRefusal),
    /// `Nobody` of [`VisitRefusal`](referral_core::visit::VisitRefusal) if there is neither user nor token,
    /// [`Refused`](referral_core::Refused) by a guard, [`StoreError`](referral_core::store::StoreError).
    pub async fn respond(
        &self,
        link: LinkId,
        action: impl IntoAction + Send,
        target: Option<Target>,
    ) -> Result<Response, Error> {
        let action = action.into_action()?;
        self.referrals().respond(link, &self.named(), action, target).await
    }

    /// Records that the visitor typed a code, such as at sign-up. Call it before [`identify`](Self::identify), so that
    /// the touch becomes the user's too.
    ///
    /// # Errors
    /// [`StoreError`](referral_core::store::StoreError). An unknown or dead code is an outcome.
    pub async fn enter_code(&self, code: &str) -> Result<Touch, Error> {
        let touch = self.referrals().enter_code(&self.named(), code).await?;
        self.apply(&touch.token);
        Ok(touch)
    }

    /// Follows the link of a code, as `GET /r/{code}` does. It is for hosts with routes of their own, and never fails.
    pub async fn land(&self, code: &str) -> Landing {
        let landing = self.referrals().land(code, &self.visit()).await;
        self.apply(&landing.touch.token);
        landing
    }

    /// Records that the visitor came with a code, in whatever way. It never fails.
    pub async fn touch(&self, code: &str, via: Via) -> Touch {
        let touch = self.referrals().touch(code, &self.visit(), via).await;
        self.apply(&touch.token);
        touch
    }

    /// Clears the visitor's cookie with the response. Call it where a visitor withdraws their consent, or where an
    /// account is erased.
    pub fn forget(&self) {
        self.apply(&TokenChange::Clear);
    }

    /// The same visitor inside a transaction of the host's. Its verbs use `scope`, which is [`Referrals::within`] of a
    /// joined store, and see what the transaction wrote.
    ///
    /// Until [`committed`](Self::committed) is called on it, nothing changes for the visitor outside. So a transaction
    /// that is rolled back keeps the token. Make `scope` from [`Visitor::referrals`], which is the handle for the site
    /// of the request.
    ///
    /// ```
    /// # use referral_core::{Error, UserId};
    /// # use referral_core::memory::MemoryStore;
    /// # use referral_tower::Visitor;
    /// # async fn sign_up(visitor: Visitor, user: UserId) -> Result<(), Error> {
    /// let referrals = visitor.referrals();
    /// # let joined = MemoryStore::new();
    /// // `joined` comes from the SQL store's `join(tx)`.
    /// let scope = referrals.within(joined.clone());
    /// let inside = visitor.within(&scope);
    /// inside.identify(&user).await?;
    /// inside.record("SIGNED_UP", None).await?;
    /// let effects = scope.into_effects();
    /// // let tx = joined.release().await?; … tx.commit().await?;
    /// referrals.committed(effects).await;
    /// inside.committed();
    /// # Ok(()) }
    /// ```
    #[must_use = "call `committed` on it after the host's commit"]
    pub fn within(&self, scope: &Referrals) -> Self {
        Self {
            // Of the site of this request, whatever site the scope was made for.
            joined: Some(scope.for_site(self.referrals().site())),
            state: Arc::new(Mutex::new(self.state().clone())),
            root: Some(Arc::clone(&self.state)),
            ..self.clone()
        }
    }

    /// Tells that the host's transaction is committed. What happened to this visitor inside it now holds outside too,
    /// and the cookie goes with the response. On a visitor that does not come from [`within`](Self::within) it does
    /// nothing.
    pub fn committed(self) {
        if let Some(root) = &self.root {
            let state = self.state().clone();
            *root.lock().unwrap_or_else(PoisonError::into_inner) = state;
        }
    }

    fn apply(&self, change: &TokenChange) {
        if *change == TokenChange::Keep {
            return;
        }
        let mut state = self.state();
        state.change = change.clone();
        Arc::make_mut(&mut state.visit).token = match change {
            TokenChange::Set(token) => Some(*token),
            _ => None,
        };
    }

    /// What is to become of the token, and whether the request is one that must leave no trace.
    pub(crate) fn outcome(&self) -> (TokenChange, bool) {
        let state = self.state();
        let silent = matches!(state.visit.method, Method::Head | Method::Options)
            || state.visit.fetch.is_speculative();
        (state.change.clone(), silent)
    }

    pub(crate) fn auth_failed(&self) -> bool {
        self.state().auth_failed
    }
}

impl fmt::Debug for Visitor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Visitor").field("visit", &self.visit()).finish_non_exhaustive()
    }
}
