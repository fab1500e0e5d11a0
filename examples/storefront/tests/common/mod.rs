//! The real shop in a folder of its own, and visitors with cookie jars.
#![allow(dead_code, reason = "each test file uses its own part of it")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use reqwest::header::{ACCEPT, COOKIE, LOCATION, SET_COOKIE};
use reqwest::{Method, RequestBuilder};
use serde_json::Value;
use tempfile::TempDir;

/// The program, ready to be started in a folder with nothing in its environment.
pub fn program(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_storefront"));
    for name in ["HOST", "DATABASE_URL", "PUBLIC_URL", "REFERRAL_KEYS", "INSECURE_COOKIES", "RUST_LOG"] {
        command.env_remove(name);
    }
    command.current_dir(folder).env("PORT", "0").stdin(Stdio::null());
    command
}

/// A shop that is open. Dropping it closes it.
pub struct Shop {
    child: Child,
    stdout: BufReader<ChildStdout>,
    pub url: String,
    pub folder: TempDir,
}

impl Shop {
    /// Opens a shop for the first time, as a stranger would: in an empty folder.
    pub fn open() -> Self {
        Self::open_with(tempfile::tempdir().unwrap(), &[])
    }

    pub fn in_memory() -> Self {
        Self::open_with(tempfile::tempdir().unwrap(), &[("DATABASE_URL", "memory:")])
    }

    pub fn open_with(folder: TempDir, env: &[(&str, &str)]) -> Self {
        let mut command = program(folder.path());
        // A line for each request is too much beside a test.
        command.env("RUST_LOG", "warn,referral_tower::cookie=error").envs(env.iter().copied());
        Self::start(command, folder)
    }

    /// Opens a shop by a command of one's own.
    pub fn start(mut command: Command, folder: TempDir) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let url = line.split_whitespace().last().unwrap_or_default().to_owned();
        assert!(url.starts_with("http://"), "the first line names no address: {line:?}");
        Self { child, stdout, url, folder }
    }

    /// Asks the shop to close, as a terminal or a service manager does, and gives its folder back.
    pub fn close(mut self) -> TempDir {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        assert!(self.child.wait().unwrap().success(), "the shop did not close in good order");
        let mut said = String::new();
        self.stdout.read_to_string(&mut said).unwrap();
        assert!(said.contains("Closed."), "{said}");
        std::mem::replace(&mut self.folder, tempfile::tempdir().unwrap())
    }

    pub fn visitor(&self) -> Visitor {
        Visitor::of(&self.url)
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        // Already gone after `close`.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub location: Option<String>,
    pub text: String,
    pub headers: reqwest::header::HeaderMap,
}

impl Answer {
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    #[track_caller]
    pub fn is(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }

    #[track_caller]
    pub fn to(self, location: &str) -> Self {
        assert_eq!(self.location.as_deref(), Some(location), "{self:?}");
        self
    }

    #[track_caller]
    pub fn says(self, words: &str) -> Self {
        assert!(self.text.contains(words), "{words:?} is not in {}", self.text);
        self
    }
}

/// A browser with cookies, as far as the shop can tell.
pub struct Visitor {
    client: reqwest::Client,
    base: String,
    pub cookies: BTreeMap<String, String>,
    pub agent: String,
    pub site: &'static str,
}

impl Visitor {
    pub fn of(base: &str) -> Self {
        let client =
            reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build();
        Self {
            client: client.unwrap(),
            base: base.to_owned(),
            cookies: BTreeMap::new(),
            agent: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0".to_owned(),
            site: "same-origin",
        }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.base) };
        let cookies: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut request = self
            .client
            .request(method, url)
            .header("user-agent", &self.agent)
            .header("sec-fetch-site", self.site)
            .header("sec-fetch-mode", "navigate")
            .header("sec-fetch-dest", "document");
        if !cookies.is_empty() {
            request = request.header(COOKIE, cookies.join("; "));
        }
        request
    }

    pub async fn send(&mut self, request: RequestBuilder) -> Answer {
        let response = request.send().await.unwrap();
        for line in response.headers().get_all(SET_COOKIE) {
            let line = line.to_str().unwrap();
            assert!(line.contains("HttpOnly") && line.contains("SameSite=Lax"), "{line}");
            let (name, value) = line.split(';').next().unwrap().split_once('=').unwrap();
            if value.is_empty() || line.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        let text = |name| Some(response.headers().get(name)?.to_str().unwrap().to_owned());
        Answer {
            status: response.status().as_u16(),
            location: text(LOCATION),
            headers: response.headers().clone(),
            text: response.text().await.unwrap(),
        }
    }

    /// A page, as a browser asks for it.
    pub async fn get(&mut self, path: &str) -> Answer {
        let request = self.request(Method::GET, path).header(ACCEPT, "text/html,*/*;q=0.8");
        self.send(request).await
    }

    /// The data of a page.
    pub async fn data(&mut self, path: &str) -> Value {
        let request = self.request(Method::GET, path).header(ACCEPT, "application/json");
        self.send(request).await.is(200).json()
    }

    /// A form, as a browser sends it.
    pub async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let request = self.request(Method::POST, path).header(ACCEPT, "text/html,*/*;q=0.8").form(fields);
        self.send(request).await
    }

    /// A form, as a program sends it.
    pub async fn post_for_data(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let request = self.request(Method::POST, path).header(ACCEPT, "application/json").form(fields);
        self.send(request).await
    }

    /// Any other request.
    pub fn raw(&self, method: Method, path: &str) -> RequestBuilder {
        self.request(method, path)
    }

    pub async fn sign_up(&mut self, name: &str) {
        self.post("/signup", &[("username", name)]).await.is(303).to("/me?done=welcome");
    }

    /// A link of the user who is signed in.
    pub async fn link(&mut self, fields: &[(&str, &str)]) -> Value {
        self.post_for_data("/me/links", fields).await.is(200).json()
    }
}
