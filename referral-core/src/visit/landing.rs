//! Landing: a visitor follows a link.

use super::response::Via;
use super::touch::{Touch, TouchOutcome};
use super::visit::Visit;
use crate::link::DeadCode;
use crate::redirect::SafeDestination;
use crate::referrals::Referrals;

/// Where to send a visitor who followed a link, and what else to do. Always a redirect, never an error page.
#[derive(Debug)]
#[non_exhaustive]
pub struct Landing {
    /// What became of the touch, and what to do with the token.
    pub touch: Touch,
    /// Where to redirect to. Answer 302 with `Cache-Control: no-store` and `X-Robots-Tag: noindex`. Then the next click
    /// comes here again, and no search engine lists the link.
    pub redirect: SafeDestination,
    /// Whether the redirect is the configured fallback, because no other destination was known. A host that answers 404
    /// to dead codes asks this.
    pub fallback: bool,
}

impl Landing {
    /// Why the code leads nowhere, if it does.
    #[must_use]
    pub const fn dead(&self) -> Option<DeadCode> {
        match self.touch.outcome {
            TouchOutcome::Dead(dead) => Some(dead),
            _ => None,
        }
    }
}

impl Referrals {
    /// A visitor follows a link: resolves the code, classifies the request, records the response and says where to
    /// redirect to.
    ///
    /// A destination in the query (`redirect_to`, then `next`) wins if the policy allows it. A dead code leads to such a
    /// destination, otherwise to the stored one if the link expired or is exhausted, otherwise to the fallback. It changes
    /// no touch and no token. If the store fails, the visitor is redirected without attribution.
    pub async fn land(&self, code: &str, visit: &Visit) -> Landing {
        let touch = self.touch(code, visit, Via::Click).await;
        let wanted = self.wanted(&visit.url);
        let stored = || {
            let link = touch.link.as_ref()?;
            let leads = match &touch.outcome {
                TouchOutcome::Dead(dead) => matches!(dead, DeadCode::Expired | DeadCode::Exhausted),
                _ => true,
            };
            // Checked again: hosts that were allowed when it was stored may no longer be.
            let safe = leads.then(|| self.site.redirects().check_stored(link.destination.as_str()).ok())?;
            safe.filter(|destination| !self.site.is_link(destination))
        };
        match wanted.or_else(stored) {
            Some(redirect) => Landing { touch, redirect, fallback: false },
            None => Landing { touch, redirect: self.site.fallback().clone(), fallback: true },
        }
    }

    /// The destination that a request's query names, if it is safe.
    #[must_use]
    pub fn wanted(&self, url: &str) -> Option<SafeDestination> {
        let query = url.split_once('?')?.1;
        let query = query.split_once('#').map_or(query, |(query, _)| query);
        self.config.visits.redirect_parameters.iter().find_map(|name| {
            // The first of several: what a browser shows first is what a person checked.
            let (_, value) = url::form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name)?;
            self.site.redirects().check(&value).ok()
        })
    }
}
