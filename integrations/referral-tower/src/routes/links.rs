//! A user's own links: showing, making, changing them.

use axum::extract::Request;
use axum::response::Response;
use headers::{ETag, HeaderMapExt as _, IfMatch};
use http::{HeaderMap, StatusCode, Uri};
use referral_core::store::Version;
use referral_core::{
    Cursor, Destination, Label, Link, LinkDraft, LinkEdit, LinkId, PageRequest, Status, UserId,
};
use serde::Serialize;

use super::answer::{self, Wants};
use super::here::Here;
use super::input::{Fields, bad};
use super::landing::last_segment;
use crate::pages::{LinkItem, LinksPage};
use crate::problem::Problem;
use crate::query;

/// How many links a page shows unless asked otherwise, and at most.
const PAGE: u32 = 20;
const PAGE_MAX: u32 = 100;

/// `GET /r`.
pub(super) async fn list(here: Here, headers: HeaderMap, uri: Uri) -> Response {
    let wants = Wants::of(&headers);
    let page = match user(&here) {
        Ok(user) => links_page(&here, &user, uri.query().unwrap_or_default()).await,
        Err(problem) if wants == Wants::Page && problem.status() == StatusCode::UNAUTHORIZED => {
            return answer::sign_in(&here, &here.links_path());
        }
        Err(problem) => Err(problem),
    };
    match (page, wants) {
        (Ok(page), Wants::Page) => answer::page(StatusCode::OK, here.layer().pages().links(&page)),
        (Ok(page), Wants::Json) => answer::json(&page),
        (Err(problem), _) => wants.refuse(&here, problem),
    }
}

async fn links_page(here: &Here, user: &UserId, query: &str) -> Result<LinksPage, Problem> {
    let referrals = here.referrals();
    let limit = query::first(query, "limit").and_then(|limit| limit.parse().ok()).unwrap_or(PAGE);
    let limit = limit.clamp(1, PAGE_MAX);
    let after = query::first(query, "after").filter(|after| !after.is_empty());
    let after = after.map(|after| after.parse::<Cursor>()).transpose()?;
    let page = referrals.links().of_owner(user, &PageRequest::first(limit).after(after)).await?;
    let mut links = Vec::with_capacity(page.items.len());
    for link in &page.items {
        let count = referrals.responses().count(link.id).await?;
        links.push(LinkItem::of(referrals, link).with_count(count));
    }
    let action = here.links_path();
    let next = page.next.map(|cursor| format!("{action}?after={cursor}&limit={limit}"));
    Ok(LinksPage { user: user.as_str().to_owned(), action, links, next })
}

/// What `POST /r` answers.
#[derive(Serialize)]
struct Made {
    id: String,
    code: String,
    url: String,
    label: String,
    redirect_to: String,
}

/// `POST /r`.
pub(super) async fn create(here: Here, request: Request) -> Response {
    write(
        &here,
        request,
        async |user, fields| make(&here, user, fields).await,
        |link| {
            let made = Made {
                id: link.id.to_string(),
                code: link.code.to_string(),
                url: here.referrals().links().url(link),
                label: link.label.as_str().to_owned(),
                redirect_to: link.destination.as_str().to_owned(),
            };
            tagged(link, answer::json(&made))
        },
    )
    .await
}

async fn make(here: &Here, user: UserId, fields: &Fields) -> Result<Link, Problem> {
    let to = fields.destination().ok_or_else(|| bad("redirect_to", "is missing"))?;
    let mut draft = LinkDraft::to(to.to_owned())?
        .with_owner(user)
        .with_label(fields.get("label").unwrap_or_default().to_owned())?;
    if let Some(target) = fields.target()? {
        draft = draft.with_target(target);
    }
    if let Some(code) = fields.code()? {
        draft = draft.with_code(code);
    }
    let links = here.referrals().links();
    let link = links.get_or_create(draft).await?.link;
    // It is asked for to be shared, so it has to lead somewhere.
    Ok(links.revive(&link).await?)
}

/// `PATCH /r/{id}`, and `POST /r/{id}` for forms.
pub(super) async fn change(here: Here, uri: Uri, request: Request) -> Response {
    let id = last_segment(&uri).parse::<LinkId>().ok();
    let headers = request.headers().clone();
    write(
        &here,
        request,
        async |user, fields| apply(&here, user, id, fields, &headers).await,
        |link| tagged(link, answer::json(&LinkItem::of(here.referrals(), link))),
    )
    .await
}

/// Whether a link shall be switched on or off, or put away.
fn status(fields: &Fields) -> Result<Option<Status>, Problem> {
    match (fields.get("action"), fields.get("status")) {
        (None | Some("edit"), None) => Ok(None),
        (Some("enable"), None) | (None | Some("edit"), Some("active")) => Ok(Some(Status::Active)),
        (Some("disable"), None) | (None | Some("edit"), Some("disabled")) => Ok(Some(Status::Disabled)),
        (Some("archive"), None) | (None | Some("edit"), Some("archived")) => Ok(Some(Status::Archived)),
        _ => Err(bad(
            "action",
            "is edit, enable, disable or archive, or status is active, disabled or archived",
        )),
    }
}

/// Everything is changed in one edit, or nothing.
async fn apply(
    here: &Here,
    user: UserId,
    id: Option<LinkId>,
    fields: &Fields,
    headers: &HeaderMap,
) -> Result<Link, Problem> {
    let links = here.referrals().links();
    let id = id.ok_or_else(Problem::not_found)?;
    let found = links.current(id).await?;
    // Somebody else's link is no more there than one that does not exist.
    let link = found.filter(|link| link.owner.as_ref() == Some(&user)).ok_or_else(Problem::not_found)?;
    let mut edit = edit(fields, &LinkItem::of(here.referrals(), &link))?;
    if let Some(status) = status(fields)? {
        edit = edit.with_status(status);
    }
    if let Some(seen) = seen(fields, headers, &link)? {
        edit = edit.with_version(seen);
    }
    Ok(links.edit(id, edit).await?)
}

/// The version that whoever edits has seen: the field `version`, else `If-Match` ([RFC 9110,
/// 13.1.1](https://www.rfc-editor.org/rfc/rfc9110#section-13.1.1)).
fn seen(fields: &Fields, headers: &HeaderMap, link: &Link) -> Result<Option<Version>, Problem> {
    if let Some(version) = fields.get("version") {
        let version = version.trim_matches('"').parse().map_err(|_| bad("version", "is no number"))?;
        return Ok(Some(Version::new(version)));
    }
    let condition = headers.typed_try_get::<IfMatch>();
    let Some(condition) = condition.map_err(|_| bad("If-Match", "is no entity tag, such as \"3\""))? else {
        return Ok(None);
    };
    // What the header allows is the version that was just read, or none that there is.
    let today = tag(link).is_some_and(|tag| condition.precondition_passes(&tag));
    Ok(Some(if today { link.version } else { Version::new(0) }))
}

/// The entity tag of a link: its version.
fn tag(link: &Link) -> Option<ETag> {
    format!("\"{}\"", link.version.get()).parse().ok()
}

/// A document about a link, with its entity tag.
fn tagged(link: &Link, mut response: Response) -> Response {
    if let Some(tag) = tag(link) {
        response.headers_mut().typed_insert(tag);
    }
    response
}

fn edit(fields: &Fields, now: &LinkItem) -> Result<LinkEdit, Problem> {
    let mut edit = LinkEdit::default();
    // A form sends everything back, also what stayed as it was. Only what differs has to follow today's rules.
    if fields.get("code") != Some(now.code.as_str())
        && let Some(code) = fields.code()?
    {
        edit = edit.with_code(code);
    }
    if fields.has("label") {
        edit = edit.with_label(Label::new(fields.get("label").unwrap_or_default().to_owned())?);
    }
    if let Some(to) = fields.destination().filter(|to| *to != now.redirect_to) {
        edit = edit.with_destination(Destination::new(to.to_owned())?);
    }
    // A form knows minutes; what it sends back unchanged must not round the moment.
    if fields.has("expires_at") && fields.get("expires_at").unwrap_or_default() != now.ends() {
        edit = edit.with_expiry(fields.end()?);
    }
    Ok(edit)
}

/// What all requests that change something have in common: from the site itself, by a user, with fields; answered
/// with a document, or by going back to a page.
async fn write(
    here: &Here,
    request: Request,
    act: impl AsyncFnOnce(UserId, &Fields) -> Result<Link, Problem>,
    document: impl FnOnce(&Link) -> Response,
) -> Response {
    let wants = Wants::of(request.headers());
    if !here.is_same_origin(request.headers()) {
        return wants.refuse(here, Problem::cross_site());
    }
    let limit = here.layer().settings().body_limit;
    let user = match user(here) {
        Ok(user) => user,
        Err(problem) if wants == Wants::Page && problem.status() == StatusCode::UNAUTHORIZED => {
            // Where to come back to stands in the form, if it can be read.
            let fields = Fields::read(request, limit).await.unwrap_or_default();
            return answer::sign_in(here, &return_to(here, &fields));
        }
        Err(problem) => return wants.refuse(here, problem),
    };
    let fields = match Fields::read(request, limit).await {
        Ok(fields) => fields,
        Err(problem) => return wants.refuse(here, problem),
    };
    match act(user, &fields).await {
        Ok(_) if wants == Wants::Page => answer::see_other(&return_to(here, &fields)),
        Ok(link) => document(&link),
        Err(problem) => wants.refuse(here, problem),
    }
}

/// The page to go back to: what the form says where it is safe, else the links page.
fn return_to(here: &Here, fields: &Fields) -> String {
    let given = fields.get("return_to").and_then(|to| here.referrals().redirects().check(to).ok());
    given.map_or_else(|| here.links_path(), |to| to.location().to_owned())
}

fn user(here: &Here) -> Result<UserId, Problem> {
    match here.visitor().user() {
        Some(user) => Ok(user),
        None if here.visitor().auth_failed() => Err(Problem::unavailable()),
        None => Err(Problem::sign_in()),
    }
}
