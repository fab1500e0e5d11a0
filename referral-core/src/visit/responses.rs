//! The area of responses: listing and counting them.

use super::reads::{ResponseFilter, ResponseReads as _, responses_by};
use super::response::{Response, ResponseId};
use crate::referrals::{Error, Referrals};
use crate::store::{Page, PageRequest};
use crate::value::Action;

/// The area of responses: listing and counting them. [`Referrals::responses`] gives it.
#[derive(Clone, Copy, Debug)]
pub struct Responses<'a> {
    pub(super) referrals: &'a Referrals,
}

impl Referrals {
    /// The area of responses: listing and counting them.
    #[must_use]
    pub const fn responses(&self) -> Responses<'_> {
        Responses { referrals: self }
    }
}

impl<'a> Responses<'a> {
    /// The response of this id.
    ///
    /// # Errors
    /// [`StoreError`](crate::store::StoreError).
    pub async fn get(&self, id: ResponseId) -> Result<Option<Response>, Error> {
        Ok(self.referrals.store.response(self.referrals.tenant(), id).await?)
    }

    /// A page of responses, newest first unless the filter says otherwise.
    ///
    /// # Errors
    /// `CursorError`, [`StoreError`](crate::store::StoreError).
    pub async fn list(&self, filter: &ResponseFilter, page: &PageRequest) -> Result<Page<Response>, Error> {
        Ok(responses_by(&self.referrals.store, self.referrals.tenant(), filter, page).await?)
    }

    /// What people read instead of the name of an action. It is the name itself if the host set no text for it.
    #[must_use]
    pub fn action_display<'b>(&self, action: &'b Action) -> &'b str
    where
        'a: 'b,
    {
        self.referrals.config.visits.actions.get(action).map_or(action.as_str(), String::as_str)
    }
}
