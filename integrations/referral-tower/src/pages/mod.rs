//! The pages that people see, and how to replace them.

mod form;

use std::error::Error;

use askama::Template;
use referral_core::{Link, Status};
use serde::Serialize;

pub use form::LinkForm;

use crate::{Problem, ReferralLayer};

/// Why a page could not be made.
pub type PageError = Box<dyn Error + Send + Sync>;

/// The pages that people see. Each has a default: plain HTML that a screen reader can read and that needs no script.
/// Replace one by one, with the site's own frame around it.
///
/// ```
/// use referral_tower::{Pages, pages::{DeadLinkPage, PageError}};
///
/// struct Ours;
///
/// impl Pages for Ours {
///     fn dead_link(&self, _: &DeadLinkPage) -> Result<String, PageError> {
///         Ok("<!doctype html><title>Gone</title><h1>This link has gone</h1>".into())
///     }
/// }
/// ```
pub trait Pages: Send + Sync + 'static {
    /// The links of the user who is signed in: `GET /r`.
    ///
    /// # Errors
    /// Anything; answers 500.
    fn links(&self, page: &LinksPage) -> Result<String, PageError> {
        Ok(page.render()?)
    }

    /// A code that leads nowhere, where the layer was built with [`DeadCodes::NotFound`](crate::DeadCodes::NotFound).
    ///
    /// # Errors
    /// Anything; answers 500.
    fn dead_link(&self, page: &DeadLinkPage) -> Result<String, PageError> {
        Ok(page.render()?)
    }

    /// What went wrong with a form.
    ///
    /// # Errors
    /// Anything; answers the problem as JSON.
    fn problem(&self, page: &ProblemPage) -> Result<String, PageError> {
        Ok(page.render()?)
    }

    /// A part of a page: the form that makes a link, or the link that there is.
    ///
    /// # Errors
    /// Anything; [`Visitor::link_form`](crate::Visitor::link_form) fails with it.
    fn link_form(&self, form: &LinkForm) -> Result<String, PageError> {
        Ok(form.render()?)
    }
}

/// The pages as they are by default.
#[derive(Clone, Copy, Debug, Default)]
pub struct DefaultPages;

impl Pages for DefaultPages {}

/// The links of a user.
#[derive(Clone, Debug, Template, Serialize)]
#[template(path = "links.html")]
#[non_exhaustive]
pub struct LinksPage {
    /// Whose.
    pub user: String,
    /// Where the forms go: `/r`.
    pub action: String,
    /// The newest first.
    pub links: Vec<LinkItem>,
    /// The next page, if there is one: `/r?after=…`.
    pub next: Option<String>,
}

/// One link, as pages and JSON show it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[non_exhaustive]
pub struct LinkItem {
    /// Its id.
    pub id: String,
    /// The code that its URL shows.
    pub code: String,
    /// Its URL, to be shared.
    pub url: String,
    /// What its owner calls it; may be empty.
    pub label: String,
    /// Where it leads.
    pub redirect_to: String,
    /// `active`, `disabled` or `archived`.
    pub status: &'static str,
    /// From when on it is dead, in milliseconds since 1970 UTC.
    pub expires_at: Option<i64>,
    /// How many counted clicks it has, where that was read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_count: Option<i64>,
}

impl LinkItem {
    /// A link as it is shown.
    #[must_use]
    pub fn of(layer: &ReferralLayer, link: &Link) -> Self {
        Self {
            id: link.id.to_string(),
            code: link.code.to_string(),
            url: layer.referrals().links().url(link),
            label: link.label.as_str().to_owned(),
            redirect_to: link.destination.as_str().to_owned(),
            status: match link.status {
                Status::Active => "active",
                Status::Disabled => "disabled",
                Status::Archived => "archived",
            },
            expires_at: link.expires_at.map(referral_core::Timestamp::as_millis),
            response_count: None,
        }
    }

    /// With how many counted clicks it has.
    #[must_use]
    pub const fn with_count(mut self, responses: i64) -> Self {
        self.response_count = Some(responses);
        self
    }

    /// `expires_at` as the value of an `<input type="datetime-local">`, in UTC; empty for never.
    #[must_use]
    pub fn ends(&self) -> String {
        let end = self.expires_at.and_then(|millis| jiff::Timestamp::from_millisecond(millis).ok());
        end.map_or_else(String::new, |end| end.strftime("%Y-%m-%dT%H:%M").to_string())
    }
}

/// A code that leads nowhere.
#[derive(Clone, Debug, Template)]
#[template(path = "dead_link.html")]
#[non_exhaustive]
pub struct DeadLinkPage {
    /// Where the site begins: `/`.
    pub home: String,
}

/// What went wrong with a form.
#[derive(Clone, Debug, Template)]
#[template(path = "problem.html")]
#[non_exhaustive]
pub struct ProblemPage {
    /// What.
    pub problem: Problem,
    /// Where to go on.
    pub back: String,
}
