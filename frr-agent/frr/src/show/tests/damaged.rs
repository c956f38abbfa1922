//! No input makes a reader panic.

use super::super::*;
use super::answers::answers;
use super::{RELEASES, fixture};
use proptest::prelude::*;

/// A recorded answer with a piece cut out, doubled or overwritten.
fn damaged() -> impl Strategy<Value = String> {
    let names = prop::sample::select(vec![
        "route-own.json",
        "routes-several.txt",
        "summary-all.json",
        "neighbors.json",
        "neighbors-all-shut.json",
        "bfd.json",
        "bfd-counters.json",
        "advertised-unnumbered.json",
        "version.txt",
    ]);
    let release = prop::sample::select(RELEASES.to_vec());
    let noise =
        prop::sample::select(vec!["", "{", "}", "[", "\"", "-1", "null", "true", "\\", "\u{e9}", "1e999"]);
    (release, names, any::<prop::sample::Index>(), 0..60_usize, noise).prop_map(
        |(release, name, at, length, noise)| {
            let text: Vec<char> = fixture(release, name).chars().collect();
            let at = at.index(text.len());
            let end = (at + length).min(text.len());
            text[..at].iter().copied().chain(noise.chars()).chain(text[end..].iter().copied()).collect()
        },
    )
}

fn read_by_all(text: &str) {
    let _ = (route(text), summary(text), neighbors(text), neighbors_of("default", text));
    let _ = (bfd(text), bfd_counters(text), advertised(text), version(text));
    for answer in answers(text) {
        let _ = route(answer);
    }
}

proptest! {
    #[test]
    fn a_damaged_answer_is_a_value_or_an_error(text in damaged()) {
        read_by_all(&text);
    }

    #[test]
    fn so_is_any_text(text in "\\PC*") {
        read_by_all(&text);
    }
}
