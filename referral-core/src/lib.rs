//! Referral links on the host's own database: who came through whose link, who they became, and what they did.
//!
//! ```rust
//! use referral_core::Referrals;
//! use referral_core::visit::TokenChange;
//! use referral_core::Visit;
//! use referral_core::visit::Method;
//! use referral_core::{Action, KeyRing, LinkDraft, UserId};
//! use referral_core::memory::MemoryStore;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let referrals = Referrals::builder(MemoryStore::new(), KeyRing::generate()?, "https://shop.example").build()?;
//!
//! // Ada shares a link.
//! let link = referrals.links().create(LinkDraft::to("/products/7")?.with_owner(UserId::new("ada")?)).await?;
//! assert!(referrals.links().url(&link).starts_with("https://shop.example/r/"));
//!
//! // Somebody follows it: they are sent on, and their browser gets a token.
//! let click = Visit::new(Method::Get, format!("/r/{}", link.code));
//! let landing = referrals.land(link.code.as_str(), &click).await;
//! assert_eq!(landing.redirect.location(), "/products/7");
//! let TokenChange::Set(token) = landing.touch.token else { panic!("a new visitor gets a token") };
//!
//! // They sign up as Bob: what the visitor did is his.
//! let bob = UserId::new("bob")?;
//! assert_eq!(referrals.identify(token.visitor, &bob).await?.claimed.len(), 1);
//!
//! // Bob orders, and the order is credited to Ada's link.
//! let order = referrals.record(&Visit::default().with_user(bob), Action::new("ORDERED")?, None).await?;
//! assert_eq!(order.and_then(|order| order.owner), link.owner);
//! # Ok(()) }
//! ```
//!
//! # What it promises
//!
//! - A verb that changes something builds one changeset, and a store applies it whole or not at all, durable as the store's
//!   [`facts`](crate::store::Store::facts) say. A commit whose answer was lost is not applied twice.
//! - A code leads to one link, under any race, and so does every code that looks like it. Two equal calls of
//!   [`get_or_create`](crate::link::Links::get_or_create) give one link. A limit is never exceeded.
//! - [`identify`](crate::Referrals::identify) gives each unclaimed response of a visitor to one user, once.
//! - A visitor's request never fails because of attribution: [`land`](crate::Referrals::land) has no error. A dead code
//!   changes no touch and no token.
//! - A redirect leads to the site itself or to a host that was allowed.
//! - By default nothing of a visitor's address is stored, and no query of a landing URL beyond a short list of
//!   parameters. A session id of the host's is never stored.
//! - Numbers are exact after every acknowledged write, and cost the same for ten responses and for ten million.
//! - Intervals are half-open, in UTC milliseconds, on every store.
//!
//! # What it does not promise
//!
//! - A [`Hook`] is not called if the program crashes between the commit and the call.
//! - Another process may go on serving a link that was disabled here until the life of its
//!   [cache](crate::link::LinkCache) entry ends, which is 30 seconds by default.
//! - The winning touch of a user is looked for among their newest thousand responses inside the window.
//! - A token is a bearer token and no login. A visitor is a browser and not a person. A bot that calls itself a browser
//!   counts.
//!
//! All promises with their tests are in `docs/guarantees.md` of the repository.
//!
//! # Map
//!
//! | Module | Holds |
//! | --- | --- |
//! | the crate itself | what an application names: [`Referrals`] and how it is set up, records, ids, bounded texts, errors, hooks, guards |
//! | [`link`] | links, their codes and code generators, the verbs on them, the link cache |
//! | [`visit`] | one request in plain fields, people and bots, responses, touches, what came through a link |
//! | [`redirect`] | which destinations are safe |
//! | [`token`] | keys, and the signed tokens that visitors carry |
//! | [`source`] | clocks and ids |
//! | [`store`] | the contract of a store: one write, four reads, and the description that every store derives from |
//! | [`memory`] | the reference store |
//! | [`layer`] | group commit, which is a store around a store |
//!
//! An application needs what stands in the crate itself, and one store: [`memory::MemoryStore`] for tests, or
//! `referral-sql` for data that stays. `referral-tower` fills in the [`Visit`] and keeps the token in a cookie. A host
//! with special needs writes a [`CodeGenerator`], a [`Hook`], a [`Guard`] or a
//! [`Classifier`](crate::visit::Classifier). The author of a store implements [`store::Store`] and proves it with
//! `referral-testkit`.
//!
//! # Features
//!
//! `tracing`, which is on by default: failures that no caller is told of are logged, unless the host has an
//! [observer](crate::Builder::with_observer). If you switch it off, set an observer. Otherwise nobody learns of them.
//!
//! The crate does no I/O, starts no task, needs no async runtime, and knows neither HTTP nor SQL.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod catalogue;
pub mod layer;
pub mod link;
pub mod memory;
pub mod redirect;
mod referrals;
pub mod source;
pub mod store;
pub mod token;
mod value;
pub mod visit;

pub use async_trait::async_trait;
pub use link::{Alias, AliasId, CodeGenerator, Limits, Link, LinkDraft, LinkEdit, LinkId, Status};
pub use referrals::{
    BuildError, Builder, Detail, Effects, Error, ErrorKind, Failure, Guard, Hook, HookError, Referrals,
    Refused, Scope, Site, Verdict,
};
pub use store::{Cursor, CursorError, Page, PageRequest};
pub use token::KeyRing;
pub use value::{
    Action, Address, Agent, Code, CodeError, Destination, IdError, Label, LandingUrl, Metadata, Referrer,
    RequestId, Target, TargetId, TargetKind, Tenant, TextError, Timestamp, UserId, VisitorId,
};
pub use visit::{Flags, Response, ResponseId, Via, Visit};

/// Compiles and runs the examples of the repository's README, so that it cannot name what does not exist (RB4: the README
/// of django-reflinks named two classes that were never there).
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

/// Compiles and runs the example of this crate's README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct CrateReadme;
