//! The guide shows the code that is here.

use std::fs;
use std::path::Path;

use referral_testkit::broken::{Defect, KilledDefect};

const GUIDE: &str = include_str!("../../../docs/store-author.md");

/// The lines of an excerpt, in pieces: each stands somewhere in the file as one block.
fn pieces(excerpt: &str) -> Vec<Vec<&str>> {
    let pieces = excerpt.split("// …");
    let pieces = pieces.map(|piece| piece.lines().map(str::trim).filter(|line| !line.is_empty()).collect());
    pieces.filter(|piece: &Vec<&str>| !piece.is_empty()).collect()
}

#[test]
fn every_excerpt_of_the_guide_is_the_code_of_its_file() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let excerpts = GUIDE.split("```rust,ignore\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let mut held = 0;
    for excerpt in excerpts {
        let (name, code) = excerpt.split_once('\n').unwrap();
        let name = name.strip_prefix("// ").unwrap_or_else(|| panic!("an excerpt without a file: {name}"));
        let file = fs::read_to_string(here.join(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
        let file: Vec<&str> = file.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        for piece in pieces(code) {
            let found = file.windows(piece.len()).any(|lines| lines == piece);
            assert!(found, "this is not in {name}:\n{}", piece.join("\n"));
            held += 1;
        }
    }
    assert!(held > 10, "the guide has excerpts");
}

#[test]
fn every_case_and_every_broken_store_of_the_guide_exists() {
    let cases: Vec<String> = referral_testkit::registry().iter().map(|case| case.id()).collect();
    let here = Defect::ALL.iter().map(|defect| format!("{defect:?}"));
    let defects: Vec<String> =
        here.chain(KilledDefect::ALL.iter().map(|defect| defect.name.to_owned())).collect();
    let groups: Vec<&str> = referral_testkit::registry().iter().map(|case| case.group).collect();
    let mut held = 0;
    // What stands between single backticks is every other piece of a line.
    for name in GUIDE.lines().flat_map(|line| line.split('`').skip(1).step_by(2)) {
        if let Some((group, promise)) = name.split_once("::")
            && groups.contains(&group)
            && !promise.contains('…')
        {
            assert!(cases.iter().any(|case| case == name), "there is no case {name}");
            held += 1;
        }
    }
    let mut of_stores = false;
    for row in GUIDE.lines() {
        of_stores = row.starts_with("| Broken store |") || (of_stores && row.starts_with('|'));
        if !of_stores || !row.starts_with("| `") {
            continue;
        }
        let Some(first) = row.split('|').nth(1) else { continue };
        for defect in first.split('`').skip(1).step_by(2).filter(|name| !name.contains(['(', ':', '.'])) {
            assert!(defects.iter().any(|known| known == defect), "there is no broken store {defect}");
            held += 1;
        }
    }
    assert!(held > 20, "the guide names cases");
}
