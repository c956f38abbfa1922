//! Secrets in hand-written lines, whose words FRR lets users shorten.

use crate::value::Password;
use std::borrow::Cow;

/// Words after which FRR's commands take a secret, with the shortest form that FRR may take for each
/// (`neighbor A pass SECRET`).
const BEFORE_A_SECRET: [(&str, usize); 4] =
    [("password", 4), ("key-string", 5), ("authentication-key", 15), ("md5", 3)];

/// Hides what stands behind a word that takes a secret: of BGP and LDP neighbors, key chains, OSPF, IS-IS, RIP,
/// NHRP and the vty. Where it is not sure it hides.
#[must_use]
pub fn mask_passwords(text: &str) -> Cow<'_, str> {
    if !text.lines().any(|line| secret(line).is_some()) {
        return Cow::Borrowed(text);
    }
    let mask = |line: &str| match secret(line) {
        Some(at) => format!("{}{}", &line[..at], Password::MASK),
        None => line.to_owned(),
    };
    Cow::Owned(text.lines().map(mask).collect::<Vec<_>>().join("\n"))
}

/// Where the secret of a line begins.
fn secret(line: &str) -> Option<usize> {
    let mut before = "";
    let mut from = 0;
    loop {
        let start = from + line[from..].find(|c: char| !c.is_whitespace())?;
        let end = start + line[start..].find(char::is_whitespace)?;
        let word = &line[start..end];
        let next = end + line[end..].find(|c: char| !c.is_whitespace())?;
        if takes_a_secret(before, word) {
            return Some(next);
        }
        (before, from) = (word, next);
    }
}

fn takes_a_secret(before: &str, word: &str) -> bool {
    let short = |(whole, least): (&str, usize)| word.len() >= least && whole.starts_with(word);
    let authentication = |word: &str| word.len() >= 4 && "authentication".starts_with(word);
    BEFORE_A_SECRET.into_iter().any(short)
        || word.ends_with("-password")
        || (authentication(before) && word.len() >= 3 && "string".starts_with(word))
        || (before == "nhrp" && authentication(word))
}

#[cfg(test)]
mod tests {
    use super::mask_passwords;

    #[test]
    fn secrets_are_hidden_however_the_command_is_written() {
        for line in [
            " neighbor 192.0.2.1 password HIDE",
            " neigh 192.0.2.1 pass HIDE",
            "\tneighbor fabric  passw   HIDE ME",
            "password HIDE",
            "enable password 8 HIDE",
            "  key-string HIDE",
            " ip ospf message-digest-key 1 md5 HIDE",
            " ip ospf authentication-key HIDE",
            " isis password clear HIDE",
            " area-password md5 HIDE",
            " ip rip authentication string HIDE",
            " ip nhrp authentication HIDE",
        ] {
            let masked = mask_passwords(line);
            assert!(!masked.contains("HIDE") && masked.ends_with(" <masked>"), "{masked}");
        }
    }

    #[test]
    fn what_holds_no_secret_stays() {
        for line in [
            " neighbor 192.0.2.1 passive",
            " no neighbor 192.0.2.1 password",
            " ip ospf authentication message-digest",
            " match ip address prefix-list nothing\nexit",
            "key chain k\n key 1",
            "",
        ] {
            assert_eq!(mask_passwords(line), line);
        }
    }

    #[test]
    fn other_lines_and_layout_stay() {
        let text = "router bgp 64500\n  neighbor 192.0.2.1  password  HIDE\n exit";
        let masked = "router bgp 64500\n  neighbor 192.0.2.1  password  <masked>\n exit";
        assert_eq!(mask_passwords(text), masked);
    }
}
