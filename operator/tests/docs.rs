//! Every command that the docs show runs as it stands there.

mod support;

use std::process::Command;
use support::{Folder, finish};

#[test]
fn the_commands_of_cli_md_run() {
    run_blocks("docs/cli.md");
}

#[test]
fn the_commands_of_gitops_md_run() {
    run_blocks("docs/gitops.md");
}

/// Runs each `sh` block in a repository that has the examples, and a branch that makes `old` to `new`.
fn run_blocks(page: &str) {
    let folder = Folder::new();
    folder.copy("docs/examples/gitops", "repository/docs/examples/gitops");
    folder.copy("docs/examples/gitops/old", "repository/cluster");
    shell(
        &folder,
        "git init -q -b main . && cp docs/examples/gitops/nodes.yaml . && git add . && git commit -qm old",
    );
    shell(&folder, "git checkout -q -b change && rm -r cluster");
    folder.copy("docs/examples/gitops/new", "repository/cluster");
    shell(&folder, "git add . && git commit -qm new");
    let text = support::read(page);
    let blocks: Vec<&str> =
        text.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap_or_default()).collect();
    assert!(!blocks.is_empty(), "{page} shows no command");
    for block in blocks {
        shell(&folder, block);
    }
}

fn shell(folder: &Folder, script: &str) {
    let herald = std::path::Path::new(env!("CARGO_BIN_EXE_herald")).parent().expect("folder of the binary");
    let path = std::env::join_paths(
        std::iter::once(herald.to_owned())
            .chain(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())),
    );
    let mut command = Command::new("bash");
    command.args(["-euo", "pipefail", "-c", script]).current_dir(folder.root().join("repository"));
    command.env("PATH", path.expect("PATH")).env("TMPDIR", folder.root());
    for (key, value) in [
        ("GIT_CONFIG_GLOBAL", "/dev/null"),
        ("GIT_AUTHOR_NAME", "test"),
        ("GIT_AUTHOR_EMAIL", "test@example.com"),
        ("GIT_COMMITTER_NAME", "test"),
        ("GIT_COMMITTER_EMAIL", "test@example.com"),
    ] {
        command.env(key, value);
    }
    let run = finish(command, "");
    assert_eq!(run.code, 0, "{script}\n{}{}", run.stdout, run.stderr);
}
