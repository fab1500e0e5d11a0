//! The fields of a form or of a JSON object, as the same thing.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::error::Error;

use axum::body::Body;
use axum::extract::Request;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};
use http_body_util::LengthLimitError;
use referral_core::{Code, Target, Timestamp};
use serde_json::Value;

use crate::problem::Problem;

/// What a request gave, by name: a text, or nothing where it said `null` or left a field blank.
#[derive(Debug, Default)]
pub(super) struct Fields(BTreeMap<String, Option<String>>);

enum Kind {
    Form,
    Json,
}

impl Fields {
    /// Reads a body of at most `limit` bytes.
    pub(super) async fn read(request: Request, limit: usize) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let bytes = bytes(body, limit).await?;
        if bytes.is_empty() {
            return Ok(Self::default());
        }
        match kind(&parts.headers) {
            Some(Kind::Form) => Ok(Self::form(&bytes)),
            Some(Kind::Json) => Self::json(&bytes),
            None => {
                let (status, title) =
                    (StatusCode::UNSUPPORTED_MEDIA_TYPE, "The body is neither a form nor JSON");
                Err(Problem::new(status, "media-type", title))
            }
        }
    }

    fn form(bytes: &[u8]) -> Self {
        let mut fields = BTreeMap::new();
        for (name, value) in form_urlencoded::parse(bytes) {
            let value = Some(value.into_owned()).filter(|value| !value.is_empty());
            // The first of several, as in a query.
            fields.entry(name.into_owned()).or_insert(value);
        }
        Self(fields)
    }

    fn json(bytes: &[u8]) -> Result<Self, Problem> {
        let document: BTreeMap<String, Value> = match serde_json::from_slice(bytes) {
            Ok(document) => document,
            Err(error) if error.is_data() => return Err(bad("the body", "has to be an object")),
            Err(_) => return Err(Problem::new(StatusCode::BAD_REQUEST, "malformed", "The body is no JSON")),
        };
        let mut fields = BTreeMap::new();
        for (name, value) in document {
            let value = match value {
                Value::Null => None,
                Value::String(text) => Some(text).filter(|text| !text.is_empty()),
                Value::Number(number) => Some(number.to_string()),
                _ => return Err(bad(&name, "has to be a text or a number")),
            };
            fields.insert(name, value);
        }
        Ok(Self(fields))
    }

    /// What a field holds, where it is there and not blank.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_deref()
    }

    /// Whether a field is there, also blank.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// The destination: `redirect_to` wins over `next`.
    pub(super) fn destination(&self) -> Option<&str> {
        self.get("redirect_to").or_else(|| self.get("next"))
    }

    /// The code that somebody chose.
    pub(super) fn code(&self) -> Result<Option<Code>, Problem> {
        let code = self.get("code").map(str::trim).filter(|code| !code.is_empty());
        Ok(code.map(Code::chosen).transpose()?)
    }

    /// What a link is about: both parts, or none.
    pub(super) fn target(&self) -> Result<Option<Target>, Problem> {
        match (self.get("target_kind"), self.get("target_id")) {
            (Some(kind), Some(id)) => Ok(Some(Target::new(kind.to_owned(), id.to_owned())?)),
            (None, None) => Ok(None),
            _ => Err(bad("target_kind", "and target_id belong together")),
        }
    }

    /// When a link ends: milliseconds since 1970, RFC 3339, or a date and time in UTC as browsers send them.
    pub(super) fn end(&self) -> Result<Option<Timestamp>, Problem> {
        let Some(text) = self.get("expires_at") else { return Ok(None) };
        if let Ok(millis) = text.parse::<i64>() {
            return Ok(Some(Timestamp::from_millis(millis)));
        }
        let at = text.parse::<jiff::Timestamp>().or_else(|_| {
            let local = text.parse::<jiff::civil::DateTime>()?;
            Ok::<_, jiff::Error>(local.to_zoned(jiff::tz::TimeZone::UTC)?.timestamp())
        });
        match at {
            Ok(at) => Ok(Some(Timestamp::from_millis(at.as_millisecond()))),
            Err(_) => Err(bad("expires_at", "is no moment: milliseconds since 1970, or 2026-12-31T18:00Z")),
        }
    }
}

/// A field that does not fit.
pub(super) fn bad(field: &str, why: &str) -> Problem {
    let field: Cow<'_, str> = if field.len() > 64 { "a field".into() } else { field.into() };
    Problem::bad_input().with_detail(format!("{field} {why}"))
}

fn kind(headers: &HeaderMap) -> Option<Kind> {
    let value = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let essence = value.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        Some(Kind::Form)
    } else if essence.eq_ignore_ascii_case("application/json") {
        Some(Kind::Json)
    } else {
        None
    }
}

async fn bytes(body: Body, limit: usize) -> Result<axum::body::Bytes, Problem> {
    axum::body::to_bytes(body, limit).await.map_err(|error| {
        let too_large = error.source().is_some_and(|source| source.is::<LengthLimitError>());
        if too_large {
            let title = "The body is too large";
            Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", title)
                .with_detail(format!("at most {limit} bytes are read"))
        } else {
            Problem::new(StatusCode::BAD_REQUEST, "malformed", "The body broke off")
        }
    })
}
