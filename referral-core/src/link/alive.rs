//! Whether a link leads anywhere now.

use super::link::{Link, Status};
use crate::catalogue::Family;
use crate::referrals::{Error, Referrals};
use crate::store::{CounterKey, KeyPart, NumberReads as _};

/// Why a code leads nowhere.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum DeadCode {
    /// There is no such code.
    Unknown,
    /// Its link is switched off or archived.
    Disabled,
    /// Its link has expired.
    Expired,
    /// Its link was used as often as it may be.
    Exhausted,
}

impl Referrals {
    /// Why a link leads nowhere, if it does.
    pub(crate) async fn dead(&self, link: &Link) -> Result<Option<DeadCode>, Error> {
        if link.status != Status::Active {
            return Ok(Some(DeadCode::Disabled));
        }
        if link.expires_at.is_some_and(|end| self.now() >= end) {
            return Ok(Some(DeadCode::Expired));
        }
        if let Some(limit) = link.limits.clicks
            && self.store.number(&self.uses(link)).await? >= i64::from(limit)
        {
            return Ok(Some(DeadCode::Exhausted));
        }
        Ok(None)
    }

    /// The counter that a limit of a link is held by.
    pub(crate) fn uses(&self, link: &Link) -> CounterKey {
        CounterKey::new(self.site.tenant.clone(), Family::LinkUses, [link.id.key_part(), KeyPart::NONE])
    }
}
