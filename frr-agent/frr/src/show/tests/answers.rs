//! The recorded output of several commands in one `vtysh` run, taken apart.

/// One answer per command: a JSON value, or text up to the next one. Each line that starts with `%` begins an answer of its
/// own, since that is how FRR begins each refusal.
pub fn answers(output: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = output.trim();
    while !rest.is_empty() {
        let length = if rest.starts_with(['{', '[']) { json_length(rest) } else { text_length(rest) };
        let (answer, after) = rest.split_at(length);
        found.push(answer.trim_end());
        rest = after.trim_start();
    }
    found
}

/// Length of the JSON value that `text` starts with, all of it if it is cut off. FRR 10.3 prints `{ { "warning": ... } }`, which is
/// no JSON but is one answer.
fn json_length(text: &str) -> usize {
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'{' | b'[' if !quoted => depth += 1,
            b'}' | b']' if !quoted => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at + 1;
                }
            }
            _ => {}
        }
    }
    text.len()
}

/// Length of the text up to the next line that begins another answer.
fn text_length(text: &str) -> usize {
    let begins = |(at, _): &(usize, &str)| text[at + 1..].starts_with(['{', '[', '%']);
    text.match_indices('\n').find(begins).map_or(text.len(), |(at, _)| at + 1)
}
