//! Typed reads of links and their codes.

use crate::catalogue::{Index, Record, RecordId, Unique};
use crate::link::alias::Alias;
use crate::link::link::{Link, LinkId, NaturalKey};
use crate::store::{ListError, Listing, Page, PageRequest, Prefix, Range, Read, StoreError, UniqueKey, list};
use crate::value::{Code, Target, Tenant, UserId, Value};

/// Typed reads of links, over every store. Another tenant's links are absent.
pub trait LinkReads: Read {
    /// The link of this id.
    fn link(
        &self,
        tenant: &Tenant,
        id: LinkId,
    ) -> impl Future<Output = Result<Option<Link>, StoreError>> + Send;

    /// Several links by id, in the order asked for. Links that do not exist are left out.
    fn links_by_id(
        &self,
        tenant: &Tenant,
        ids: &[LinkId],
    ) -> impl Future<Output = Result<Vec<Link>, StoreError>> + Send;

    /// The link that a code leads to: by its exact spelling first, then by the folded one.
    fn link_by_code(
        &self,
        tenant: &Tenant,
        code: &Code,
    ) -> impl Future<Output = Result<Option<Link>, StoreError>> + Send;

    /// The alias that a code finds: by its exact spelling first, then by the folded one.
    fn alias(
        &self,
        tenant: &Tenant,
        code: &Code,
    ) -> impl Future<Output = Result<Option<Alias>, StoreError>> + Send;

    /// The link that holds a natural key.
    fn link_by_natural_key(
        &self,
        tenant: &Tenant,
        natural: &NaturalKey,
    ) -> impl Future<Output = Result<Option<Link>, StoreError>> + Send;

    /// The codes of a link, oldest first, at most 1,000.
    fn aliases_of_link(
        &self,
        tenant: &Tenant,
        link: LinkId,
    ) -> impl Future<Output = Result<Vec<Alias>, StoreError>> + Send;
}

impl<R: Read + ?Sized> LinkReads for R {
    async fn link(&self, tenant: &Tenant, id: LinkId) -> Result<Option<Link>, StoreError> {
        let found = self.get(&[RecordId::from(id)]).await?;
        let link = found.into_iter().next().flatten().and_then(|record| Link::try_from(record).ok());
        Ok(link.filter(|link| link.tenant == *tenant))
    }

    async fn links_by_id(&self, tenant: &Tenant, ids: &[LinkId]) -> Result<Vec<Link>, StoreError> {
        let ids: Vec<_> = ids.iter().map(|id| RecordId::from(*id)).collect();
        let found = self.get(&ids).await?;
        let links = found.into_iter().flatten().filter_map(|record| Link::try_from(record).ok());
        Ok(links.filter(|link| link.tenant == *tenant).collect())
    }

    async fn link_by_code(&self, tenant: &Tenant, code: &Code) -> Result<Option<Link>, StoreError> {
        match self.alias(tenant, code).await? {
            Some(alias) => self.link(tenant, alias.link).await,
            None => Ok(None),
        }
    }

    async fn alias(&self, tenant: &Tenant, code: &Code) -> Result<Option<Alias>, StoreError> {
        let key = |unique, text: String| UniqueKey {
            unique,
            tenant: tenant.clone(),
            parts: vec![Value::Text(text.into())],
        };
        let keys = [key(Unique::AliasCode, code.as_str().to_owned()), key(Unique::AliasFolded, code.fold())];
        let found = self.find(&keys).await?;
        Ok(found.into_iter().flatten().find_map(|record| Alias::try_from(record).ok()))
    }

    async fn link_by_natural_key(
        &self,
        tenant: &Tenant,
        natural: &NaturalKey,
    ) -> Result<Option<Link>, StoreError> {
        let parts = vec![Value::Text(natural.as_str().to_owned().into())];
        let key = UniqueKey { unique: Unique::LinkNatural, tenant: tenant.clone(), parts };
        let found = self.find(&[key]).await?;
        Ok(found.into_iter().flatten().find_map(|record| Link::try_from(record).ok()))
    }

    async fn aliases_of_link(&self, tenant: &Tenant, link: LinkId) -> Result<Vec<Alias>, StoreError> {
        let prefix = Prefix::new(tenant).uuid(link.as_uuid());
        let found =
            self.page(Index::AliasesOfLink, &prefix, &Range::oldest(), crate::store::MAX_PAGE).await?;
        Ok(found.into_iter().filter_map(|record| Alias::try_from(record).ok()).collect())
    }
}

/// A page of the links of an owner, newest first; of those to one target, where given.
pub(crate) async fn links_of_owner<R: Read + ?Sized>(
    store: &R,
    tenant: &Tenant,
    owner: &UserId,
    target: Option<&Target>,
    page: &PageRequest,
) -> Result<Page<Link>, ListError> {
    let prefix = Prefix::new(tenant).text(owner);
    let (index, prefix) = match target {
        Some(target) => (Index::LinksOfTarget, prefix.text(&target.kind).text(&target.id)),
        None => (Index::LinksOfOwner, prefix),
    };
    let listing = Listing { index, prefix, range: Range::newest(), filter: String::new() };
    list(store, listing, page, link_of).await
}

/// A page of all links of a tenant, newest first.
pub(crate) async fn all_links<R: Read + ?Sized>(
    store: &R,
    tenant: &Tenant,
    page: &PageRequest,
) -> Result<Page<Link>, ListError> {
    let listing = Listing {
        index: Index::Links,
        prefix: Prefix::new(tenant),
        range: Range::newest(),
        filter: String::new(),
    };
    list(store, listing, page, link_of).await
}

fn link_of(record: Record) -> Option<Link> {
    Link::try_from(record).ok()
}
