//! The lines in which a test says what it saw.

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::Write as _;

/// Names the file that every line is appended to as one line of JSON, if it is set.
const FILE: &str = "REFERRAL_FIGURES";

/// Says what was measured of a property on a store: `R1 sqlite: 12345 acknowledged, 12345 found`.
///
/// Each figure is a name and a value, printed as `value name`. The line goes to standard output, and as one JSON
/// object to the end of the file that the variable `REFERRAL_FIGURES` names. Tests that report at once do not cut
/// each other's lines: a line is written in one piece.
///
/// # Panics
///
/// If that file cannot be written: figures that were asked for and are not there would be missed too late.
pub fn report(property: &str, store: &str, figures: &[(&str, String)]) {
    println!("{}", line(property, store, figures));
    let Some(path) = std::env::var_os(FILE).filter(|path| !path.is_empty()) else { return };
    let mut file =
        OpenOptions::new().create(true).append(true).open(&path).expect("the file of REFERRAL_FIGURES");
    file.write_all(json(property, store, figures).as_bytes())
        .expect("a line in the file of REFERRAL_FIGURES");
}

fn line(property: &str, store: &str, figures: &[(&str, String)]) -> String {
    let mut line = format!("{property} {store}:");
    for (position, (name, value)) in figures.iter().enumerate() {
        let comma = if position == 0 { "" } else { "," };
        let _ = write!(line, "{comma} {value} {name}");
    }
    line
}

fn json(property: &str, store: &str, figures: &[(&str, String)]) -> String {
    let named = figures.iter().map(|(name, value)| ((*name).to_owned(), value.as_str().into())).collect();
    let object = serde_json::json!({ "property": property, "store": store, "figures": serde_json::Value::Object(named) });
    format!("{object}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_reads_as_a_sentence() {
        let figures = [("cycles", "50".to_owned()), ("lost", "0".to_owned())];
        assert_eq!(line("R1", "sqlite", &figures), "R1 sqlite: 50 cycles, 0 lost");
    }

    #[test]
    fn a_line_of_json_holds_the_same() {
        let read: serde_json::Value =
            serde_json::from_str(&json("R1", "sqlite", &[("lost", "\"0\"".to_owned())])).unwrap();
        assert_eq!(read["property"], "R1");
        assert_eq!(read["figures"]["lost"], "\"0\"");
    }
}
