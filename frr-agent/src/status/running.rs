//! FRR's running configuration as a status holds it, and when it is read.

use super::told::{Reload, Told};
use herald_frr::render::mask_passwords;
use herald_frr::value::Password;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

/// It is read at most this often, but where a result changes.
const EVERY: Duration = Duration::from_secs(30);
/// Reading a large one keeps bgpd busy: it takes at most one part of so many of the time.
const SHARE: u32 = 300;
/// A status holds no more of it, in bytes.
const LONGEST: usize = 256 * 1024;
/// What stands for a password (frr-k8s, `FRRNodeState`).
const RETRACTED: &str = "<retracted>";

/// When it was read, and of what.
#[derive(Debug, Default)]
pub struct Reads {
    last: Option<Read>,
}

#[derive(Debug)]
struct Read {
    at: Instant,
    took: Duration,
    changes: u64,
    reload: Reload,
}

impl Reads {
    /// When it is to be read, if it is.
    pub fn due(&self, now: Instant, told: &Told) -> Option<Instant> {
        if !told.planned {
            return None;
        }
        let Some(last) = &self.last else { return Some(now) };
        if last.reload != told.reload {
            return Some(now);
        }
        (last.changes != told.changes).then(|| last.at + EVERY.max(last.took * SHARE))
    }

    /// It is being read now.
    pub fn began(&mut self, at: Instant, told: &Told) {
        let (changes, reload) = (told.changes, told.reload.clone());
        self.last = Some(Read { at, took: Duration::ZERO, changes, reload });
    }

    /// It was read, or not (`ok`); then it is tried again.
    pub fn ended(&mut self, now: Instant, ok: bool) {
        let Some(last) = &mut self.last else { return };
        last.took = now.saturating_duration_since(last.at);
        if !ok {
            last.changes = u64::MAX;
        }
    }
}

/// Without passwords, and not too long.
pub fn shown(text: &str) -> String {
    let mut text = mask_passwords(text).replace(Password::MASK, RETRACTED);
    if text.len() <= LONGEST {
        return text;
    }
    let whole = text.len();
    let room = LONGEST - 200;
    let end = text[..text.floor_char_boundary(room)].rfind('\n').map_or(0, |end| end + 1);
    text.truncate(end);
    // Writing to a String cannot fail.
    let _ = writeln!(
        text,
        "! cut here: {} of {whole} bytes are left out; `vtysh -c 'show running-config'` on the node has all",
        whole - end
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_retracted_and_long_texts_end_in_a_whole_line_that_says_so() {
        assert_eq!(shown(" neighbor 10.0.0.1 password secret"), " neighbor 10.0.0.1 password <retracted>");
        let line = " network 192.0.2.1/32 route-map adv-gold\n";
        let cut = shown(&line.repeat(10_000));
        assert!(cut.len() <= LONGEST && cut.len() > LONGEST - 400, "{}", cut.len());
        let (last, lines) = (cut.lines().next_back(), cut.lines().count() - 1);
        let left = (10_000 - lines) * line.len();
        assert_eq!(
            last,
            Some(&*format!(
                "! cut here: {left} of {} bytes are left out; `vtysh -c 'show running-config'` on the node has all",
                10_000 * line.len()
            ))
        );
    }

    #[test]
    fn a_change_waits_for_half_a_minute_and_a_result_does_not() {
        let now = Instant::now();
        let mut reads = Reads::default();
        let mut told = Told { planned: true, ..Told::default() };
        assert_eq!(reads.due(now, &Told::default()), None);
        assert_eq!(reads.due(now, &told), Some(now));
        reads.began(now, &told);
        reads.ended(now, true);
        assert_eq!(reads.due(now, &told), None);
        told.changes += 1;
        assert_eq!(reads.due(now, &told), Some(now + EVERY));
        told.reload = Reload::Failed("ERROR: no".into());
        assert_eq!(reads.due(now, &told), Some(now));
        reads.began(now, &told);
        reads.ended(now + Duration::from_secs(1), true);
        told.changes += 1;
        assert_eq!(reads.due(now, &told), Some(now + Duration::from_mins(5)), "a second of 300");
    }
}
