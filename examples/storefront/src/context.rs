//! What most handlers begin with.

use std::convert::Infallible;
use std::error::Error as StdError;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use referral_core::visit::Method;
use referral_core::{Link, Target};
use referral_tower::Visitor;

use crate::app::App;
use crate::error_page::{ErrorPage, causes};
use crate::pages::Shell;
use crate::session::Session;
use crate::shop::User;
use crate::wants::Wants;

/// A request, as a handler sees it.
pub(crate) struct Context {
    pub(crate) app: App,
    pub(crate) wants: Wants,
    pub(crate) visitor: Visitor,
    pub(crate) session: Session,
    query: Vec<(String, String)>,
}

impl FromRequestParts<App> for Context {
    type Rejection = ErrorPage;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ErrorPage> {
        let visitor = Visitor::from_request_parts(parts, app).await.map_err(|_| {
            // This cannot happen while the router has the referral layer. The extractor has logged it.
            ErrorPage::broken(std::io::Error::other("no referral layer around a page"))
        })?;
        let query = parts.uri.query().unwrap_or_default();
        Ok(Self {
            app: App::clone(app),
            wants: Wants::of(&parts.headers),
            visitor,
            session: parts.extensions.get::<Session>().cloned().unwrap_or_default(),
            query: form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
        })
    }
}

impl Context {
    /// A parameter of the query. If there are several of one name, it is the first.
    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Who is signed in.
    pub(crate) const fn user(&self) -> Option<&User> {
        self.session.user.as_ref()
    }

    /// The user who is signed in. Everybody else is asked to sign in.
    pub(crate) fn need_user(&self) -> Result<&User, ErrorPage> {
        self.user().ok_or_else(ErrorPage::signed_out)
    }

    /// The page of this shop that was named to go on to, if it is safe.
    pub(crate) fn safe(&self, next: &str) -> Option<String> {
        let safe = self.app.referrals.redirects().check(next).ok()?;
        Some(safe.location().to_owned())
    }

    /// Whether somebody looks at this page now: not a `HEAD`, and no browser that loads ahead.
    pub(crate) fn is_looked_at(&self) -> bool {
        let visit = self.visitor.visit();
        visit.method == Method::Get && !visit.fetch.is_speculative()
    }

    /// The link that the visitor came through, as far as that can be found out now.
    pub(crate) async fn came_by(&self) -> Option<Link> {
        or_nothing(self.visitor.link().await)
    }

    /// Records that the visitor did something.
    pub(crate) async fn record(&self, action: &str, target: Target) {
        or_nothing(self.visitor.record(action, Some(target)).await);
    }

    /// What every page has around it.
    pub(crate) async fn shell(&self) -> Result<Shell, ErrorPage> {
        // A user with an account was invited long ago.
        let invited_by = match self.user() {
            Some(_) => None,
            None => self.came_by().await.and_then(|link| link.owner).map(|owner| owner.as_str().to_owned()),
        };
        Ok(Shell {
            user: self.user().map(|user| user.name.clone()),
            invited_by,
            notice: self.query("done").and_then(crate::pages::notice),
        })
    }
}

/// What attribution found. If it failed, nothing: the failure is logged, and no visitor sees it.
pub(crate) fn or_nothing<T, E: StdError>(found: Result<Option<T>, E>) -> Option<T> {
    found.unwrap_or_else(|error| {
        tracing::warn!("a page went without attribution: {}", causes(&error));
        None
    })
}

/// For handlers that cannot fail.
impl From<Infallible> for ErrorPage {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}
