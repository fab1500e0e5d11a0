//! What most handlers begin with.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use referral_core::visit::Method;
use referral_tower::Visitor;

use crate::app::App;
use crate::fault::Fault;
use crate::pages::Shell;
use crate::session::Session;
use crate::shop::User;
use crate::web::Wants;

/// A request, as a handler sees it.
pub(crate) struct Context {
    pub(crate) app: App,
    pub(crate) wants: Wants,
    pub(crate) visitor: Visitor,
    pub(crate) session: Session,
    query: Vec<(String, String)>,
}

impl FromRequestParts<App> for Context {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Fault> {
        let visitor = Visitor::from_request_parts(parts, app).await.map_err(|_| {
            // Cannot happen while the router is put together as it is; the extractor has logged it.
            Fault::broken(std::io::Error::other("no referral layer around a page"))
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
    /// A parameter of the query; the first of several.
    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Who is signed in.
    pub(crate) const fn user(&self) -> Option<&User> {
        self.session.user.as_ref()
    }

    /// Who is signed in; everybody else is asked to.
    pub(crate) fn need_user(&self) -> Result<&User, Fault> {
        self.user().ok_or_else(Fault::signed_out)
    }

    /// A page of this shop to go on to, where one was named that is safe.
    pub(crate) fn safe(&self, next: &str) -> Option<String> {
        let safe = self.app.referrals.redirects().check(next).ok()?;
        Some(safe.location().to_owned())
    }

    /// Whether somebody looks at this page now: not a `HEAD`, and no browser that loads ahead.
    pub(crate) fn is_looked_at(&self) -> bool {
        let visit = self.visitor.visit();
        visit.method == Method::Get && !visit.fetch.is_speculative()
    }

    /// What every page has around it.
    pub(crate) async fn shell(&self) -> Result<Shell, Fault> {
        // Whoever has an account was invited long ago.
        let invited_by = match self.user() {
            Some(_) => None,
            None => {
                self.visitor.link().await?.and_then(|link| link.owner).map(|owner| owner.as_str().to_owned())
            }
        };
        Ok(Shell {
            user: self.user().map(|user| user.name.clone()),
            invited_by,
            notice: self.query("done").and_then(crate::pages::notice),
        })
    }
}

/// For handlers that cannot fail.
impl From<Infallible> for Fault {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}
