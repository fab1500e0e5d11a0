//! Why a server cannot be had.

use std::fmt;

/// Why a server cannot be had, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// What is not there, in a few words: `no initdb on PATH or in /usr/lib/postgresql/*/bin`.
    pub why: String,
    /// How to get it: `apt-get install postgresql`.
    pub remedy: String,
    /// What the programs involved have said last, if one of them has failed; else empty.
    pub log: String,
}

impl Missing {
    pub(crate) fn new(why: impl Into<String>, remedy: &str) -> Self {
        Self { why: why.into(), remedy: remedy.to_owned(), log: String::new() }
    }

    pub(crate) fn with_log(self, log: String) -> Self {
        Self { log, ..self }
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.why, self.remedy)?;
        for line in self.log.lines() {
            write!(f, "\n    | {line}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Missing {}
