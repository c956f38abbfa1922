//! The committed YAML is what the types say.

// The library is pure, its tests read files.
#![allow(clippy::disallowed_methods)]

use std::collections::BTreeMap;
use std::{fs, path::Path};

#[test]
fn committed_files_are_what_the_types_say() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("yaml");
    let committed: BTreeMap<String, String> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read_to_string(path).unwrap())
        })
        .collect();
    let generated: BTreeMap<String, String> = herald_crds::files().unwrap().into_iter().collect();

    let differ: Vec<&String> = committed
        .keys()
        .chain(generated.keys())
        .filter(|name| committed.get(*name) != generated.get(*name))
        .collect();
    assert!(differ.is_empty(), "run `cargo crdgen`, and remove files of kinds that are gone: {differ:?}");
}

#[test]
fn every_field_says_what_it_does() {
    let mut silent = Vec::new();
    for crd in herald_crds::schemas() {
        for version in crd.spec.versions {
            let schema = version.schema.unwrap().open_api_v3_schema.unwrap();
            let root = serde_json::to_value(schema).unwrap();
            collect_silent(&format!("{} {}", crd.spec.names.kind, version.name), &root, &mut silent);
        }
    }
    assert!(silent.is_empty(), "fields without a description: {silent:#?}");
}

fn collect_silent(path: &str, schema: &serde_json::Value, silent: &mut Vec<String>) {
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let path = format!("{path}.{name}");
        // the API server describes `metadata` itself
        if property["description"].as_str().is_none_or(str::is_empty) && name != "metadata" {
            silent.push(path.clone());
        }
        collect_silent(&path, property, silent);
    }
    if schema["items"].is_object() {
        collect_silent(path, &schema["items"], silent);
    }
}
