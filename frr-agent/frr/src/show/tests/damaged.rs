//! No input makes a reader panic.

use super::super::{answers, route};
use super::{RELEASES, fixture};
use proptest::prelude::*;

/// A recorded answer with a piece cut out, doubled or overwritten.
fn damaged() -> impl Strategy<Value = String> {
    let names = prop::sample::select(vec!["route-own.json", "route-going.json", "routes-several.txt"]);
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

proptest! {
    #[test]
    fn a_damaged_answer_is_a_value_or_an_error(text in damaged()) {
        let _ = route(&text);
        for commands in [1, 4] {
            for answer in answers(&text, commands).unwrap_or_default() {
                let _ = route(answer);
            }
        }
    }

    #[test]
    fn so_is_any_text(text in "\\PC*") {
        let _ = (route(&text), answers(&text, 1));
    }
}
