//! docs/reference/effects.md has the rows of the code, with the same effects.
#![expect(clippy::disallowed_methods, reason = "a test reads the page")]

use herald_frr::diff::{EFFECTS, Effect};
use std::path::Path;

fn word(effect: Effect) -> &'static str {
    match effect {
        Effect::None => "none",
        Effect::Soft => "soft",
        Effect::Reset => "reset",
    }
}

#[test]
fn the_page_of_effects_says_what_the_code_says() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/effects.md");
    let text = std::fs::read_to_string(page).unwrap();
    let rows = text.lines().filter(|line| line.starts_with("| `"));
    // A bar inside a cell is written with a backslash.
    let cells = rows.map(|row| {
        let row = row.replace("\\|", "/");
        let cells: Vec<String> =
            row.split(" | ").map(|cell| cell.trim_matches(['|', ' ', '`']).to_owned()).collect();
        cells[..4].to_vec()
    });
    let code = EFFECTS.iter().map(|row| {
        let effects = [row.set, row.change, row.remove].map(word);
        [row.statement.replace('|', "/")]
            .into_iter()
            .chain(effects.map(ToOwned::to_owned))
            .collect::<Vec<_>>()
    });
    assert_eq!(cells.collect::<Vec<_>>(), code.collect::<Vec<_>>());
}
