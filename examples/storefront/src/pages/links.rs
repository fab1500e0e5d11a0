//! What `/me` does with links. Other applications use `POST /r` and `PATCH /r/{id}`; a page without scripts needs
//! forms that come back to it.

use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::response::Response;
use referral_core::store::Version;
use referral_core::{Code, Destination, Error, Label, Link, LinkDraft, LinkEdit, LinkId, Target, UserId};

use crate::catalogue;
use crate::context::Context;
use crate::error_page::ErrorPage;
use crate::web::{Fields, done};

pub(crate) async fn make(context: Context, fields: Fields) -> Result<Response, ErrorPage> {
    let user = context.need_user()?;
    let to = match fields.get("redirect_to") {
        "" => "/",
        to => to,
    };
    let owner = UserId::new(user.name.clone()).map_err(Error::from)?;
    let draft =
        LinkDraft::to(to.to_owned()).and_then(|draft| draft.with_label(fields.get("label").to_owned()));
    let mut draft = draft.map_err(Error::from)?.with_owner(owner);
    // The same target as the button on the product's page has, so that both find the same link.
    if let Some(product) = to.strip_prefix("/products/").and_then(catalogue::product) {
        draft = draft.with_target(Target::new("product", product.id).map_err(Error::from)?);
    }
    if let Some(code) = code(&fields)? {
        draft = draft.with_code(code);
    }
    let links = context.app.referrals.links();
    let existing = links.get_or_create(draft).await?;
    // It is asked for to be shared, so it has to lead somewhere.
    let link = links.revive(&existing.link).await?;
    answer(&context, &link, if existing.created { "made" } else { "had" }).await
}

pub(crate) async fn edit(
    context: Context,
    path: Result<Path<String>, PathRejection>,
    fields: Fields,
) -> Result<Response, ErrorPage> {
    let mut link = own(&context, path).await?;
    let mut edit = LinkEdit::default();
    if let Some(label) = fields.given("label") {
        edit = edit.with_label(Label::new(label.to_owned()).map_err(Error::from)?);
    }
    if let Some(to) = fields.given("redirect_to") {
        edit = edit.with_destination(Destination::new(to.to_owned()).map_err(Error::from)?);
    }
    if let Some(code) = code(&fields)?.filter(|code| *code != link.code) {
        edit = edit.with_code(code);
    }
    // What the form showed, so that of two tabs the second one is told.
    if let Some(version) = fields.given("version").and_then(|version| version.parse().ok()) {
        edit = edit.with_version(Version::new(version));
    }
    if edit != LinkEdit::default() {
        link = context.app.referrals.links().edit(link.id, edit).await?;
    }
    answer(&context, &link, "saved").await
}

pub(crate) async fn disable(
    context: Context,
    path: Result<Path<String>, PathRejection>,
) -> Result<Response, ErrorPage> {
    let link = own(&context, path).await?;
    answer(&context, &context.app.referrals.links().disable(link.id).await?, "off").await
}

pub(crate) async fn enable(
    context: Context,
    path: Result<Path<String>, PathRejection>,
) -> Result<Response, ErrorPage> {
    let link = own(&context, path).await?;
    // Also one that has ended: who switches it on wants it to lead somewhere.
    answer(&context, &context.app.referrals.links().revive(&link).await?, "on").await
}

/// The code that was chosen, if one was.
fn code(fields: &Fields) -> Result<Option<Code>, ErrorPage> {
    match fields.get("code") {
        "" => Ok(None),
        text => Ok(Some(Code::chosen(text).map_err(Error::from)?)),
    }
}

/// The link, if it is the user's. Links of others do not exist for this user.
async fn own(context: &Context, path: Result<Path<String>, PathRejection>) -> Result<Link, ErrorPage> {
    let user = context.need_user()?;
    let id: Option<LinkId> = path.ok().and_then(|Path(id)| id.parse().ok());
    let found = match id {
        Some(id) => context.app.referrals.links().get(id).await?,
        None => None,
    };
    let owned = |link: &Link| link.owner.as_ref().is_some_and(|owner| owner.as_str() == user.name);
    found.filter(owned).ok_or_else(|| {
        ErrorPage::new(
            axum::http::StatusCode::NOT_FOUND,
            "There is no such link of yours",
            "Your page lists the links that you have.",
        )
    })
}

async fn answer(context: &Context, link: &Link, word: &str) -> Result<Response, ErrorPage> {
    let view = context.link_view(link).await?;
    Ok(done(context.wants, &format!("/me?done={word}#link-{}", view.id), &view))
}
