//! A link, as pages and documents show it.

use referral_core::{Link, Referrals, Status};
use serde::Serialize;

/// One link, as pages and JSON show it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[non_exhaustive]
pub struct LinkItem {
    /// The id of the link.
    pub id: String,
    /// The code that its URL shows.
    pub code: String,
    /// The URL of the link, to be shared.
    pub url: String,
    /// What its owner calls it; may be empty.
    pub label: String,
    /// Where it leads.
    pub redirect_to: String,
    /// `active`, `disabled` or `archived`.
    pub status: &'static str,
    /// Counts its changes. An edit that names it is refused if the link has moved on.
    pub version: i64,
    /// When it ends, in milliseconds since 1970 UTC.
    pub expires_at: Option<i64>,
    /// How many counted clicks it has, if that was read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_count: Option<i64>,
}

impl LinkItem {
    /// A link as pages of the handle's site show it.
    #[must_use]
    pub fn of(referrals: &Referrals, link: &Link) -> Self {
        Self {
            id: link.id.to_string(),
            code: link.code.to_string(),
            url: referrals.links().url(link),
            label: link.label.as_str().to_owned(),
            redirect_to: link.destination.as_str().to_owned(),
            status: match link.status {
                Status::Active => "active",
                Status::Disabled => "disabled",
                Status::Archived => "archived",
            },
            version: link.version.get(),
            expires_at: link.expires_at.map(referral_core::Timestamp::as_millis),
            response_count: None,
        }
    }

    /// The same item with the number of counted clicks.
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
