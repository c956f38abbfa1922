//! Runs the built binary and compares what it prints with files.

// Each test binary uses a part of this.
#![allow(dead_code)]

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What a run of the command gave.
pub struct Run {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Run {
    /// Compares standard output with a file in `tests/golden`; `UPDATE=1` writes it.
    pub fn stdout_is(&self, name: &str) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
        if std::env::var_os("UPDATE").is_some() {
            fs::write(&path, &self.stdout).expect("golden file");
        }
        let expected = fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(self.stdout, expected, "{name} differs; UPDATE=1 rewrites it");
    }
}

/// The repository's folder: examples are named from there, as in the docs.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A file of the repository.
pub fn read(path: &str) -> String {
    fs::read_to_string(repository().join(path)).expect("file of the repository")
}

/// Runs `herald` in the repository's folder.
pub fn herald(args: &[&str]) -> Run {
    run(&repository(), args, "")
}

/// Runs `herald` in the repository's folder with something on standard input.
pub fn herald_with_input(args: &[&str], input: &str) -> Run {
    run(&repository(), args, input)
}

fn run(folder: &Path, args: &[&str], input: &str) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_herald"));
    command.args(args).current_dir(folder).env_remove("NO_COLOR");
    finish(command, input)
}

/// Runs a command to its end.
pub fn finish(mut command: Command, input: &str) -> Run {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("command starts");
    // A command that does not read its input closes the pipe.
    _ = child.stdin.take().expect("pipe").write_all(input.as_bytes());
    let output = child.wait_with_output().expect("command ends");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    Run { code: output.status.code().unwrap_or(-1), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// A folder that is gone at the end of the test.
pub struct Folder(tempfile::TempDir);

impl Folder {
    pub fn new() -> Self {
        Self(tempfile::tempdir().expect("temporary folder"))
    }

    pub fn root(&self) -> &Path {
        self.0.path()
    }

    pub fn path(&self, name: &str) -> String {
        self.root().join(name).to_str().expect("UTF-8").to_owned()
    }

    pub fn write(&self, name: &str, text: &str) {
        let path = self.root().join(name);
        fs::create_dir_all(path.parent().expect("folder")).expect("folder");
        fs::write(path, text).expect("file");
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.root().join(name)).expect("file")
    }

    pub fn exists(&self, name: &str) -> bool {
        self.root().join(name).exists()
    }

    pub fn mode(&self, name: &str) -> u32 {
        fs::metadata(self.root().join(name)).expect("file").permissions().mode() & 0o777
    }

    pub fn files(&self, name: &str) -> Vec<String> {
        let entries = fs::read_dir(self.root().join(name)).expect("folder");
        let mut names: Vec<String> =
            entries.map(|entry| entry.expect("entry").file_name().into_string().expect("UTF-8")).collect();
        names.sort();
        names
    }

    /// Copies a folder of the repository.
    pub fn copy(&self, from: &str, to: &str) {
        copy(&repository().join(from), &self.root().join(to));
    }

    /// Runs `herald` in this folder.
    pub fn herald(&self, args: &[&str]) -> Run {
        run(self.root(), args, "")
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("folder");
    for entry in fs::read_dir(from).expect("folder") {
        let entry = entry.expect("entry");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("type").is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("file");
        }
    }
}
