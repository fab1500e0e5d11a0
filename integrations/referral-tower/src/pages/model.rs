//! What the pages show.

use askama::Template;
use serde::Serialize;

use super::item::LinkItem;
use crate::problem::Problem;

/// The page with a user's own links.
#[derive(Clone, Debug, Template, Serialize)]
#[template(path = "links.html")]
#[non_exhaustive]
pub struct LinksPage {
    /// Whose links they are.
    pub user: String,
    /// Where the forms go: `/r`.
    pub action: String,
    /// The links of this page, the newest first.
    pub links: Vec<LinkItem>,
    /// The URL of the next page, if there is one: `/r?after=…`.
    pub next: Option<String>,
}

/// A form that makes a link; or the user's link, to be copied, if it exists already.
#[derive(Clone, Debug, Template)]
#[template(path = "link_form.html")]
#[non_exhaustive]
pub struct LinkForm {
    /// Where the form goes: `/r`.
    pub action: String,
    /// Where the link is to lead.
    pub redirect_to: String,
    /// What the link is to be called; may be empty.
    pub label: String,
    /// The kind of the object that the link is about.
    pub target_kind: Option<String>,
    /// The id of that object.
    pub target_id: Option<String>,
    /// The page to come back to.
    pub return_to: String,
    /// The link of the user who is signed in, if it exists.
    pub existing: Option<LinkItem>,
    /// An id that is another one for each form of a page.
    pub id: String,
}

/// The page about a code that leads nowhere.
#[derive(Clone, Debug, Template)]
#[template(path = "dead_link.html")]
#[non_exhaustive]
pub struct DeadLinkPage {
    /// Where the site begins: `/`.
    pub home: String,
}

/// The page about a form that could not be accepted.
#[derive(Clone, Debug, Template)]
#[template(path = "problem.html")]
#[non_exhaustive]
pub struct ProblemPage {
    /// What went wrong.
    pub problem: Problem,
    /// The path of the page to go back to.
    pub back: String,
}
