//! `referral check-redirect`

use std::fmt;
use std::io::{self, BufRead};

use referral_core::redirect::{RedirectError, RedirectPolicy};
use serde::Deserialize;
use serde_json::{Map, Value};
use url::Url;

use crate::args::CheckRedirectArgs;
use crate::failure::{Failure, chain};
use crate::output::{self, Output};

/// The fields of a line that are read. All others are passed on.
#[derive(Deserialize)]
struct Case {
    url: String,
    base_host: String,
    #[serde(default)]
    allowed_hosts: Vec<String>,
    #[serde(default = "yes")]
    require_https: bool,
    expect: Option<Verdict>,
    grade: Option<String>,
    browser: Option<String>,
}

const fn yes() -> bool {
    true
}

/// What became of a destination.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Allow,
    Deny,
}

impl Verdict {
    const fn name(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
        }
    }
}

/// How often verdicts and expectations agreed.
#[derive(Default)]
struct Grade {
    judged: u32,
    holes: u32,
    false_denials: u32,
}

impl fmt::Display for Grade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { judged, holes, false_denials } = self;
        write!(f, "{judged} judged, {holes} holes, {false_denials} false denials")
    }
}

/// The sums of the lines that say what is expected.
#[derive(Default)]
struct Summary {
    must: Grade,
    advisory: Grade,
    /// How many allowed lines have `browser`, the place that a browser goes to.
    followed: u32,
    /// How many of these lead there.
    arrived: u32,
}

impl Summary {
    fn add(&mut self, case: &Case, verdict: Verdict, location: Option<&str>) {
        let Some(expect) = case.expect else { return };
        // A line without a grade has to be met.
        let advisory = case.grade.as_deref() == Some("advisory");
        let grade = if advisory { &mut self.advisory } else { &mut self.must };
        grade.judged += 1;
        match (expect, verdict) {
            (Verdict::Deny, Verdict::Allow) => grade.holes += 1,
            (Verdict::Allow, Verdict::Deny) => grade.false_denials += 1,
            _ => {}
        }
        if let (Some(location), Some(browser)) = (location, &case.browser) {
            self.followed += 1;
            let followed = follow(&case.base_host, location);
            let there = Url::parse(browser).ok();
            if followed.is_some() && followed.map(|url| url.origin()) == there.map(|url| url.origin()) {
                self.arrived += 1;
            }
        }
    }

    fn say(&self) {
        if self.must.judged > 0 {
            output::say(&format!("must: {}", self.must));
        }
        if self.advisory.judged > 0 {
            output::say(&format!("advisory: {}", self.advisory));
        }
        if self.followed > 0 {
            let Self { followed, arrived, .. } = self;
            output::say(&format!(
                "{arrived} of {followed} allowed Locations resolve to the origin of `browser`"
            ));
        }
    }
}

/// Where a browser goes that follows a link of the site and gets this Location.
fn follow(base_host: &str, location: &str) -> Option<Url> {
    Url::parse(&format!("https://{base_host}/r/abc")).ok()?.join(location).ok()
}

/// Why a line is not answered.
#[derive(Debug, thiserror::Error)]
enum LineError {
    #[error("not a JSON object with the fields it needs")]
    Json(#[from] serde_json::Error),
    #[error("one of its hosts is none")]
    Host(#[from] referral_core::redirect::HostError),
}

/// Answers line by line.
pub(crate) fn run(args: &CheckRedirectArgs, out: &mut Output) -> Result<(), Failure> {
    let mut summary = Summary::default();
    let mut malformed = false;
    // Lines are read as bytes, so that one that is not UTF-8 does not end the program.
    for (number, line) in (1_u64..).zip(io::stdin().lock().split(b'\n')) {
        let line = line.map_err(Failure::Input)?;
        if line.trim_ascii().is_empty() {
            continue;
        }
        match judge(&line) {
            Ok((case, answer, verdict, location)) => {
                out.json(&answer)?;
                summary.add(&case, verdict, location.as_deref());
            }
            Err(error) => {
                malformed = true;
                output::say(&format!("line {number}: {}", chain(&error)));
            }
        }
    }
    summary.say();
    let surprised = summary.must.holes > 0 || summary.must.false_denials > 0;
    if malformed || (args.strict && surprised) { Err(Failure::Said) } else { Ok(()) }
}

type Answer = (Case, Map<String, Value>, Verdict, Option<String>);

fn judge(line: &[u8]) -> Result<Answer, LineError> {
    let mut fields: Map<String, Value> = serde_json::from_slice(line)?;
    let case: Case = serde_json::from_value(Value::Object(fields.clone()))?;
    let policy = RedirectPolicy::for_case(&case.base_host, &case.allowed_hosts, case.require_https)?;
    let checked = policy.check(&case.url);
    let verdict = if checked.is_ok() { Verdict::Allow } else { Verdict::Deny };
    let reason = checked.as_ref().err().map(|error: &RedirectError| chain(error));
    let location = checked.ok().map(|safe| safe.location().to_owned());
    fields.insert("verdict".to_owned(), verdict.name().into());
    fields.insert("location".to_owned(), location.clone().into());
    fields.insert("reason".to_owned(), reason.into());
    Ok((case, fields, verdict, location))
}
