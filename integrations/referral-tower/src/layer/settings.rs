//! What a host chose about a layer.

use referral_core::redirect::SafeDestination;

use crate::pages::Pages;
use crate::request::Addresses;

/// What happens to a parameter whose value is no code of ours.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum UnknownCode {
    /// The request passes untouched, because the parameter may be the host's. This is the default for `ref`.
    Pass,
    /// The parameter is taken out all the same. This is the default for `affiliate_id`.
    Strip,
}

/// What a code that leads nowhere, and for which nothing better is known, answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum DeadCodes {
    /// 302 to the site's [fallback](referral_core::Site::fallback).
    #[default]
    Fallback,
    /// 404 with [`Pages::dead_link`].
    NotFound,
}

/// Everything about a layer that does not change and is the same for every site.
pub(crate) struct Settings {
    pub(crate) parameters: Vec<(String, UnknownCode)>,
    pub(crate) dead_codes: DeadCodes,
    pub(crate) addresses: Addresses,
    pub(crate) pages: Box<dyn Pages>,
    pub(crate) sign_in: SafeDestination,
    pub(crate) body_limit: usize,
}
