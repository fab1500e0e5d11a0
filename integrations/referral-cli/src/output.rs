//! Standard output and standard error. The only place that writes to either.

use std::io::{self, Write};

use serde::Serialize;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::failure::Failure;

/// Where the data of a command goes, line by line.
pub(crate) struct Output {
    to: Box<dyn Write>,
}

impl Output {
    /// Writes to standard output. Each line is written as soon as it is complete, so that a caller who sends a question
    /// and waits for its answer gets it.
    pub(crate) fn to_stdout() -> Self {
        // It is not locked between two lines, because conformance cases start this program again and that one writes
        // too.
        Self { to: Box::new(io::stdout()) }
    }

    /// Writes a line of text.
    pub(crate) fn line(&mut self, text: &str) -> Result<(), Failure> {
        writeln!(self.to, "{text}").map_err(Failure::Output)
    }

    /// Writes a line of JSON.
    pub(crate) fn json(&mut self, value: &impl Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string(value).map_err(|error| Failure::Output(error.into()))?;
        self.line(&text)
    }

    /// Writes rows under headings, or nothing if there are no rows.
    pub(crate) fn table(&mut self, headings: &[&str], rows: &[Vec<String>]) -> Result<(), Failure> {
        if rows.is_empty() {
            return Ok(());
        }
        let headings = headings.iter().map(|&heading| heading.to_owned()).collect();
        let mut lines = vec![headings];
        lines.extend(rows.iter().map(|row| row.iter().map(|cell| plain(cell)).collect::<Vec<_>>()));
        let columns = lines.iter().map(Vec::len).max().unwrap_or_default();
        let width = |column: usize| {
            let cells = lines.iter().filter_map(|line| line.get(column));
            cells.map(|cell| cell.width()).max().unwrap_or_default()
        };
        let widths: Vec<_> = (0..columns).map(width).collect();
        for line in &lines {
            let mut text = String::new();
            for (cell, width) in line.iter().zip(&widths) {
                text.push_str(cell);
                text.push_str(&" ".repeat(width.saturating_sub(cell.width()).saturating_add(2)));
            }
            self.line(text.trim_end())?;
        }
        Ok(())
    }

    /// Writes a line for each field that is not empty.
    pub(crate) fn fields(&mut self, fields: &[(&str, String)]) -> Result<(), Failure> {
        let width = fields.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
        for (name, value) in fields.iter().filter(|(_, value)| !value.is_empty()) {
            self.line(&format!("{name:width$}  {}", plain(value)))?;
        }
        Ok(())
    }
}

/// Tells a person something, on standard error.
pub(crate) fn say(text: &str) {
    // If standard error is closed, there is nobody left to tell.
    let _ = writeln!(io::stderr().lock(), "referral: {text}");
}

/// Text as it may stand in a terminal. Visitors choose some of what is stored, and a control character could move
/// the cursor or write the clipboard of whoever looks at it.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for symbol in text.chars() {
        if symbol.width().is_none() || is_bidirectional(symbol) {
            plain.extend(symbol.escape_unicode());
        } else {
            plain.push(symbol);
        }
    }
    plain
}

/// Whether the symbol changes the direction in which the text beside it is shown.
const fn is_bidirectional(symbol: char) -> bool {
    matches!(symbol, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2028}' | '\u{2029}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_stored_can_steer_the_terminal() {
        assert_eq!(plain("a\u{1b}[2Jb"), "a\\u{1b}[2Jb");
        assert_eq!(plain("a\nb\u{9b}c\u{202e}d\u{7f}"), "a\\u{a}b\\u{9b}c\\u{202e}d\\u{7f}");
        assert_eq!(plain("Zoë 東京 👍"), "Zoë 東京 👍");
    }
}
