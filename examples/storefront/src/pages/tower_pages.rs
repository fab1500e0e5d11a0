//! What the routes under `/r` show, in this shop's frame.

use askama::Template;
use referral_tower::Pages;
use referral_tower::pages::{LinkForm, LinkItem, LinksPage, PageError, ProblemPage};

use super::shell::Shell;
use crate::error_page::ErrorTemplate;

/// The shop's own pages for the routes of the library.
pub(crate) struct ShopPages;

#[derive(Template)]
#[template(path = "link_form.html")]
struct ShopLinkForm<'a> {
    form: &'a LinkForm,
}

#[derive(Template)]
#[template(path = "links.html")]
struct ShopLinks<'a> {
    shell: Shell,
    links: &'a [LinkItem],
    next: Option<&'a str>,
}

impl Pages for ShopPages {
    fn links(&self, page: &LinksPage) -> Result<String, PageError> {
        let shell = Shell { user: Some(page.user.to_string()), ..Shell::default() };
        Ok(ShopLinks { shell, links: &page.links, next: page.next.as_deref() }.render()?)
    }

    fn problem(&self, page: &ProblemPage) -> Result<String, PageError> {
        let problem = &page.problem;
        let detail = problem.detail().unwrap_or("Go back and try again.");
        let page = ErrorTemplate { status: problem.status().as_u16(), title: problem.title(), detail };
        Ok(page.render()?)
    }

    fn link_form(&self, form: &LinkForm) -> Result<String, PageError> {
        Ok(ShopLinkForm { form }.render()?)
    }
}
