//! A shop with a clock that stands still.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use referral_core::KeyRing;
use referral_core::Visit;
use referral_core::memory::MemoryStore;
use referral_core::source::{ManualClock, SequentialIds};
use referral_core::token::Token;
use referral_core::visit::Method;
use referral_core::visit::{Landing, TokenChange, Touch};
use referral_core::{Builder, Detail, Error, Referrals};
use referral_core::{Hook, HookError, Link, LinkDraft, Response, Timestamp, UserId, async_trait};

pub const HOUR: Duration = Duration::from_hours(1);
pub const DAY: Duration = Duration::from_hours(24);

pub struct World {
    pub referrals: Referrals,
    pub store: MemoryStore,
    pub clock: Arc<ManualClock>,
    pub heard: Heard,
}

/// What the hooks heard, in order.
#[derive(Clone, Default)]
pub struct Heard(Arc<Mutex<Vec<String>>>);

impl Heard {
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    fn push(&self, event: String) {
        self.0.lock().unwrap().push(event);
    }
}

#[async_trait]
impl Hook for Heard {
    async fn link_created(&self, link: &Link) -> Result<(), HookError> {
        self.push(format!("created {}", link.label));
        Ok(())
    }

    async fn link_changed(&self, link: &Link) -> Result<(), HookError> {
        self.push(format!("changed {}", link.label));
        Ok(())
    }

    async fn response_recorded(&self, response: &Response, _: &Link) -> Result<(), HookError> {
        self.push(format!("recorded {} {:?}", response.action, response.flags));
        Ok(())
    }

    async fn user_linked_to_response(&self, response: &Response, _: &Link) -> Result<(), HookError> {
        self.push(format!("linked {} {}", response.id, response.user.as_ref().unwrap()));
        Ok(())
    }
}

impl World {
    pub fn new() -> Self {
        Self::with(|builder| builder)
    }

    pub fn with(more: impl FnOnce(Builder<MemoryStore>) -> Builder<MemoryStore>) -> Self {
        let (store, heard) = (MemoryStore::new(), Heard::default());
        let clock = Arc::new(ManualClock::at(Timestamp::from_millis(1_800_000_000_000)));
        let builder = Referrals::builder(store.clone(), KeyRing::generate().unwrap(), "https://shop.example")
            .with_clock(Arc::clone(&clock))
            .with_ids(SequentialIds::default())
            .with_actions([("SIGNED_UP", "Signed up")])
            .with_hook(heard.clone());
        let referrals = more(builder).build().unwrap();
        Self { referrals, store, clock, heard }
    }

    /// A link of ada's to `/`.
    pub async fn link(&self) -> Link {
        self.link_to("/", "ada").await
    }

    pub async fn link_to(&self, destination: &'static str, owner: &'static str) -> Link {
        self.referrals.links().create(draft(destination, owner)).await.unwrap()
    }

    /// A new browser follows a link.
    pub async fn arrive(&self, link: &Link) -> (Landing, Token) {
        self.arrive_again(link, None).await
    }

    /// A browser with this token follows a link.
    pub async fn arrive_again(&self, link: &Link, token: Option<Token>) -> (Landing, Token) {
        let mut visit = get(&format!("/r/{}", link.code));
        visit.token = token;
        let landing = self.referrals.land(link.code.as_str(), &visit).await;
        let token = issued(&landing.touch).or(token).expect("a token");
        (landing, token)
    }
}

pub fn draft(destination: &'static str, owner: &'static str) -> LinkDraft {
    LinkDraft::to(destination).unwrap().with_owner(user(owner))
}

pub fn user(name: &'static str) -> UserId {
    UserId::new(name).unwrap()
}

/// A person's browser asks for a page.
pub fn get(url: &str) -> Visit {
    Visit::new(Method::Get, url).with_agent("Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0")
}

pub fn issued(touch: &Touch) -> Option<Token> {
    match touch.token {
        TokenChange::Set(token) => Some(token),
        _ => None,
    }
}

/// The detail of an error, where there is one of this type.
pub fn detail<D: Detail, T>(result: &Result<T, Error>) -> Option<&D> {
    result.as_ref().err()?.detail()
}
