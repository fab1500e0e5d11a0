//! Filters for askama templates: `use referral_tower::filters;` beside the template's struct.
//!
//! `{{ response.action|action_display(referrals) }}` prints the text that people read instead of an action's name.
//! `referrals` is a field of the template, a [`Referrals`]. An action that was given no text is printed as its name.
//!
//! ```
//! use referral_core::{Referrals, Response};
//! use referral_tower::filters;
//!
//! #[derive(askama::Template)]
//! #[template(source = "{{ response.action|action_display(referrals) }}", ext = "html")]
//! struct Line<'a> {
//!     response: &'a Response,
//!     referrals: &'a Referrals,
//! }
//! ```
#![expect(missing_docs, reason = "askama makes a struct of a filter and leaves its documentation out")]

use std::fmt;

use referral_core::Action;
use referral_core::Referrals;

#[askama::filter_fn]
pub fn action_display<A: AsRef<str>>(
    action: A,
    _: &dyn askama::Values,
    referrals: &Referrals,
) -> askama::Result<String> {
    Ok(text(referrals, action.as_ref()))
}

fn text(referrals: &Referrals, name: &str) -> String {
    match Action::new(name.to_owned()) {
        Ok(action) => referrals.responses().action_display(&action).to_owned(),
        Err(_) => name.to_owned(),
    }
}

/// The text that people read for an action, as a value that can be printed: for other templates and for JSON.
#[derive(Clone, Copy, Debug)]
pub struct ActionDisplay<'a> {
    referrals: &'a Referrals,
    action: &'a Action,
}

impl<'a> ActionDisplay<'a> {
    /// The text that people read for this action.
    #[must_use]
    pub const fn new(referrals: &'a Referrals, action: &'a Action) -> Self {
        Self { referrals, action }
    }
}

impl fmt::Display for ActionDisplay<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.referrals.responses().action_display(self.action))
    }
}
