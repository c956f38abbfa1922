//! Users look problems up by their names: the pages and the code have the same ones.
#![expect(clippy::disallowed_methods, clippy::unwrap_used, reason = "a test reads the sources and pages")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            sources(&entry, found);
        } else if entry.extension().is_some_and(|extension| extension == "rs") {
            found.push(entry);
        }
    }
}

/// Every literal in an `impl Reason for`.
fn in_code() -> BTreeSet<String> {
    let mut files = Vec::new();
    for package in ["operator/core/src", "operator/source/src", "operator/src"] {
        sources(&repository().join(package), &mut files);
    }
    let mut reasons = BTreeSet::new();
    for file in files {
        let text = std::fs::read_to_string(file).unwrap();
        for part in text.split("impl Reason for ").skip(1) {
            let body = part.split("\n}").next().unwrap();
            let literals = body.split('"').skip(1).step_by(2);
            reasons.extend(literals.map(str::to_owned));
        }
    }
    reasons
}

/// Every name between backquotes that starts a line of a table, or any that looks like a reason.
fn on_page(page: &str, first_only: bool) -> BTreeSet<String> {
    let text = std::fs::read_to_string(repository().join("docs/reference").join(page)).unwrap();
    let is_reason = |word: &&str| {
        word.starts_with(|c: char| c.is_ascii_uppercase()) && word.chars().all(|c| c.is_ascii_alphanumeric())
    };
    let mut names = BTreeSet::new();
    for line in text.lines().filter(|line| line.starts_with('|')) {
        let words = line.split('`').skip(1).step_by(2).filter(is_reason);
        names.extend(words.take(if first_only { 1 } else { usize::MAX }).map(str::to_owned));
    }
    names
}

#[test]
fn the_page_of_problems_lists_every_reason_and_no_other() {
    let (code, page) = (in_code(), on_page("problems.md", true));
    assert!(code.len() > 100, "only {} reasons were found in the code", code.len());
    let missing: Vec<_> = code.difference(&page).collect();
    let unknown: Vec<_> = page.difference(&code).collect();
    assert!(
        missing.is_empty() && unknown.is_empty(),
        "not on the page: {missing:?}; not in the code: {unknown:?}"
    );
}

#[test]
fn the_page_of_warnings_names_only_what_is_said() {
    let (code, page) = (in_code(), on_page("warnings.md", false));
    let kinds = BTreeSet::from(["ConfigMap".to_owned(), "ServiceLB".to_owned()]);
    let unknown: Vec<_> = page.difference(&code).filter(|name| !kinds.contains(*name)).collect();
    assert!(unknown.is_empty(), "not in the code: {unknown:?}");
}

#[test]
fn every_reason_is_a_pascal_case_word() {
    for reason in in_code() {
        let start = reason.starts_with(|c: char| c.is_ascii_uppercase());
        assert!(start && reason.chars().all(|c| c.is_ascii_alphanumeric()), "{reason}");
    }
}
