//! What a visit is worth.

use crate::visit::bots::is_known;
use crate::visit::visit::{Method, Visit};

/// What a visit is worth to attribution. The visitor is redirected in every class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Class {
    /// A person, as far as anybody can tell. The visit is recorded, counted and credited.
    Human,
    /// A known bot. The visit is recorded with a flag, is never counted or credited, and
    /// gets no token.
    Bot,
    /// A part of another page, such as a frame or an image. It is redirected without
    /// attribution, so that no page can give its readers a touch.
    Embedded,
    /// A load before anybody clicked. Nothing is recorded and no token is set. The click
    /// itself is another request.
    Speculative,
    /// A question about the link, such as `HEAD`. Nothing is recorded and no token is set.
    Silent,
}

impl Class {
    /// Whether anything is recorded of it.
    pub const fn is_recorded(self) -> bool {
        matches!(self, Self::Human | Self::Bot)
    }

    /// Whether it may change the visitor's touches and token.
    pub const fn is_credited(self) -> bool {
        matches!(self, Self::Human)
    }
}

/// Says what a visit is worth.
///
/// A function can be a classifier:
///
/// ```
/// # use referral_core::Visit;
/// # use referral_core::visit::{Class, Classifier, DefaultClassifier};
/// fn takes(_: impl Classifier) {}
///
/// let ours = DefaultClassifier::default();
/// takes(move |visit: &Visit| {
///     if visit.url.contains("smoke-test") { Class::Silent } else { ours.classify(visit) }
/// });
/// ```
pub trait Classifier: Send + Sync {
    /// Says what this visit is worth. It is called in every landing, so it must not block.
    fn classify(&self, visit: &Visit) -> Class;
}

impl<F> Classifier for F
where
    F: Fn(&Visit) -> Class + Send + Sync,
{
    fn classify(&self, visit: &Visit) -> Class {
        self(visit)
    }
}

/// The built-in classifier. The first of these rules that applies decides:
///
/// 1. `HEAD` and `OPTIONS` are [`Class::Silent`];
/// 2. what the browser marks as prefetched, prerendered or previewed is
///    [`Class::Speculative`];
/// 3. a user agent with the name of a known bot in it is a [`Class::Bot`];
/// 4. a `GET` of which Fetch Metadata say that it opens no page of its own is
///    [`Class::Embedded`]. Other methods are not: a form or a script of the host's
///    site posts what its user did;
/// 5. everything else is [`Class::Human`], also where no header says anything.
///
/// The scanners of mail servers cannot be told from people: never let a `GET`
/// change anything that matters.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DefaultClassifier {
    more: Vec<String>,
    people: Vec<String>,
}

/// How much of a user agent is looked at, in bytes.
const AGENT_MAX: usize = 1024;

impl DefaultClassifier {
    /// Recognises one more bot by a part of its user agent, in any letter case. An empty
    /// part matches no bot.
    #[must_use]
    pub fn with_bot(mut self, part: &str) -> Self {
        if !part.is_empty() {
            self.more.push(part.to_ascii_lowercase());
        }
        self
    }

    /// Takes user agents with this part for people, whatever else stands in them. Use it
    /// if a name on the list matches a browser by mistake. An empty part changes nothing.
    #[must_use]
    pub fn with_person(mut self, part: &str) -> Self {
        if !part.is_empty() {
            self.people.push(part.to_ascii_lowercase());
        }
        self
    }

    /// Whether the name of a known bot stands in this user agent.
    pub fn is_bot(&self, agent: &str) -> bool {
        let end = agent.floor_char_boundary(AGENT_MAX);
        let agent = agent.get(..end).unwrap_or_default();
        if self.more.is_empty() && self.people.is_empty() {
            return is_known(agent);
        }
        let lower = agent.to_ascii_lowercase();
        let has = |part: &String| lower.contains(part.as_str());
        (is_known(agent) || self.more.iter().any(has)) && !self.people.iter().any(has)
    }
}

impl Classifier for DefaultClassifier {
    fn classify(&self, visit: &Visit) -> Class {
        if matches!(visit.method, Method::Head | Method::Options) {
            Class::Silent
        } else if visit.fetch.is_speculative() {
            Class::Speculative
        } else if visit.agent.as_deref().is_some_and(|agent| self.is_bot(agent)) {
            Class::Bot
        } else if visit.method == Method::Get && visit.fetch.is_embedded() {
            Class::Embedded
        } else {
            Class::Human
        }
    }
}
