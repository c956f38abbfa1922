//! What is wrong with a pool or a Community as MetalLB's `ParseCIDR` and its package `community` say it.
//!
//! Ours say the same, and what to do about it; that part is taken off here.

/// A pool without `spec.addresses` is one without items for a Go program.
pub(super) const NO_ADDRESSES: &str = "pool has no prefixes defined";

/// The message without what is only ours.
pub(super) fn without_advice(message: &str) -> String {
    if let Some((start, section)) = message.split_once(": need a number from ") {
        // `invalid community value: invalid section "S" of community "C"`
        let section = section_of(start).unwrap_or(section);
        let number = !section.is_empty() && section.bytes().all(|byte| byte.is_ascii_digit());
        let why = if number { "value out of range" } else { "invalid syntax" };
        let error = format!("strconv.ParseUint: parsing {section:?}: {why}");
        return format!("{start}, err: {error:?}");
    }
    if let Some(range) = message.strip_suffix(" is not an IP address") {
        // `... invalid IP range "A-B": "A"`
        if let Some((start, end)) = range.rsplit_once(": ") {
            let first =
                start.rsplit_once('"').and_then(|(rest, _)| rest.rsplit_once('"')?.1.split('-').next());
            let which =
                if first.map(str::trim) == Some(end.trim_matches('"').trim()) { "start" } else { "end" };
            return format!("{start}: invalid {which} IP {end}");
        }
    }
    for ours in [": need a prefix (", "namespaces field"] {
        if let Some(at) = message.rfind(ours) {
            let end = if ours.starts_with(':') { at } else { at + ours.len() };
            return message[..end].to_owned();
        }
    }
    message.to_owned()
}

/// The text between the first two quotation marks.
fn section_of(text: &str) -> Option<&str> {
    text.split('"').nth(1)
}
