//! Signing up, in and out.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use referral_core::Link;
use serde::Serialize;
use serde_json::json;

use super::shell::Shell;
use crate::accounts::{self, Joined};
use crate::context::{Context, or_nothing};
use crate::error_page::ErrorPage;
use crate::wants::Wants;
use crate::web::{Fields, answer, answer_with, done};

#[derive(Template, Serialize)]
#[template(path = "signup.html")]
struct SignUpPage {
    #[serde(flatten)]
    shell: Shell,
    /// Who invites: the owner of the code, or of the link that the visitor came through.
    inviter: Option<String>,
    code: String,
    username: String,
    errors: Errors,
    #[serde(skip)]
    next: Option<String>,
}

/// What is wrong with which field.
#[derive(Serialize, Default)]
struct Errors {
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
}

impl Errors {
    fn len(&self) -> usize {
        usize::from(self.username.is_some()).saturating_add(usize::from(self.code.is_some()))
    }

    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Who invites with which code.
#[derive(Default)]
struct Invitation {
    inviter: Option<String>,
    code: Option<String>,
    /// Whether the code leads nowhere.
    dead: bool,
}

impl Context {
    /// Finds the invitation of the code that was typed or given, or else of the link that the visitor came through.
    async fn invitation(&self, typed: &str) -> Result<Invitation, ErrorPage> {
        if typed.is_empty() {
            return Ok(match self.came_by().await {
                Some(Link { owner, code, .. }) => Invitation {
                    inviter: owner.map(|owner| owner.as_str().to_owned()),
                    code: Some(code.to_string()),
                    dead: false,
                },
                None => Invitation::default(),
            });
        }
        let alive = self.app.referrals.links().preview(typed).await?.filter(|preview| preview.dead.is_none());
        Ok(match alive {
            Some(preview) => Invitation {
                inviter: preview.owner.map(|owner| owner.as_str().to_owned()),
                code: Some(preview.code.to_string()),
                dead: false,
            },
            None => Invitation { dead: true, ..Invitation::default() },
        })
    }

    /// Whether the visitor came through the link of this code anyway, so that the code says nothing new.
    async fn came_through(&self, code: &str) -> Result<bool, ErrorPage> {
        let Some(preview) = self.app.referrals.links().preview(code).await? else { return Ok(false) };
        Ok(self.came_by().await.is_some_and(|link| link.id == preview.link))
    }
}

/// The code in what somebody pasted: a code, or the whole link.
fn code_of(pasted: &str) -> &str {
    let path = pasted.split(['?', '#']).next().unwrap_or(pasted).trim_end_matches('/');
    path.rsplit_once("/r/").map_or(pasted, |(_, code)| code)
}

pub(crate) async fn sign_up_form(context: Context) -> Result<Response, ErrorPage> {
    let typed = code_of(context.query("code").unwrap_or_default().trim());
    let invitation = context.invitation(typed).await?;
    let page = SignUpPage {
        shell: context.shell().await?,
        inviter: invitation.inviter,
        code: invitation.code.unwrap_or_default(),
        username: String::new(),
        errors: Errors::default(),
        next: context.query("next").and_then(|next| context.safe(next)),
    };
    answer(context.wants, &page)
}

pub(crate) async fn sign_up(context: Context, fields: Fields) -> Result<Response, ErrorPage> {
    let (username, typed) = (fields.get("username"), code_of(fields.get("code")));
    let invitation = context.invitation(typed).await?;
    let mut errors = Errors::default();
    if let Err(why) = accounts::check_name(username) {
        errors.username = Some(why.to_owned());
    }
    if invitation.dead {
        errors.code = Some("This code leads nowhere. Check it, or leave the field empty.".to_owned());
    }
    if errors.is_empty() {
        let code = match typed {
            "" => None,
            typed if context.came_through(typed).await? => None,
            typed => Some(typed),
        };
        match accounts::sign_up(&context.app, &context.visitor, username, code).await? {
            Some(joined) => return welcome(&context, &fields, joined, invitation.inviter.as_deref()).await,
            None => {
                errors.username = Some(format!("{username} is taken. Choose another, or sign in with it."))
            }
        }
    }
    refuse_sign_up(&context, &fields, invitation.inviter, errors).await
}

async fn welcome(
    context: &Context,
    fields: &Fields,
    joined: Joined,
    inviter: Option<&str>,
) -> Result<Response, ErrorPage> {
    let next = context.safe(fields.get("next")).unwrap_or_else(|| "/me?done=welcome".to_owned());
    let data =
        json!({ "user": joined.user.name, "invited_by": inviter, "responses_claimed": joined.claimed });
    let response = done(context.wants, &next, &data);
    Ok(context.app.sign_in(&joined.user, &context.session, response).await?)
}

async fn refuse_sign_up(
    context: &Context,
    fields: &Fields,
    inviter: Option<String>,
    errors: Errors,
) -> Result<Response, ErrorPage> {
    let taken = errors.username.as_ref().is_some_and(|why| why.contains("taken"));
    let status = if taken { StatusCode::CONFLICT } else { StatusCode::UNPROCESSABLE_ENTITY };
    if context.wants == Wants::Json {
        let said: Vec<_> = [errors.username, errors.code].into_iter().flatten().collect();
        return Err(ErrorPage::new(status, "That does not fit", said.join(" ")));
    }
    // What was typed is given back, so that it can be corrected. It is cut, because it may be very long.
    let typed = |name| fields.get(name).chars().take(200).collect();
    let page = SignUpPage {
        shell: context.shell().await?,
        inviter,
        code: typed("code"),
        username: typed("username"),
        errors,
        next: context.safe(fields.get("next")),
    };
    answer_with(status, context.wants, &page)
}

#[derive(Template, Serialize)]
#[template(path = "login.html")]
struct LoginPage {
    #[serde(flatten)]
    shell: Shell,
    username: String,
    error: Option<String>,
    #[serde(skip)]
    next: Option<String>,
}

pub(crate) async fn login_form(context: Context) -> Result<Response, ErrorPage> {
    let page = LoginPage {
        shell: context.shell().await?,
        username: String::new(),
        error: None,
        next: context.query("next").and_then(|next| context.safe(next)),
    };
    answer(context.wants, &page)
}

pub(crate) async fn login(context: Context, fields: Fields) -> Result<Response, ErrorPage> {
    let username = fields.get("username");
    let user = match accounts::check_name(username) {
        Ok(()) => context.app.shop.user(username).await?,
        Err(_) => None,
    };
    let Some(user) = user else { return refuse_login(&context, &fields).await };
    // The next request would do it too; so it is done before the first page is shown. An account that is older
    // than the touches gets them, and is no sign-up.
    let id = referral_core::UserId::new(user.name.clone()).map_err(referral_core::Error::from)?;
    or_nothing(context.visitor.identify_since(id, user.since).await);
    let next = context.safe(fields.get("next")).unwrap_or_else(|| "/me?done=hello".to_owned());
    let response = done(context.wants, &next, &json!({ "user": user.name }));
    Ok(context.app.sign_in(&user, &context.session, response).await?)
}

async fn refuse_login(context: &Context, fields: &Fields) -> Result<Response, ErrorPage> {
    let why = "There is no account of this name. Check the spelling, or make an account.";
    if context.wants == Wants::Json {
        return Err(ErrorPage::new(StatusCode::UNAUTHORIZED, "Nobody of this name", why));
    }
    let page = LoginPage {
        shell: context.shell().await?,
        username: fields.get("username").chars().take(200).collect(),
        error: Some(why.to_owned()),
        next: context.safe(fields.get("next")),
    };
    answer_with(StatusCode::UNAUTHORIZED, context.wants, &page)
}

pub(crate) async fn logout(context: Context) -> Result<Response, ErrorPage> {
    let response = done(context.wants, "/?done=bye", &json!({ "user": null }));
    Ok(context.app.sign_out(&context.session, response).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pasted_link_is_as_good_as_its_code() {
        assert_eq!(code_of("k7m2"), "k7m2");
        assert_eq!(code_of("http://127.0.0.1:3000/r/k7m2"), "k7m2");
        assert_eq!(code_of("https://shop.example/r/k7m2/?redirect_to=%2F"), "k7m2");
        assert_eq!(code_of("nonsense?"), "nonsense?");
        assert_eq!(code_of(""), "");
    }
}
