//! Filters for askama templates: `use referral_tower::filters;` beside the template's struct.

use std::fmt;

use referral_core::Action;
use referral_core::facade::Referrals;

/// What people read instead of an action's name: `{{ response.action|action_display(referrals) }}`, where
/// `referrals` is a [`Referrals`] of the template's. An action without a text shows its name.
///
/// # Errors
/// None; askama wants a `Result`.
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
        Ok(action) => referrals.action_display(&action).to_owned(),
        Err(_) => name.to_owned(),
    }
}

/// The same as a value, for other templates and for JSON: prints what people read.
#[derive(Clone, Copy, Debug)]
pub struct ActionDisplay<'a> {
    referrals: &'a Referrals,
    action: &'a Action,
}

impl<'a> ActionDisplay<'a> {
    /// What people read for this action.
    #[must_use]
    pub const fn new(referrals: &'a Referrals, action: &'a Action) -> Self {
        Self { referrals, action }
    }
}

impl fmt::Display for ActionDisplay<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.referrals.action_display(self.action))
    }
}
