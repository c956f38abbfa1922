//! Which rows of MetalLB's end-to-end suite are tests here. A line `// B13, B14` before a test says so; docs/testing.md has
//! the rows that are left out, and why.

use anyhow::{Context, Result, ensure};
use herald_e2e::repository;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The suites and how many rows each has, as numbered in its files from the top.
const SUITES: [(&str, u32); 9] =
    [("B", 81), ("BM", 9), ("C", 10), ("M", 6), ("NP", 1), ("NS", 16), ("PS", 8), ("SS", 14), ("U", 6)];
const TITLE: &str = "## Rows of MetalLB's suite that are left out, and why";

#[test]
fn every_row_is_a_test_or_is_left_out_for_a_reason() -> Result<()> {
    let all: BTreeSet<String> = SUITES
        .iter()
        .flat_map(|(name, count)| (1..=*count).map(move |number| format!("{name}{number}")))
        .collect();
    let mut tested = BTreeSet::new();
    read(&repository().join("e2e/tests"), &mut tested)?;
    // Other suites have tests that name their rows, too.
    tested.retain(|row| all.contains(row));
    let page = fs::read_to_string(repository().join("docs/testing.md"))?;
    let section = page.split_once(TITLE).with_context(|| format!("docs/testing.md has no {TITLE}"))?.1;
    let section = section.split("\n## ").next().unwrap_or_default();
    let mut left = BTreeSet::new();
    for line in section.lines().filter(|line| line.starts_with('|')) {
        let cell = line.split('|').nth(1).unwrap_or_default();
        left.extend(rows(cell).unwrap_or_default());
    }
    let unknown: Vec<_> = left.difference(&all).collect();
    ensure!(unknown.is_empty(), "docs/testing.md leaves out what is no row: {unknown:?}");
    let forgotten: Vec<_> = all.iter().filter(|row| !tested.contains(*row) && !left.contains(*row)).collect();
    ensure!(forgotten.is_empty(), "neither a test nor left out with a reason: {forgotten:?}");
    let both: Vec<_> = left.intersection(&tested).collect();
    ensure!(both.is_empty(), "docs/testing.md leaves out what is a test: {both:?}");
    println!(
        "rows of MetalLB's suite: {} of {} are tests, {} are left out",
        tested.len(),
        all.len(),
        left.len()
    );
    Ok(())
}

/// The rows that the comments of a folder's sources name.
fn read(folder: &Path, found: &mut BTreeSet<String>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            read(&path, found)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            for line in fs::read_to_string(&path)?.lines() {
                let comment = line.trim().strip_prefix("// ").and_then(rows);
                found.extend(comment.unwrap_or_default());
            }
        }
    }
    Ok(())
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
