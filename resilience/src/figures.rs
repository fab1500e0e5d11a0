//! What a test saw, as a line to read and a line to collect.

use std::io::Write;

use serde_json::{Map, Value};

/// The file that [`report`] appends a line of JSON to for each report, if it is set.
pub const FILE: &str = "REFERRAL_FIGURES";

/// Says what a test of a property saw on a store: `R11 postgres: silent calls 1000, permits lost 0`.
///
/// # Panics
/// If the file that [`FILE`] names cannot be written.
#[allow(clippy::print_stdout)] // that is what it is for
pub fn report(property: &str, store: &str, figures: &[(&str, String)]) {
    let words: Vec<_> = figures.iter().map(|(name, value)| format!("{name} {value}")).collect();
    println!("{property} {store}: {}", words.join(", "));
    let Some(path) = std::env::var_os(FILE).filter(|path| !path.is_empty()) else { return };
    let figures: Map<_, _> =
        figures.iter().map(|(name, value)| ((*name).to_owned(), Value::from(value.as_str()))).collect();
    let line = serde_json::json!({ "property": property, "store": store, "figures": figures });
    let mut file =
        std::fs::OpenOptions::new().create(true).append(true).open(path).expect("the file of figures");
    // One write, so that lines of several processes do not mix.
    file.write_all(format!("{line}\n").as_bytes()).expect("the file of figures");
}
