//! `make demo` and, with the word `cluster`, `make demo-cluster`. With `KEEP=1` all of it stays up.

mod cluster;
mod folder;
mod talk;

use anyhow::Result;
use talk::Talk;

fn main() -> Result<()> {
    let talk = Talk::new();
    let keep = std::env::var_os("KEEP").is_some_and(|value| value == "1");
    if std::env::args().nth(1).is_some_and(|word| word == "cluster") {
        return cluster::run(&talk, keep);
    }
    folder::run(&talk, keep)
}
