//! The form that makes a link, in a page of the host's.

use referral_core::link::NaturalKey;
use referral_core::{Destination, Label, LinkDraft, Target};

use crate::pages::{LinkForm, LinkItem};
use crate::problem::Problem;
use crate::visitor::Visitor;

impl Visitor {
    /// The HTML of a form with one button. It makes the user's link to this destination, about this object and with this
    /// label, and comes back to the page that it is on. If the user has that link already, it is the link in a field to
    /// copy it from. The HTML is escaped: in an askama template of the host's write `{{ form|safe }}`.
    ///
    /// # Errors
    /// `bad-input` for a destination or a label that does not fit, `unavailable` or `internal` if the store or the
    /// host's own page fails.
    pub async fn link_form(
        &self,
        destination: &str,
        target: Option<&Target>,
        label: &str,
    ) -> Result<String, Problem> {
        let layer = self.layer();
        let to = Destination::new(destination.to_owned())?;
        let name = Label::new(label.to_owned())?;
        let existing = match self.user() {
            Some(user) => {
                let mut draft =
                    LinkDraft::to(destination.to_owned())?.with_owner(user).with_label(label.to_owned())?;
                if let Some(target) = target {
                    draft = draft.with_target(target.clone());
                }
                self.referrals().links().find(&draft).await?
            }
            None => None,
        };
        // A link that leads nowhere is not one to share; the form makes it lead somewhere again.
        let existing = match existing {
            Some(link) if self.referrals().links().dead(&link).await?.is_none() => Some(link),
            _ => None,
        };
        let natural = NaturalKey::of(None, &name, &to, target);
        let form = LinkForm {
            action: self.site().links_path(),
            redirect_to: destination.to_owned(),
            label: label.to_owned(),
            target_kind: target.map(|target| target.kind.as_str().to_owned()),
            target_id: target.map(|target| target.id.as_str().to_owned()),
            return_to: self.visit().url.clone(),
            existing: existing.map(|link| LinkItem::of(self.referrals(), &link)),
            id: natural.as_str().chars().take(12).collect(),
        };
        layer.pages().link_form(&form).map_err(|error| {
            tracing::error!(error = error.as_ref() as &dyn std::error::Error, "a page could not be made");
            Problem::internal()
        })
    }
}
