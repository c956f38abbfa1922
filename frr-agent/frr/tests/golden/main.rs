//! Configurations built in Rust against the text that FRR is given: one `.conf` file per case.
//!
//! `UPDATE=1 cargo test -p herald-frr` writes the files anew; the difference is then for review.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "the test reads the golden files and one variable; its builders fail by panic"
)]

mod build;
mod cases;

use herald_frr::config::FrrConfig;
use herald_frr::render::{RenderOptions, Secrets, render};
use std::path::PathBuf;

const PLAIN: RenderOptions = RenderOptions { secrets: Secrets::Show, annotate: false };
const MASKED: RenderOptions = RenderOptions { secrets: Secrets::Mask, annotate: false };
const ANNOTATED: RenderOptions = RenderOptions { secrets: Secrets::Mask, annotate: true };

fn holds(name: &str, config: &FrrConfig, options: RenderOptions) {
    let file =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name).with_extension("conf");
    let text = render(config, &options);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&file, &text).unwrap();
    }
    let golden = std::fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(text, golden, "{} differs; UPDATE=1 rewrites it", file.display());
    let tidy = |line: &str| !line.is_empty() && line.trim_end() == line;
    assert!(text.lines().all(tidy), "a blank line or a trailing blank in {name}");
}

#[test]
fn every_stanza_is_written_as_frr_writes_it() {
    for (name, config) in cases::all() {
        holds(name, &config, PLAIN);
    }
}

#[test]
fn passwords_are_masked_unless_asked_for() {
    holds("masked", &cases::session_options(), MASKED);
    holds("masked-raw", &cases::raw(), MASKED);
}

#[test]
fn comments_name_the_origins_only_when_asked_for() {
    holds("annotated", &cases::everything(), ANNOTATED);
}
