//! Answers of real daemons, and what is left of them when they are damaged.

mod answers;
mod damaged;
mod routes;
mod sessions;

const RELEASES: [&str; 3] = ["10.7", "10.3", "8.4"];

/// A recorded answer.
fn fixture(release: &str, name: &str) -> String {
    let path = format!("{}/tests/fixtures/{release}/{name}", env!("CARGO_MANIFEST_DIR"));
    #[allow(clippy::disallowed_methods, reason = "a test reads its fixtures")]
    let text = std::fs::read_to_string(&path);
    text.unwrap_or_else(|why| panic!("{path}: {why}"))
}
