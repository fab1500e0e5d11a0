//! Before the handler, and after it.

use http::header::{CACHE_CONTROL, SET_COOKIE};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Response};
use referral_core::Via;
use referral_core::link::DeadCode;
use referral_core::redirect::RedirectPolicy;
use referral_core::visit::{Method, TokenChange, TouchOutcome};

use crate::auth::AuthError;
use crate::cookie::Carried;
use crate::headers::redirect;
use crate::layer::{ReferralLayer, ServedSite, UnknownCode};
use crate::problem::Problem;
use crate::visitor::Visitor;
use crate::{query, request};

/// Everything that happens before the handler. An answer instead of a visitor is final.
pub(super) async fn arrive(layer: &ReferralLayer, parts: &Parts) -> Result<Visitor, Response<String>> {
    let site = match layer.site_of(parts) {
        Ok(site) => site,
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "the site of a request cannot be used");
            return Err(Problem::misconfigured().to_response());
        }
    };
    let mut visit = request::visit(parts, &layer.settings().addresses);
    let (mut change, mut auth_failed) = (TokenChange::Keep, false);
    match layer.authenticator().signed_in(parts).await {
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
    match site.cookie().read(&parts.headers, site.referrals().clock().now()) {
        Carried::Nothing => {}
        Carried::Worthless => change = TokenChange::Clear,
        Carried::Token { token, stale } => {
            if stale {
                change = TokenChange::Set(token);
            }
            visit.token = Some(token);
        }
    }
    let visitor = Visitor::new(layer.clone(), site, visit, change, auth_failed);
    jump(&visitor).await;
    match parameters(&visitor, parts).await {
        Some(mut answer) => {
            depart(&visitor, answer.headers_mut());
            Err(answer)
        }
        None => Ok(visitor),
    }
}

/// Session jumping: a signed-in user who carries a token is the visitor of that token.
async fn jump(visitor: &Visitor) {
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
async fn parameters(visitor: &Visitor, parts: &Parts) -> Option<Response<String>> {
    let visit = visitor.visit();
    if !matches!(visit.method, Method::Get | Method::Head) {
        return None;
    }
    let (path, query) = visit.url.split_once('?')?;
    // There the query holds nothing but a destination.
    if visitor.site().has_route(path) {
        return None;
    }
    let mut strip: Vec<&str> = Vec::new();
    let mut touched = false;
    for (name, unknown) in &visitor.layer().settings().parameters {
        // Of several only the first is looked up, so that one request costs few look-ups.
        let Some(code) = query::first(query, name) else { continue };
        let known = if touched { knows(visitor.site(), &code).await } else { touch(visitor, &code).await };
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
        tracing::debug!(uri_path_bytes = parts.uri.path().len(), "a code was not taken out of an odd URL");
    }
    location.map(redirect)
}

/// Records a touch; whether the code is one of ours.
async fn touch(visitor: &Visitor, code: &str) -> bool {
    let touch = visitor.touch(code, Via::Click).await;
    !matches!(touch.outcome, TouchOutcome::Dead(DeadCode::Unknown) | TouchOutcome::Failed(_))
}

async fn knows(site: &ServedSite, code: &str) -> bool {
    matches!(site.referrals().links().preview(code).await, Ok(Some(_)))
}

/// Appends what became of the token.
pub(super) fn depart(visitor: &Visitor, headers: &mut HeaderMap) {
    let (change, silent) = visitor.outcome();
    if silent {
        return;
    }
    let site = visitor.site();
    let now = site.referrals().clock().now();
    let Some(cookie) = site.cookie().header(&change, now) else { return };
    headers.append(SET_COOKIE, cookie);
    // A shared cache must not give one visitor's token to all others, nor take everybody's away.
    let kept_private = headers.get_all(CACHE_CONTROL).iter().any(|value| {
        let value = value.as_bytes().to_ascii_lowercase();
        [&b"no-store"[..], b"private"].iter().any(|word| value.windows(word.len()).any(|part| part == *word))
    });
    if !kept_private {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
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
