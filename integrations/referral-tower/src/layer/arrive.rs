//! Before the handler, and after it.

use http::header::{CACHE_CONTROL, LOCATION, SET_COOKIE};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use referral_core::Via;
use referral_core::link::DeadCode;
use referral_core::redirect::RedirectPolicy;
use referral_core::visit::{Method, TokenChange, TouchOutcome};

use super::{ReferralLayer, UnknownCode};
use crate::auth::AuthError;
use crate::cookie::Carried;
use crate::{Problem, Visitor, query, request};

/// `X-Robots-Tag`, which the `http` crate does not name.
const ROBOTS: HeaderName = HeaderName::from_static("x-robots-tag");

impl ReferralLayer {
    /// Everything that happens before the handler. An answer instead of a visitor is final.
    pub(super) async fn arrive(&self, parts: &Parts) -> Result<Visitor, Response<String>> {
        let mut visit = request::visit(parts, &self.settings().addresses);
        let (mut change, mut auth_failed) = (TokenChange::Keep, false);
        match self.0.authenticator.signed_in(parts).await {
            Ok(Some(signed_in)) => {
                visit.user = Some(signed_in.user);
                visit.user_since = signed_in.since;
            }
            Ok(None) => {}
            Err(error @ AuthError::Misconfigured { .. }) => {
                tracing::error!(%error, "the referral layer cannot work");
                return Err(Problem::misconfigured().to_response());
            }
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "going on without a user");
                auth_failed = true;
            }
        }
        match self.cookie().read(&parts.headers, self.referrals().clock().now()) {
            Carried::Nothing => {}
            Carried::Worthless => change = TokenChange::Clear,
            Carried::Token { token, stale } => {
                if stale {
                    change = TokenChange::Set(token);
                }
                visit.token = Some(token);
            }
        }
        let visitor = Visitor::new(self.clone(), visit, change, auth_failed);
        self.jump(&visitor).await;
        match self.parameters(&visitor, parts).await {
            Some(mut answer) => {
                self.depart(&visitor, answer.headers_mut());
                Err(answer)
            }
            None => Ok(visitor),
        }
    }

    /// Session jumping: a signed-in user who carries a token is the visitor of that token.
    async fn jump(&self, visitor: &Visitor) {
        let visit = visitor.visit();
        let method = matches!(visit.method, Method::Get | Method::Post);
        let (Some(signed_in), Some(_), true) = (visitor.signed_in(), visit.token, method) else { return };
        if visit.fetch.is_speculative() {
            return;
        }
        // The token stays where it could not be used, so that the next request tries again.
        match visitor.identify(signed_in).await {
            Ok(_) => {}
            // A guard said no: the host knows.
            Err(error) if error.is_refused() => tracing::debug!(%error, "a visitor was not identified"),
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "a visitor was not identified");
            }
        }
    }

    /// `?ref=CODE` on any page: the redirect to the same page without it.
    async fn parameters(&self, visitor: &Visitor, parts: &Parts) -> Option<Response<String>> {
        let visit = visitor.visit();
        if !matches!(visit.method, Method::Get | Method::Head) {
            return None;
        }
        let (path, query) = visit.url.split_once('?')?;
        if self.is_referral_route(path) {
            return None;
        }
        let mut strip: Vec<&str> = Vec::new();
        let mut touched = false;
        for (name, unknown) in &self.settings().parameters {
            // Of several only the first is looked up, so that one request costs few look-ups.
            let Some(code) = query::first(query, name) else { continue };
            let known = if touched { self.knows(&code).await } else { self.touch(visitor, &code).await };
            touched |= known;
            if known || *unknown == UnknownCode::Strip {
                strip.push(name);
            }
        }
        if strip.is_empty() {
            return None;
        }
        let kept = query::without(query, |key| strip.contains(&key));
        let location = same_url(path, kept.as_deref());
        if location.is_none() {
            // Better no redirect than one that leads off the site. What was recorded stays.
            tracing::debug!(
                uri_path_bytes = parts.uri.path().len(),
                "a code was not taken out of an odd URL"
            );
        }
        location.map(redirect)
    }

    /// Whether a path is one of ours: there the query holds nothing but a destination.
    fn is_referral_route(&self, path: &str) -> bool {
        let below = |route: &str| {
            path.strip_prefix(route).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        below(self.referrals().route()) || below(&self.links_path())
    }

    /// Records a touch; whether the code is one of ours.
    async fn touch(&self, visitor: &Visitor, code: &str) -> bool {
        let touch = visitor.touch(code, Via::Click).await;
        !matches!(touch.outcome, TouchOutcome::Dead(DeadCode::Unknown) | TouchOutcome::Failed(_))
    }

    async fn knows(&self, code: &str) -> bool {
        matches!(self.referrals().links().preview(code).await, Ok(Some(_)))
    }

    /// Appends what became of the token.
    pub(super) fn depart(&self, visitor: &Visitor, headers: &mut HeaderMap) {
        let (change, silent) = visitor.outcome();
        if silent {
            return;
        }
        let now = self.referrals().clock().now();
        let Some(cookie) = self.cookie().header(&change, now) else { return };
        headers.append(SET_COOKIE, cookie);
        // A shared cache must not give one visitor's token to all others, nor take everybody's away.
        let kept_private = headers.get_all(CACHE_CONTROL).iter().any(|value| {
            let value = value.as_bytes().to_ascii_lowercase();
            [&b"no-store"[..], b"private"]
                .iter()
                .any(|word| value.windows(word.len()).any(|part| part == *word))
        });
        if !kept_private {
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
        }
    }
}

/// The same path, with another query, as the value of `Location`; none if a browser might leave the site by it.
fn same_url(path: &str, query: Option<&str>) -> Option<HeaderValue> {
    // `//evil.example/` is a path in a request, and another host in a `Location`.
    let path = format!("/{}", path.trim_start_matches('/'));
    let url = query.map_or_else(|| path.clone(), |query| format!("{path}?{query}"));
    let safe = RedirectPolicy::paths_only().check(&url).ok()?;
    // Every byte is kept where it may stand in a header; others can only be bytes outside of ASCII.
    let text = if url.bytes().all(|byte| byte.is_ascii_graphic()) { url.as_str() } else { safe.location() };
    HeaderValue::from_str(text).ok()
}

/// A redirect that nobody keeps and no search engine lists.
pub(crate) fn redirect(location: HeaderValue) -> Response<String> {
    let mut response = Response::new(String::new());
    *response.status_mut() = StatusCode::FOUND;
    let headers = response.headers_mut();
    headers.insert(LOCATION, location);
    unlisted(headers);
    response
}

/// `Cache-Control: no-store` and `X-Robots-Tag: noindex`.
pub(crate) fn unlisted(headers: &mut HeaderMap) {
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(ROBOTS, HeaderValue::from_static("noindex"));
}
