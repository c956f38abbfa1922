//! When a change in a folder is noticed, with real files.

use super::Watcher;
use crate::{Directory, Source};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;
use tokio::time::timeout;

/// Far more than a change takes, far less than anybody waits.
const SOON: Duration = Duration::from_secs(5);
/// Longer than a change takes to settle.
const A_WHILE: Duration = Duration::from_millis(200);

async fn notices(watcher: &mut Watcher, what: &str) {
    timeout(SOON, watcher.changed()).await.unwrap_or_else(|_| panic!("not noticed: {what}")).unwrap();
}

async fn is_quiet(watcher: &mut Watcher, what: &str) {
    assert!(timeout(A_WHILE, watcher.changed()).await.is_err(), "noticed: {what}");
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

#[tokio::test]
async fn files_written_replaced_and_removed_are_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.yaml");
    let mut watcher = Watcher::new(folder.path()).unwrap();
    is_quiet(&mut watcher, "nothing").await;
    write(&file, "a: 1");
    notices(&mut watcher, "a new file").await;
    write(&file, "a: 2");
    notices(&mut watcher, "a written file").await;
    // As editors save: a new file takes the old one's name.
    write(&folder.path().join(".a.yaml.swp"), "a: 3");
    is_quiet(&mut watcher, "an editor's own file").await;
    fs::rename(folder.path().join(".a.yaml.swp"), &file).unwrap();
    notices(&mut watcher, "a replaced file").await;
    fs::remove_file(&file).unwrap();
    notices(&mut watcher, "a removed file").await;
    write(&folder.path().join("notes.md"), "x");
    is_quiet(&mut watcher, "a file that is no manifest").await;
}

#[tokio::test]
async fn folders_that_come_and_go_are_noticed_with_what_is_in_them() {
    let folder = tempfile::tempdir().unwrap();
    let below = folder.path().join("x/y");
    let mut watcher = Watcher::new(folder.path()).unwrap();
    write(&below.join("a.yaml"), "a: 1");
    notices(&mut watcher, "a new folder").await;
    write(&below.join("a.yaml"), "a: 2");
    notices(&mut watcher, "a file in it").await;
    fs::rename(folder.path().join("x"), folder.path().join("z")).unwrap();
    notices(&mut watcher, "a renamed folder").await;
    write(&folder.path().join("z/y/b.yaml"), "b: 1");
    notices(&mut watcher, "a file in the renamed folder").await;
}

#[tokio::test]
async fn the_root_may_be_missing_and_come_back() {
    let above = tempfile::tempdir().unwrap();
    let root = above.path().join("conf/d");
    let mut watcher = Watcher::new(&root).unwrap();
    for round in ["first", "second"] {
        write(&root.join("a.yaml"), round);
        notices(&mut watcher, round).await;
        write(&root.join("a.yaml"), "changed");
        notices(&mut watcher, "a file in it").await;
        write(&above.path().join("other.yaml"), "x");
        is_quiet(&mut watcher, "a file beside it").await;
        fs::remove_dir_all(above.path().join("conf")).unwrap();
        notices(&mut watcher, "the root is gone").await;
    }
}

#[tokio::test]
async fn a_mounted_configmap_is_noticed_when_its_link_is_swapped() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    write(&path("..1/a.yaml"), "a: 1");
    symlink("..1", path("..data")).unwrap();
    symlink("..data/a.yaml", path("a.yaml")).unwrap();
    let mut watcher = Watcher::new(folder.path()).unwrap();
    for round in 2..5 {
        write(&path(&format!("..{round}/a.yaml")), "a: 2");
        symlink(format!("..{round}"), path("..data_tmp")).unwrap();
        fs::rename(path("..data_tmp"), path("..data")).unwrap();
        fs::remove_dir_all(path(&format!("..{}", round - 1))).unwrap();
        notices(&mut watcher, "a swapped link").await;
        is_quiet(&mut watcher, "the same swap again").await;
    }
}

#[tokio::test]
async fn what_links_lead_to_is_watched_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    write(&path("far/a.yaml"), "a: 1");
    write(&path("releases/1/b.yaml"), "b: 1");
    write(&path("releases/2/b.yaml"), "b: 2");
    fs::create_dir(path("conf")).unwrap();
    symlink(path("far/a.yaml"), path("conf/a.yaml")).unwrap();
    symlink("releases/1", path("current")).unwrap();
    symlink("../current", path("conf/current")).unwrap();
    let mut watcher = Watcher::new(&path("conf")).unwrap();
    write(&path("far/a.yaml"), "a: 2");
    notices(&mut watcher, "the target of a linked file").await;
    write(&path("releases/1/b.yaml"), "b: 3");
    notices(&mut watcher, "a file in a linked folder").await;
    symlink("releases/2", path("next")).unwrap();
    fs::rename(path("next"), path("current")).unwrap();
    notices(&mut watcher, "a link on the way that leads elsewhere").await;
    write(&path("releases/2/b.yaml"), "b: 4");
    notices(&mut watcher, "a file in the new folder").await;
}

#[tokio::test]
async fn many_changes_are_few_and_none_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let mut watcher = Watcher::new(folder.path()).unwrap();
    for file in 0..500 {
        write(&folder.path().join(format!("{file}/a.yaml")), "a: 1");
    }
    notices(&mut watcher, "many files").await;
    // What follows the first report comes with at most a few more.
    let mut more = 0;
    while timeout(A_WHILE, watcher.changed()).await.is_ok() {
        more += 1;
    }
    assert!(more < 20, "{more} more reports");
    write(&folder.path().join("499/a.yaml"), "a: 2");
    notices(&mut watcher, "the last of them").await;
}

#[tokio::test]
async fn a_directory_gives_what_is_there_now() {
    let folder = tempfile::tempdir().unwrap();
    let mut source = Directory::new(folder.path(), herald_core::input::Options::default()).unwrap();
    assert!(source.snapshot().await.unwrap().snapshot.namespaces.is_empty());
    write(&folder.path().join("a.yaml"), "{apiVersion: v1, kind: Namespace, metadata: {name: a}}");
    timeout(SOON, source.changed()).await.unwrap().unwrap();
    assert_eq!(source.snapshot().await.unwrap().snapshot.namespaces.len(), 1);
    fs::remove_dir_all(folder.path()).unwrap();
    timeout(SOON, source.changed()).await.unwrap().unwrap();
    assert!(source.snapshot().await.is_err(), "a folder that is gone says nothing about what is wanted");
}
