//! Which rows of MetalLB's end-to-end suite are tests here, and which groups of frr-k8s'. A line `// B13, B14` or `// frr-k8s
//! receiving` before a test says so; docs/testing.md has what is left out, and why.

use anyhow::{Context, Result, ensure};
use herald_e2e::repository;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The suites and how many rows each has, as numbered in its files from the top.
const SUITES: [(&str, u32); 9] =
    [("B", 81), ("BM", 9), ("C", 10), ("M", 6), ("NP", 1), ("NS", 16), ("PS", 8), ("SS", 14), ("U", 6)];
const TITLE: &str = "## Rows of MetalLB's suite that are left out, and why";
/// The groups of frr-k8s' suite.
const GROUPS: [&str; 16] = [
    "advertise_and_receive",
    "advertisement",
    "bfd",
    "bgp_session_status",
    "evpn",
    "graceful_restart",
    "import_vrf",
    "logging",
    "metrics",
    "node_selector",
    "raw_config",
    "receiving",
    "session",
    "status",
    "unnumbered",
    "webhooks",
];
const GROUPS_TITLE: &str = "## Groups of frr-k8s' suite: what they ask that no test shows";

#[test]
fn every_row_is_a_test_or_is_left_out_for_a_reason() -> Result<()> {
    let all: BTreeSet<String> = SUITES
        .iter()
        .flat_map(|(name, count)| (1..=*count).map(move |number| format!("{name}{number}")))
        .collect();
    let comments = comments(&repository().join("e2e/tests"))?;
    let mut tested: BTreeSet<String> =
        comments.iter().filter_map(|comment| rows(comment)).flatten().collect();
    // Other suites have tests that name their rows, too.
    tested.retain(|row| all.contains(row));
    let left: BTreeSet<String> = cells(TITLE)?.iter().filter_map(|cell| rows(cell)).flatten().collect();
    let unknown: Vec<_> = left.difference(&all).collect();
    ensure!(unknown.is_empty(), "docs/testing.md leaves out what is no row: {unknown:?}");
    let forgotten: Vec<_> = all.iter().filter(|row| !tested.contains(*row) && !left.contains(*row)).collect();
    ensure!(forgotten.is_empty(), "neither a test nor left out with a reason: {forgotten:?}");
    let both: Vec<_> = left.intersection(&tested).collect();
    ensure!(both.is_empty(), "docs/testing.md leaves out what is a test: {both:?}");
    println!(
        "rows of MetalLB's suite: {} of {} are tests, {} are left out; groups of frr-k8s': {} of {} have tests",
        tested.len(),
        all.len(),
        left.len(),
        groups(&comments)?.len(),
        GROUPS.len()
    );
    Ok(())
}

/// The groups of frr-k8s' suite of which there is a test. docs/testing.md says of each what no test shows.
fn groups(comments: &[String]) -> Result<BTreeSet<String>> {
    let tested: BTreeSet<String> = comments
        .iter()
        .filter_map(|comment| comment.strip_prefix("frr-k8s "))
        // What of the group may stand behind a colon.
        .flat_map(|names| names.split(':').next().unwrap_or_default().split(", "))
        .filter(|name| GROUPS.contains(name))
        .map(ToOwned::to_owned)
        .collect();
    let told = cells(GROUPS_TITLE)?;
    for group in GROUPS {
        ensure!(
            told.iter().any(|cell| cell == group),
            "docs/testing.md does not say what is shown of {group}"
        );
    }
    Ok(tested)
}

/// The first column of a section's table in docs/testing.md.
fn cells(title: &str) -> Result<Vec<String>> {
    let page = fs::read_to_string(repository().join("docs/testing.md"))?;
    let section = page.split_once(title).with_context(|| format!("docs/testing.md has no {title}"))?.1;
    let lines = section.split("\n## ").next().unwrap_or_default().lines();
    let cell = |line: &str| line.strip_prefix('|')?.split('|').next().map(|cell| cell.trim().to_owned());
    Ok(lines.filter_map(cell).collect())
}

/// Lines that are nothing but a comment, of a folder's sources.
fn comments(folder: &Path) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(comments(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path)?;
            let comment = |line: &str| line.trim().strip_prefix("// ").map(ToOwned::to_owned);
            found.extend(text.lines().filter_map(comment));
        }
    }
    Ok(found)
}

/// `B13, B14`; nothing for any other text.
fn rows(text: &str) -> Option<Vec<String>> {
    let one = |word: &str| {
        let digits = word.trim_start_matches(|letter: char| letter.is_ascii_uppercase());
        let row = !digits.is_empty()
            && digits.len() < word.len()
            && digits.chars().all(|digit| digit.is_ascii_digit());
        row.then(|| word.to_owned())
    };
    text.trim().split(", ").map(one).collect()
}
