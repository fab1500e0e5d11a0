//! The list above the tests: what takes part and what does not.

use referral_servers::Missing;

/// What takes part and what does not, printed line by line and kept for the summary.
pub(crate) struct List {
    ran: Vec<&'static str>,
    skipped: Vec<&'static str>,
    print: fn(&str),
}

impl List {
    pub(crate) fn on_stdout() -> Self {
        Self { ran: Vec::new(), skipped: Vec::new(), print: |line| println!("{line}") }
    }

    pub(crate) fn on_stderr() -> Self {
        Self { print: |line| eprintln!("{line}"), ..Self::on_stdout() }
    }

    pub(crate) fn title(&self, title: &str) {
        (self.print)(title);
    }

    pub(crate) fn ran(&mut self, name: &'static str, what: &str) {
        self.ran.push(name);
        (self.print)(&format!("  {name:<9} {what}"));
    }

    pub(crate) fn skipped(&mut self, name: &'static str, missing: &Missing) {
        self.skipped.push(name);
        (self.print)(&format!("  {name:<9} SKIPPED: {missing}"));
    }

    /// An error if something is skipped and `REFERRAL_TESTKIT_STRICT=1`.
    pub(crate) fn refuse_skips_if_strict(&self) -> Result<(), String> {
        let strict = std::env::var("REFERRAL_TESTKIT_STRICT").is_ok_and(|strict| strict == "1");
        if strict && !self.skipped.is_empty() {
            return Err(format!(
                "REFERRAL_TESTKIT_STRICT=1, and these would be skipped: {}",
                self.skipped.join(" ")
            ));
        }
        Ok(())
    }

    pub(crate) fn summary(&self) {
        (self.print)(&format!("ran:     {}", self.ran.join(" ")));
        if !self.skipped.is_empty() {
            (self.print)(&format!("skipped: {}", self.skipped.join(" ")));
        }
    }
}
