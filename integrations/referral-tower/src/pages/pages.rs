//! The pages, and how to replace them.

use std::error::Error;

use askama::Template as _;

use super::model::{DeadLinkPage, LinkForm, LinksPage, ProblemPage};

/// Why a page could not be made.
pub type PageError = Box<dyn Error + Send + Sync>;

/// The pages that people see. Each has a default: plain HTML that a screen reader can read and that needs no script.
/// A host can replace any of them with a page in its own design.
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
    /// The page with the links of the user who is signed in: `GET /r`.
    ///
    /// # Errors
    /// Any error; the answer is then 500.
    fn links(&self, page: &LinksPage) -> Result<String, PageError> {
        Ok(page.render()?)
    }

    /// The page about a code that leads nowhere, if the layer was built with [`DeadCodes::NotFound`](crate::DeadCodes::NotFound).
    ///
    /// # Errors
    /// Any error; the answer is then 500.
    fn dead_link(&self, page: &DeadLinkPage) -> Result<String, PageError> {
        Ok(page.render()?)
    }

    /// The page about a form that could not be accepted.
    ///
    /// # Errors
    /// Any error; the answer is then the problem as JSON.
    fn problem(&self, page: &ProblemPage) -> Result<String, PageError> {
        Ok(page.render()?)
    }

    /// A part of a page: the form that makes a link, or the user's link if it exists already.
    ///
    /// # Errors
    /// Any error; [`Visitor::link_form`](crate::Visitor::link_form) then answers an internal problem.
    fn link_form(&self, form: &LinkForm) -> Result<String, PageError> {
        Ok(form.render()?)
    }
}

/// The default pages.
#[derive(Clone, Copy, Debug, Default)]
pub struct DefaultPages;

impl Pages for DefaultPages {}
