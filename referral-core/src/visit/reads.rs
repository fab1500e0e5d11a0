//! Typed reads of responses.

use crate::catalogue::Index;
use crate::link::LinkId;
use crate::store::{ListError, Listing, Page, PageRequest, Prefix, Range, Read, StoreError, list};
use crate::value::{Action, Tenant, Timestamp, UserId, VisitorId};
use crate::visit::response::{Response, ResponseId};

/// Typed reads of responses, over every store. Another tenant's responses are absent.
pub trait ResponseReads: Read {
    /// The response of this id.
    fn response(
        &self,
        tenant: &Tenant,
        id: ResponseId,
    ) -> impl Future<Output = Result<Option<Response>, StoreError>> + Send;

    /// The responses of a user inside a range, at most `limit`.
    fn responses_of_user(
        &self,
        tenant: &Tenant,
        user: &UserId,
        range: &Range,
        limit: u32,
    ) -> impl Future<Output = Result<Vec<Response>, StoreError>> + Send;

    /// The responses of a visitor that no user has claimed, inside a range, at most `limit`.
    fn unclaimed_responses(
        &self,
        tenant: &Tenant,
        visitor: VisitorId,
        range: &Range,
        limit: u32,
    ) -> impl Future<Output = Result<Vec<Response>, StoreError>> + Send;
}

impl<R: Read + ?Sized> ResponseReads for R {
    async fn response(&self, tenant: &Tenant, id: ResponseId) -> Result<Option<Response>, StoreError> {
        let found = self.get(&[id.into()]).await?;
        let response = found.into_iter().next().flatten().and_then(|record| Response::try_from(record).ok());
        Ok(response.filter(|response| response.tenant == *tenant))
    }

    async fn responses_of_user(
        &self,
        tenant: &Tenant,
        user: &UserId,
        range: &Range,
        limit: u32,
    ) -> Result<Vec<Response>, StoreError> {
        let prefix = Prefix::new(tenant).text(user);
        responses(self.page(Index::ResponsesOfUser, &prefix, range, limit).await?)
    }

    async fn unclaimed_responses(
        &self,
        tenant: &Tenant,
        visitor: VisitorId,
        range: &Range,
        limit: u32,
    ) -> Result<Vec<Response>, StoreError> {
        let prefix = Prefix::new(tenant).uuid(visitor.as_uuid());
        responses(self.page(Index::ResponsesUnclaimed, &prefix, range, limit).await?)
    }
}

fn responses(records: Vec<crate::catalogue::Record>) -> Result<Vec<Response>, StoreError> {
    Ok(records.into_iter().filter_map(|record| Response::try_from(record).ok()).collect())
}

/// Which responses to list. If nothing is set, these are all responses of the tenant, newest first.
///
/// The first of link, owner, user and visitor that is set chooses the index. The other conditions are checked for each
/// row, on at most four pages for each call.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct ResponseFilter {
    /// Through this link.
    pub link: Option<LinkId>,
    /// Through the links of this owner, as they were owned at the touch.
    pub owner: Option<UserId>,
    /// By this user.
    pub user: Option<UserId>,
    /// By this visitor, if no user has claimed them.
    pub visitor: Option<VisitorId>,
    /// With this action.
    pub action: Option<Action>,
    /// Only counted ones (`true`), or only flagged ones (`false`).
    pub counted: Option<bool>,
    /// From this moment on.
    pub from: Option<Timestamp>,
    /// Up to this moment, and without it.
    pub until: Option<Timestamp>,
    /// Whether the oldest come first.
    pub oldest_first: bool,
}

impl ResponseFilter {
    /// The responses through a link.
    #[must_use]
    pub fn of_link(link: LinkId) -> Self {
        Self { link: Some(link), ..Self::default() }
    }

    /// The responses through the links of an owner.
    #[must_use]
    pub fn of_owner(owner: UserId) -> Self {
        Self { owner: Some(owner), ..Self::default() }
    }

    /// The responses of a user.
    #[must_use]
    pub fn of_user(user: UserId) -> Self {
        Self { user: Some(user), ..Self::default() }
    }

    /// The responses of a visitor that no user has claimed.
    #[must_use]
    pub fn unclaimed_of(visitor: VisitorId) -> Self {
        Self { visitor: Some(visitor), ..Self::default() }
    }

    /// Lists only this action.
    #[must_use]
    pub fn with_action(mut self, action: Action) -> Self {
        self.action = Some(action);
        self
    }

    /// Lists only counted ones (`true`), or only flagged ones (`false`).
    #[must_use]
    pub const fn with_counted(mut self, counted: bool) -> Self {
        self.counted = Some(counted);
        self
    }

    /// Lists only those from `from` on and before `until`.
    #[must_use]
    pub const fn between(mut self, from: Option<Timestamp>, until: Option<Timestamp>) -> Self {
        self.from = from;
        self.until = until;
        self
    }

    fn index(&self, tenant: &Tenant) -> (Index, Prefix) {
        let prefix = Prefix::new(tenant);
        if let Some(link) = self.link {
            (Index::ResponsesOfLink, prefix.uuid(link.as_uuid()))
        } else if let Some(owner) = &self.owner {
            (Index::ResponsesOfOwner, prefix.text(owner))
        } else if let Some(user) = &self.user {
            (Index::ResponsesOfUser, prefix.text(user))
        } else if let Some(visitor) = self.visitor {
            (Index::ResponsesUnclaimed, prefix.uuid(visitor.as_uuid()))
        } else {
            (Index::Responses, prefix)
        }
    }

    /// What this filter asks for, for the cursor: only what is set, so that a field more leaves older cursors good.
    fn tag(&self) -> String {
        let set = [
            self.link.map(|link| format!("link={link}")),
            self.owner.as_ref().map(|owner| format!("owner={}", owner.as_str())),
            self.user.as_ref().map(|user| format!("user={}", user.as_str())),
            self.visitor.map(|visitor| format!("visitor={visitor}")),
            self.action.as_ref().map(|action| format!("action={action}")),
            self.counted.map(|counted| format!("counted={counted}")),
        ];
        // No value holds a NUL, so nothing can be taken for something else.
        set.into_iter().flatten().collect::<Vec<_>>().join("\0")
    }

    fn matches(&self, response: &Response) -> bool {
        self.link.is_none_or(|link| response.link == link)
            && self.owner.as_ref().is_none_or(|owner| response.owner.as_ref() == Some(owner))
            && self.user.as_ref().is_none_or(|user| response.user.as_ref() == Some(user))
            && self.visitor.is_none_or(|visitor| response.visitor == Some(visitor) && response.is_unclaimed())
            && self.action.as_ref().is_none_or(|action| response.action == *action)
            && self.counted.is_none_or(|counted| response.counted == counted)
    }
}

/// A page of responses.
pub(crate) async fn responses_by<R: Read + ?Sized>(
    store: &R,
    tenant: &Tenant,
    filter: &ResponseFilter,
    page: &PageRequest,
) -> Result<Page<Response>, ListError> {
    let (index, prefix) = filter.index(tenant);
    let range = Range {
        from: filter.from.map(Timestamp::as_millis),
        until: filter.until.map(Timestamp::as_millis),
        after: None,
        ascending: filter.oldest_first,
    };
    let listing = Listing { index, prefix, range, filter: filter.tag() };
    let keep = |record| Response::try_from(record).ok().filter(|response| filter.matches(response));
    list(store, listing, page, keep).await
}
