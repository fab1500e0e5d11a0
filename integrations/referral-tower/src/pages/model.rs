//! What the pages show.

use askama::Template;
use serde::Serialize;

use super::item::LinkItem;
use crate::problem::Problem;

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

/// A form that makes a link, or the link that there is, to be copied.
#[derive(Clone, Debug, Template)]
#[template(path = "link_form.html")]
#[non_exhaustive]
pub struct LinkForm {
    /// Where the form goes: `/r`.
    pub action: String,
    /// Where the link shall lead.
    pub redirect_to: String,
    /// What it shall be called; may be empty.
    pub label: String,
    /// The kind of what it is about.
    pub target_kind: Option<String>,
    /// The id of what it is about.
    pub target_id: Option<String>,
    /// The page to come back to.
    pub return_to: String,
    /// The link of the user who is signed in, if it exists.
    pub existing: Option<LinkItem>,
    /// Distinguishes the forms of one page.
    pub id: String,
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
