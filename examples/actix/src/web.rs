//! All that a web framework needs to work with core: it makes a visit of a request, and a cookie of a token.

use actix_web::cookie::time::Duration;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::http::header::{REFERER, USER_AGENT};
use actix_web::{HttpRequest, HttpResponse};
use referral_core::token::{Purpose, TokenSigner};
use referral_core::visit::{FetchMetadata, Method, TokenChange};
use referral_core::{Referrals, UserId, Visit};

pub(crate) struct Web {
    pub(crate) referrals: Referrals,
    /// What the visitor's cookie is called.
    cookie: String,
    signer: TokenSigner,
}

impl Web {
    pub(crate) fn new(referrals: Referrals) -> Self {
        // There is no prefix, because this example is http. On https, write `__Host-` before the name and
        // `secure(true)` below.
        let cookie = referrals.site().cookie_name().to_owned();
        let signer = referrals.signer(Purpose::Visitor, &cookie);
        Self { referrals, cookie, signer }
    }

    /// The request as a visit, and what is to become of its cookie. If a user is signed in and the browser carries a
    /// token, the user gets the touches of that token's visitor: at sign-up, and at every later request.
    pub(crate) async fn arrive(&self, request: &HttpRequest, user: Option<UserId>) -> (Visit, TokenChange) {
        let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
        let method = Method::from_name(request.method().as_str());
        let mut visit = Visit::new(method, request.uri().to_string()).with_fetch(FetchMetadata::read(header));
        let now = self.referrals.clock().now();
        let mut change = TokenChange::Keep;
        match request.cookie(&self.cookie).map(|cookie| self.signer.verify(cookie.value(), now)) {
            None => {}
            // A forged, expired or damaged token is of no use to anybody.
            Some(Err(_)) => change = TokenChange::Clear,
            Some(Ok(verified)) => {
                // The key that signed it will be removed soon, so the token is signed again with the newest key.
                if verified.stale_key {
                    change = TokenChange::Set(verified.token);
                }
                visit.token = Some(verified.token);
            }
        }
        visit.user = user;
        visit.address = request.peer_addr().map(|peer| peer.ip());
        visit.agent = header(USER_AGENT.as_str()).map(str::to_owned);
        visit.referrer = header(REFERER.as_str()).map(str::to_owned);
        if matches!(method, Method::Head | Method::Options) || visit.fetch.is_speculative() {
            return (visit, TokenChange::Keep);
        }
        if let (Some(user), Some(visitor)) = (&visit.user, visit.visitor()) {
            match self.referrals.identify(visitor, user).await {
                Ok(_) => {
                    visit.token = None;
                    change = TokenChange::Clear;
                }
                // The token stays, so that the next request tries again.
                Err(error) => eprintln!("a visitor was not identified: {error}"),
            }
        }
        (visit, change)
    }

    /// Writes what became of the token into the response.
    pub(crate) fn apply(&self, change: &TokenChange, response: &mut HttpResponse) {
        let mut cookie = Cookie::build(self.cookie.as_str(), "")
            .path("/")
            .http_only(true)
            .same_site(SameSite::Lax)
            .finish();
        match change {
            TokenChange::Set(token) => {
                let life = token.expires_at.since(token.issued_at).as_secs();
                cookie.set_value(self.signer.sign(token));
                cookie.set_max_age(Duration::seconds(i64::try_from(life).unwrap_or(0)));
            }
            TokenChange::Clear => cookie.make_removal(),
            _ => return,
        }
        // This cookie always fits a header. If it did not, the visit would go on without attribution.
        let _ = response.add_cookie(&cookie);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test says so when it breaks")]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;
    use referral_core::memory::MemoryStore;
    use referral_core::token::Key;
    use referral_core::{KeyRing, LinkDraft, Timestamp};

    fn key(id: &str) -> Key {
        Key::new(id, id.repeat(32)).unwrap()
    }

    fn web(keys: KeyRing) -> Web {
        Web::new(Referrals::builder(MemoryStore::new(), keys, "http://127.0.0.1:1").build().unwrap())
    }

    fn carrying(cookie: &str) -> HttpRequest {
        TestRequest::get().cookie(Cookie::new("referral", cookie.to_owned())).to_http_request()
    }

    /// The cookie of a browser that came through a link.
    async fn cookie(web: &Web) -> String {
        let link = web.referrals.links().get_or_create(LinkDraft::to("/").unwrap()).await.unwrap().link;
        let (visit, _) = web.arrive(&TestRequest::get().to_http_request(), None).await;
        match web.referrals.land(link.code.as_str(), &visit).await.touch.token {
            TokenChange::Set(token) => web.signer.sign(&token),
            other => panic!("{other:?}"),
        }
    }

    #[actix_web::test]
    async fn a_worthless_cookie_is_taken_away() {
        let (visit, change) = web(KeyRing::generate().unwrap()).arrive(&carrying("junk"), None).await;
        assert_eq!((visit.token, change), (None, TokenChange::Clear));
    }

    #[actix_web::test]
    async fn a_token_of_an_old_key_is_signed_again_with_the_new_one() {
        let (before, until) = (KeyRing::new(key("a")), Timestamp::from_millis(i64::MAX / 2));
        let old = cookie(&web(before.clone())).await;
        let web = web(before.rotated(key("b"), until).unwrap());
        let (visit, change) = web.arrive(&carrying(&old), None).await;
        assert_eq!(change, TokenChange::Set(visit.token.unwrap()));
    }

    #[actix_web::test]
    async fn whoever_is_signed_in_later_gets_the_touches_of_the_browser() {
        let web = web(KeyRing::generate().unwrap());
        let cookie = cookie(&web).await;
        let grace = UserId::new("grace").unwrap();
        let (visit, change) = web.arrive(&carrying(&cookie), Some(grace)).await;
        assert_eq!((visit.token, change), (None, TokenChange::Clear));
        assert!(web.referrals.link_of(&visit).await.unwrap().is_some());
    }
}
