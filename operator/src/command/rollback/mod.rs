//! `herald rollback`: what would undo the changes of a node, as a difference of manifests.

mod document;
mod merge;
mod patch;
#[cfg(test)]
mod tests;

use crate::exit::{Error, Exit, Result};
use crate::node_history::{Source, entry};
use crate::output::say;
use clap::ValueEnum;
use herald_core::history::{MASK, ObjectChange, Undo, undo};
use patch::{Files, Patch, file_name};
use serde_yaml::Value;
use std::io::{Write, stdin};
use std::path::PathBuf;

/// Arguments of `herald rollback`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    source: Source,
    /// The revision to go back to; by default the one before objects changed for the last time
    #[arg(long, value_name = "N")]
    to: Option<u64>,
    /// Manifests to change: the diff is of these files. Without them, of the objects as the history keeps them
    #[arg(short = 'f', long = "filename", value_name = "PATH", num_args = 1..)]
    paths: Vec<PathBuf>,
    /// What to print
    #[arg(short, long, value_enum, default_value_t, visible_alias = "format")]
    output: Form,
}

/// What to print.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum Form {
    /// A unified diff, for a reviewer, `patch -p1` or `git apply`
    #[default]
    Diff,
    /// The manifests as they were, for `kubectl apply`; what is to be deleted is a comment
    Yaml,
}

impl Args {
    /// Prints what would undo the changes; exits 1 if that is not all of it, and says what is missing.
    pub fn run(self) -> Result {
        let Self { source, to, paths, output } = self;
        let entries = source.open()?.entries()?;
        if let Some(to) = to {
            entry(&entries, Some(to))?;
        }
        let none = || {
            Error::Usage(
                "the history knows of no revision before objects changed for the last time".to_owned(),
            )
        };
        let undo = undo(&entries, to).ok_or_else(none)?;
        let (text, notes) = match output {
            Form::Yaml => manifests(&undo),
            Form::Diff if paths.is_empty() => objects(&undo),
            Form::Diff => files(&undo, read(&paths)?),
        };
        std::io::stdout().write_all(text.as_bytes())?;
        if text.is_empty() && notes.is_empty() {
            say(&format!("nothing to undo: no object has changed since revision {}\n", undo.to));
        }
        for note in &notes {
            say(&format!("note: {note}\n"));
        }
        Ok(if notes.is_empty() { Exit::Well } else { Exit::Found })
    }
}

/// The files, named as seen from the one folder, or as they were given.
fn read(paths: &[PathBuf]) -> std::result::Result<Files, Error> {
    let texts = herald_source::read(paths, stdin())?;
    let folder = match paths {
        [folder] if folder.is_dir() => folder.display().to_string(),
        _ => String::new(),
    };
    let name = |file: &str| {
        file.strip_prefix(&folder).unwrap_or(file).trim_start_matches("./").trim_start_matches('/').to_owned()
    };
    Ok(texts.into_iter().map(|text| (name(&text.file), text.text.to_string())).collect())
}

/// What of an object can be put back, and what it is now. A status is nobody's to write.
fn forms(change: &ObjectChange) -> (Option<Value>, Option<Value>) {
    let form = |manifest: &Option<serde_json::Value>| {
        let mut value = serde_yaml::to_value(manifest.as_ref()?).ok()?;
        value.as_mapping_mut()?.remove("status");
        Some(value)
    };
    (form(&change.before), form(&change.after))
}

/// The objects that can be undone; and what is to be said of the others and of what is not complete.
fn usable(undo: &Undo) -> (Vec<&ObjectChange>, Vec<String>) {
    let (mut usable, mut notes) = (Vec::new(), Vec::new());
    for change in &undo.objects {
        let object = change.object();
        if change.secret {
            notes.push(format!("a password of {object} changed, too; the history does not keep it"));
        }
        match change.kind.as_str() {
            "Secret" if !change.secret => {
                notes.push(format!("{object} came or went; the history keeps nothing of it"));
            }
            "Secret" => {}
            _ if change.omitted => notes.push(format!("{object} is too large for the history")),
            _ => usable.push(change),
        }
    }
    for (kind, count) in &undo.more {
        notes.push(format!("{count} more of kind {kind} changed than the history keeps"));
    }
    if undo.incomplete {
        notes.push("revisions in between are no longer in the history".to_owned());
    }
    (usable, notes)
}

fn masked(change: &ObjectChange) -> String {
    format!("passwords of {} are masked: put them in by hand", change.object())
}

/// A diff of the objects as the history keeps them.
fn objects(undo: &Undo) -> (String, Vec<String>) {
    let (changes, mut notes) = usable(undo);
    let mut text = String::new();
    for change in changes {
        let (from, to) = forms(change);
        let print = |value: &Option<Value>| value.as_ref().map_or_else(String::new, yaml);
        let (from, to, name) = (print(&from), print(&to), file_name(change));
        let side = |text: &str, side: &str| {
            if text.is_empty() { "/dev/null".to_owned() } else { format!("{side}/{name}") }
        };
        let diff = similar::TextDiff::from_lines(&from, &to);
        let diff =
            diff.unified_diff().context_radius(3).header(&side(&from, "a"), &side(&to, "b")).to_string();
        if from.is_empty() && to.contains(MASK) {
            notes.push(masked(change));
        }
        text.push_str(&diff);
    }
    (text, notes)
}

/// A diff of files.
fn files(undo: &Undo, files: Files) -> (String, Vec<String>) {
    let (changes, mut notes) = usable(undo);
    let had_mask = files.values().any(|text| text.contains(MASK));
    let mut patch = Patch::of(files);
    for change in changes {
        let (from, to) = forms(change);
        patch.undo(change, from.as_ref(), to.as_ref());
        let was = change.after.as_ref().is_some_and(|manifest| manifest.to_string().contains(MASK));
        if was && !had_mask && patch.writes(MASK) {
            notes.push(masked(change));
        }
    }
    notes.extend(patch.missing.iter().map(|object| format!("{object} is in none of the files")));
    (patch.diff(), notes)
}

/// The manifests as they were.
fn manifests(undo: &Undo) -> (String, Vec<String>) {
    let (changes, mut notes) = usable(undo);
    let mut text = String::new();
    for change in changes {
        let (_, to) = forms(change);
        text += &to.as_ref().map_or_else(|| deletion(change), |to| format!("---\n{}", yaml(to)));
        if to.is_some_and(|to| yaml(&to).contains(MASK)) {
            notes.push(masked(change));
        }
    }
    (text, notes)
}

fn deletion(change: &ObjectChange) -> String {
    let ObjectChange { kind, namespace, name, .. } = change;
    let namespace = if namespace.is_empty() { String::new() } else { format!(" --namespace {namespace}") };
    format!("---\n# kubectl delete {} {name}{namespace}\n", kind.to_lowercase())
}

fn yaml(value: &Value) -> String {
    // It was read as JSON.
    serde_yaml::to_string(value).unwrap_or_default()
}
