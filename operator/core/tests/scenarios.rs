//! Stories from manifests to `frr.conf`, with the texts that a network engineer reads.

#![expect(clippy::disallowed_methods, reason = "a test reads its golden files; nothing of the library does")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use herald_core::input::{self, SourceText};
use herald_core::model::InForce;
use herald_core::plan::{Allocate, Endpoints, Options, evaluate};
use herald_core::problem::{Problem, Severity};
use herald_frr::render::{RenderOptions, render};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// What every scenario's agent is told beside the manifests.
fn options() -> Options {
    let mut options =
        Options { allocate: Allocate::InMemory, endpoints: Endpoints::Assume, ..Options::default() };
    options.frr.always_block = vec!["10.96.0.0/12".parse().unwrap()];
    options
}

/// The expected files of a scenario: name and text.
fn expected(folder: &Path) -> Vec<(String, String)> {
    let text = fs::read_to_string(folder.join("input.yaml")).unwrap();
    let source = SourceText { file: "input.yaml".into(), text: text.into() };
    let parsed = input::parse(&[source], &input::Options::default());
    let options = options();
    let evaluation = evaluate(&parsed.snapshot, &InForce::default(), &options);
    let planner = evaluation.planner(&options);
    let mut problems: Vec<Problem> = parsed.problems.iter().chain(&evaluation.problems).cloned().collect();
    let mut files = Vec::new();
    for node in evaluation.model.nodes.values() {
        let on_node = evaluation.on_node(&planner, node, &options.frr);
        problems.extend(on_node.problems);
        files.push((format!("{}.frr.conf", node.name), render(&on_node.config, &RenderOptions::default())));
    }
    parsed.index.place(&mut problems);
    problems.retain(|problem| problem.severity == Severity::Error);
    let mut said = String::new();
    for Problem { location, object, field, reason, message, nodes, .. } in &problems {
        let place = location.as_ref().map(ToString::to_string).unwrap_or_default();
        let object = object.as_ref().map(ToString::to_string).unwrap_or_default();
        _ = writeln!(said, "{place}: {object} {field}: {message} [{reason}] on {}", nodes.join(", "));
    }
    files.push(("problems.txt".to_owned(), said));
    files
}

fn folders() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    let entries = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path());
    let mut folders: Vec<PathBuf> = entries.filter(|path| path.is_dir()).collect();
    folders.sort();
    folders
}

#[test]
fn each_story_ends_as_written() {
    let update = env::var_os("UPDATE").is_some();
    let mut wrong = String::new();
    for folder in folders() {
        for (name, text) in expected(&folder) {
            let path = folder.join(name);
            if update && (!text.is_empty() || path.exists()) {
                fs::write(&path, &text).unwrap();
            }
            let golden = fs::read_to_string(&path).unwrap_or_default();
            if golden != text {
                _ = writeln!(wrong, "{} differs, it should be:\n{text}", path.display());
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}
