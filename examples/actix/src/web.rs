//! What stands between a web framework and core: from a request to a visit, and from a token to a cookie.

use actix_web::cookie::time::Duration;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::http::header::{REFERER, USER_AGENT};
use actix_web::{HttpRequest, HttpResponse};
use referral_core::facade::TokenChange;
use referral_core::token::{Purpose, TokenSigner};
use referral_core::visit::{FetchMetadata, Method, Visit};
use referral_core::{Error, Referrals, UserId};

/// Plain, because this example is http. On https: `__Host-referral`, and `secure(true)` below.
const COOKIE: &str = "referral";

pub(crate) struct Web {
    pub(crate) referrals: Referrals,
    signer: TokenSigner,
}

impl Web {
    pub(crate) fn new(referrals: Referrals) -> Self {
        let signer = referrals.signer(Purpose::Visitor, COOKIE);
        Self { referrals, signer }
    }

    /// The request, as far as referrals are concerned. A cookie that is not ours is no cookie.
    pub(crate) fn visit(&self, request: &HttpRequest, user: Option<UserId>) -> Visit {
        let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
        let method = Method::from_name(request.method().as_str());
        let mut visit = Visit::new(method, request.uri().to_string()).with_fetch(FetchMetadata::read(header));
        let now = self.referrals.clock().now();
        let cookie = request.cookie(COOKIE);
        visit.token =
            cookie.and_then(|cookie| self.signer.verify(cookie.value(), now).ok()).map(|it| it.token);
        visit.user = user;
        visit.address = request.peer_addr().map(|peer| peer.ip());
        visit.agent = header(USER_AGENT.as_str()).map(str::to_owned);
        visit.referrer = header(REFERER.as_str()).map(str::to_owned);
        visit
    }

    /// The visitor of this browser turns out to be this user.
    pub(crate) async fn identify(&self, request: &HttpRequest, user: &UserId) -> Result<TokenChange, Error> {
        let Some(visitor) = self.visit(request, None).visitor() else { return Ok(TokenChange::Keep) };
        self.referrals.identify(visitor, user).await?;
        Ok(TokenChange::Clear)
    }

    /// Writes what became of the token into the response.
    pub(crate) fn apply(&self, change: &TokenChange, response: &mut HttpResponse) {
        let mut cookie =
            Cookie::build(COOKIE, "").path("/").http_only(true).same_site(SameSite::Lax).finish();
        match change {
            TokenChange::Set(token) => {
                let life = token.expires_at.since(token.issued_at).as_secs();
                cookie.set_value(self.signer.sign(token));
                cookie.set_max_age(Duration::seconds(i64::try_from(life).unwrap_or(0)));
            }
            TokenChange::Clear => cookie.make_removal(),
            _ => return,
        }
        // A cookie of ours always fits a header; if not, the visit is not attributed, and goes on.
        let _ = response.add_cookie(&cookie);
    }
}
