//! Where a case failed. A panic says where it was raised, which is often a helper; its backtrace says which line of the
//! case had called the helper.

use std::any::Any;
use std::backtrace::Backtrace;
use std::panic::PanicHookInfo;
use std::path::MAIN_SEPARATOR;
use std::sync::Once;

use crate::notes;

/// Where the source of this crate lies, as the compiler names it.
fn here() -> &'static str {
    file!().trim_end_matches("panics.rs")
}

/// A panic of a thread that worked for a case.
#[derive(Debug)]
pub(crate) struct Panic {
    /// What it said.
    pub(crate) text: String,
    place: Option<String>,
    // It costs little until it is looked at.
    trace: Backtrace,
}

/// From now on the panics of cases are noted. Those of the kit are left to its reports; all others, and those of threads
/// that work for no case, go on to the hook that there was.
pub(crate) fn note_them() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info: &PanicHookInfo<'_>| {
            let Some(notes) = notes::current() else { return before(info) };
            let own = info.location().is_some_and(|place| place.file().starts_with(here()));
            let place = info.location().map(|place| format!("{}:{}", place.file(), place.line()));
            let trace = Backtrace::force_capture();
            notes.panicked(Panic { text: said(info.payload()), place, trace });
            if !own {
                before(info);
            }
        }));
    });
}

/// What a panic said.
pub(crate) fn said(panic: &(dyn Any + Send)) -> String {
    if let Some(text) = panic.downcast_ref::<&str>() {
        (*text).to_owned()
    } else if let Some(text) = panic.downcast_ref::<String>() {
        text.clone()
    } else {
        "it panicked without a word".to_owned()
    }
}

/// The line of the case that these panics, which said the same, come from; and behind it the line of its helper, if one
/// raised it. Where the backtraces do not tell, because the program has no names of its lines, it is where the first panic
/// was raised.
pub(crate) fn line(panics: &[Panic]) -> Option<String> {
    let traces: Vec<_> = panics.iter().map(|panic| panic.trace.to_string()).collect();
    // One that leads to the runner leads to the case; one of a task that the case started may lead to a helper.
    let whole = traces.iter().find(|trace| trace.contains(&format!("src{MAIN_SEPARATOR}runner.rs:")));
    let lines = whole.or(traces.first()).map(|trace| lines(trace)).unwrap_or_default();
    match lines.as_slice() {
        [] => panics.iter().find_map(|panic| panic.place.clone()),
        [line] => Some(line.clone()),
        [raised, .., line] => Some(format!("{line} (by {raised})")),
    }
}

/// The lines of cases and of their helpers in a backtrace, innermost first. Below the symbol of each frame stands a line
/// that begins with `at` and ends with line and column, if they are known. Symbols of async functions have no paths.
fn lines(trace: &str) -> Vec<String> {
    let places = trace.lines().filter_map(|line| line.trim().strip_prefix("at "));
    let mut found: Vec<_> = places
        .filter_map(|place| {
            let (place, _column) = place.rsplit_once(':')?;
            let place = place.replace(MAIN_SEPARATOR, "/");
            // Wherever it was compiled, it is the same crate.
            Some(format!("src/cases/{}", place.rsplit_once("src/cases/")?.1))
        })
        .collect();
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_of_a_backtrace_are_those_of_the_cases() {
        let trace = "   0: std::panicking::begin\n             at /rustc/lib.rs:1:5\n   1: kit::cx::Cx::apply\n             \
                     at ./src/cx.rs:2:9\n   2: {async_fn#0}\n             at /kit/src/cases/unique.rs:34:7\n   \
                     3: no::place\n   4: kit::cases::unique\n             at /kit/src/cases/unique.rs:56:7\n";
        assert_eq!(lines(trace), ["src/cases/unique.rs:34", "src/cases/unique.rs:56"]);
    }
}
