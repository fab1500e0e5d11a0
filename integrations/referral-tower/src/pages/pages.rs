//! The pages, and how to replace them.

use std::error::Error;

use askama::Template as _;

use super::model::{DeadLinkPage, LinkForm, LinksPage, ProblemPage};

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
