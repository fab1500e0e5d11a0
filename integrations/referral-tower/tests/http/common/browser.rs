//! A browser: it keeps the cookies that a server may set, and nothing else.

use std::collections::BTreeMap;

use axum::Router;
use axum::body::Body;
use cookie::Cookie;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, LOCATION, SET_COOKIE};
use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode};
use http_body_util::BodyExt;
use tower::ServiceExt;

#[derive(Clone)]
pub struct Browser {
    app: Router,
    pub cookies: BTreeMap<String, String>,
    headers: HeaderMap,
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

impl Browser {
    pub fn new(app: Router) -> Self {
        Self { app, cookies: BTreeMap::new(), headers: HeaderMap::new() }
    }

    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.insert(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
        self
    }

    /// Signed in from now on.
    pub fn signed_in_as(self, user: &str) -> Self {
        self.with("x-user", user)
    }

    pub async fn get(&mut self, uri: &str) -> Answer {
        self.send("GET", uri, None, "").await
    }

    pub async fn head(&mut self, uri: &str) -> Answer {
        self.send("HEAD", uri, None, "").await
    }

    pub async fn post(&mut self, uri: &str, body: &str) -> Answer {
        self.send("POST", uri, None, body).await
    }

    pub async fn form(&mut self, uri: &str, body: &str) -> Answer {
        self.send("POST", uri, Some("application/x-www-form-urlencoded"), body).await
    }

    pub async fn json(&mut self, method: &str, uri: &str, body: &str) -> Answer {
        self.send(method, uri, Some("application/json"), body).await
    }

    pub async fn send(&mut self, method: &str, uri: &str, kind: Option<&str>, body: &str) -> Answer {
        let mut request = Request::builder().method(method).uri(uri);
        let headers = request.headers_mut().unwrap();
        headers.extend(self.headers.clone());
        for (name, value) in &self.cookies {
            headers.append("cookie", format!("{name}={value}").parse().unwrap());
        }
        if let Some(kind) = kind {
            headers.insert(CONTENT_TYPE, kind.parse().unwrap());
        }
        self.take(request.body(Body::from(body.to_owned())).unwrap()).await
    }

    /// Sends a request as it is, and keeps the cookies of the answer.
    pub async fn take(&mut self, request: Request<Body>) -> Answer {
        let response = self.app.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let answer = Answer {
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8_lossy(&body).into_owned(),
        };
        for cookie in answer.cookies() {
            let removed = cookie.max_age().is_some_and(|age| age.is_zero());
            if removed {
                self.cookies.remove(cookie.name());
            } else {
                self.cookies.insert(cookie.name().to_owned(), cookie.value().to_owned());
            }
        }
        answer
    }
}

impl Answer {
    pub fn location(&self) -> &str {
        self.headers.get(LOCATION).map_or("", |value| value.to_str().unwrap())
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub fn cookies(&self) -> Vec<Cookie<'static>> {
        let parse = |value: &HeaderValue| Cookie::parse(value.to_str().unwrap().to_owned()).unwrap();
        self.headers.get_all(SET_COOKIE).iter().map(parse).collect()
    }

    /// The cookie of ours that it sets or clears, if it does.
    pub fn cookie(&self) -> Option<Cookie<'static>> {
        self.cookies().into_iter().find(|cookie| cookie.name().ends_with("referral"))
    }

    pub fn clears(&self) -> bool {
        self.cookie().is_some_and(|cookie| cookie.max_age().is_some_and(|age| age.is_zero()))
    }

    pub fn sets(&self) -> bool {
        self.cookie().is_some_and(|cookie| !cookie.value().is_empty())
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    /// A redirect of ours: 302, kept by nobody, listed nowhere.
    #[track_caller]
    pub fn redirects_to(&self, location: &str) {
        assert_eq!((self.status, self.location()), (StatusCode::FOUND, location), "{self:?}");
        assert_eq!(self.headers.get(CACHE_CONTROL).unwrap(), "no-store");
        assert_eq!(self.header("x-robots-tag"), "noindex");
    }

    /// A problem as RFC 9457 has them.
    #[track_caller]
    pub fn is_problem(&self, status: u16, kind: &str) {
        assert_eq!(self.status.as_u16(), status, "{self:?}");
        assert_eq!(self.header("content-type"), "application/problem+json");
        let problem = self.json();
        assert_eq!(problem["status"], status);
        assert!(problem["type"].as_str().unwrap().ends_with(&format!("#{kind}")), "{problem}");
        assert!(!problem["title"].as_str().unwrap().is_empty());
    }
}
