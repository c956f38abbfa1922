//! What `-f` takes.

use super::read;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

fn tree(files: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for file in files {
        let path = folder.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, format!("# {file}\n")).unwrap();
    }
    folder
}

/// The files that were read, relative to the folder.
fn names(folder: &Path, paths: &[PathBuf]) -> Vec<String> {
    let texts = read(paths, &b""[..]).unwrap();
    texts.iter().map(|t| t.file.strip_prefix(&format!("{}/", folder.display())).unwrap().to_owned()).collect()
}

#[test]
fn a_folder_is_read_recursively_and_sorted_without_hidden_and_foreign_files() {
    let folder =
        tree(&["b.yaml", "a/z.yml", "a/c.json", "README.md", ".git/x.yaml", "a/.swp.yaml", "c.yaml.bak"]);
    assert_eq!(names(folder.path(), &[folder.path().into()]), ["a/c.json", "a/z.yml", "b.yaml"]);
}

#[test]
fn named_files_are_read_whatever_they_are_called_and_each_once() {
    let folder = tree(&["conf/a.txt", "conf/b.yaml"]);
    let path = |name: &str| folder.path().join(name);
    let paths = [path("conf/a.txt"), path("conf"), path("conf/b.yaml"), path("conf/a.txt")];
    assert_eq!(names(folder.path(), &paths), ["conf/a.txt", "conf/b.yaml"]);
}

#[test]
fn links_are_followed_once_and_loops_end() {
    let folder = tree(&["real/a.yaml", "..2026/m.yaml"]);
    let path = |name: &str| folder.path().join(name);
    symlink(path("real"), path("linked")).unwrap();
    symlink(folder.path(), path("real/loop")).unwrap();
    // As a ConfigMap is mounted.
    symlink("..2026", path("..data")).unwrap();
    symlink("..data/m.yaml", path("m.yaml")).unwrap();
    assert_eq!(names(folder.path(), &[folder.path().into()]), ["linked/a.yaml", "m.yaml"]);
}

#[test]
fn standard_input_is_read_where_it_is_named() {
    let folder = tree(&["a.yaml"]);
    let texts = read(&["-".into(), folder.path().into()], &b"kind: X"[..]).unwrap();
    assert_eq!((&*texts[0].file, &*texts[0].text), ("-", "kind: X"));
    assert_eq!(texts.len(), 2);
}

#[test]
fn what_cannot_be_read_is_named_and_the_rest_is_read() {
    let folder = tree(&["a.yaml"]);
    symlink("nowhere", folder.path().join("broken.yaml")).unwrap();
    let error = read(&["no/such".into(), folder.path().into()], &b""[..]).unwrap_err();
    let failed: Vec<String> =
        error.to_string().lines().map(|l| l.rsplit('/').next().unwrap().to_owned()).collect();
    assert_eq!(
        failed,
        [
            "such: No such file or directory (os error 2)",
            "broken.yaml: No such file or directory (os error 2)",
        ]
    );
    assert_eq!(error.others.len(), 1);
}

#[test]
fn what_is_not_utf8_is_left_to_the_parser_to_name() {
    let folder = tree(&["a.yaml"]);
    fs::write(folder.path().join("latin1.yaml"), b"name: caf\xe9").unwrap();
    let texts = read(&[folder.path().into()], &b""[..]).unwrap();
    assert_eq!(&*texts[1].text, "name: caf\u{fffd}");
}
