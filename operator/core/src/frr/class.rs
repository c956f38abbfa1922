//! Classes: what decides to whom a prefix goes, as one name and one route tag.
//!
//! A class is identified by the sorted names of what selects it, never by position or by the values
//! of attributes; only a group of a neighbor's prefixes has no other name than its value.

use herald_frr::config::NeighborId;
use herald_frr::value::{Community, FrrName, InterfaceName, Tag};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;

/// Longest name that is written out; longer ones are cut and end in a hash of the whole.
const READABLE: usize = 60;
/// Hexadecimal digits of that hash.
const HASH_DIGITS: usize = 8;

/// The list of prefixes of one router in one FRRConfiguration, which `mode: all` announces.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Listing {
    /// Name of the object.
    pub name: Arc<str>,
    /// Its namespace.
    pub namespace: Arc<str>,
    /// 0, or more where the object has several routers of one VRF.
    pub ordinal: usize,
}

/// One thing that selects a prefix for somebody.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Token {
    /// A BGPAdvertisement, by name.
    Advertisement(Arc<str>),
    /// An FRRConfiguration lists it for neighbors that get all.
    Listed(Listing),
    /// A neighbor is sent it by name.
    Sent(NeighborId),
    /// A neighbor is sent it with a local preference.
    LocalPref(NeighborId, u32),
    /// A neighbor is sent it with a community.
    Community(NeighborId, Community),
    /// A neighbor is sent as much as it may be: not this.
    Withheld(NeighborId),
}

/// What identifies a class.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ClassKey {
    /// A tag survives `import vrf`, so each VRF has classes of its own.
    pub vrf: Option<InterfaceName>,
    /// What selects it.
    pub tokens: BTreeSet<Token>,
}

/// Name and tag of a class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Class {
    /// Name of its route-map.
    pub name: FrrName,
    /// The tag that the map sets and the neighbors' maps match.
    pub tag: Tag,
}

/// Gives each class a name and a tag, unique on the node.
pub(crate) fn assign(keys: BTreeSet<ClassKey>) -> BTreeMap<ClassKey, Class> {
    let mut names: BTreeMap<String, ClassKey> = BTreeMap::new();
    for key in keys {
        let mut name = name_of(&key);
        let mut attempt = 0_u32;
        while names.contains_key(&name) {
            attempt += 1;
            name = hashed(&readable(&key), &format!("{}#{attempt}", identity(&key)), key.vrf.as_ref());
        }
        names.insert(name, key);
    }
    let mut taken = BTreeSet::new();
    let mut classes = BTreeMap::new();
    for (name, key) in names {
        let mut tag = first_tag(&name);
        while !taken.insert(tag) {
            tag = tag.next();
        }
        classes.insert(key, Class { name: FrrName::from_text(&name), tag });
    }
    classes
}

/// The tag that a class gets when no other has it: the highest bit, then 31 bits of SHA-256.
fn first_tag(name: &str) -> Tag {
    let digest = Sha256::digest(name.as_bytes());
    let seed = digest.iter().take(4).fold(0_u32, |sum, byte| sum << 8 | u32::from(*byte));
    Tag::ours(seed >> 1)
}

fn name_of(key: &ClassKey) -> String {
    let text = readable(key);
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '+' | '_');
    // `-in` and `-out` end the names of neighbors' maps, which an interface's name could complete.
    let clear = !text.ends_with("-in") && !text.ends_with("-out");
    if text.len() <= READABLE && clear && text.chars().all(plain) {
        with_vrf(text, key.vrf.as_ref())
    } else {
        hashed(&text, &identity(key), key.vrf.as_ref())
    }
}

fn with_vrf(mut text: String, vrf: Option<&InterfaceName>) -> String {
    if let Some(vrf) = vrf {
        let _ = write!(text, "@{vrf}");
    }
    text
}

fn hashed(text: &str, identity: &str, vrf: Option<&InterfaceName>) -> String {
    let mut short: String = text.chars().take(READABLE - HASH_DIGITS - 1).collect();
    short.push('~');
    for byte in Sha256::digest(identity.as_bytes()).iter().take(HASH_DIGITS / 2) {
        let _ = write!(short, "{byte:02x}");
    }
    with_vrf(short, vrf)
}

/// `adv-gold+silver_frr-fabric_to-192.0.2.1`: each kind of token once, its names sorted.
fn readable(key: &ClassKey) -> String {
    let mut text = String::new();
    let mut last = "";
    for token in &key.tokens {
        let (kind, name) = shown(token);
        if kind == last {
            text.push('+');
        } else {
            text.push_str(if last.is_empty() { "" } else { "_" });
            text.push_str(kind);
        }
        text.push_str(&name);
        last = kind;
    }
    text
}

fn shown(token: &Token) -> (&'static str, String) {
    match token {
        Token::Advertisement(name) => ("adv-", name.to_string()),
        Token::Listed(listing) if listing.ordinal == 0 => ("frr-", listing.name.to_string()),
        Token::Listed(listing) => ("frr-", format!("{}:{}", listing.name, listing.ordinal + 1)),
        Token::Sent(neighbor) => ("to-", neighbor.to_string()),
        Token::LocalPref(neighbor, value) => ("pref-", format!("{neighbor}:{value}")),
        Token::Withheld(neighbor) => ("not-", neighbor.to_string()),
        Token::Community(neighbor, community) => ("com-", format!("{neighbor}:{community}")),
    }
}

/// All that identifies a class in its VRF, for the hash.
fn identity(key: &ClassKey) -> String {
    let mut text = String::new();
    for token in &key.tokens {
        let (kind, name) = shown(token);
        let namespace = match token {
            Token::Listed(listing) => &listing.namespace,
            _ => "",
        };
        let _ = writeln!(text, "{kind}\t{namespace}\t{name}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ads(names: &[&str]) -> ClassKey {
        let tokens = names.iter().map(|n| Token::Advertisement((*n).into())).collect();
        ClassKey { vrf: None, tokens }
    }

    fn listed(namespace: &str, name: &str) -> ClassKey {
        let listing = Listing { name: name.into(), namespace: namespace.into(), ordinal: 0 };
        ClassKey { vrf: None, tokens: BTreeSet::from([Token::Listed(listing)]) }
    }

    fn names(keys: &[ClassKey]) -> Vec<String> {
        let classes = assign(keys.iter().cloned().collect());
        keys.iter().map(|k| classes[k].name.to_string()).collect()
    }

    #[test]
    fn a_name_says_what_selects_the_class() {
        let red = ClassKey { vrf: "red".parse().ok(), ..ads(&["gold"]) };
        let given = [ads(&["gold"]), ads(&["silver", "gold"]), red, listed("metallb-system", "fabric")];
        assert_eq!(names(&given), ["adv-gold", "adv-gold+silver", "adv-gold@red", "frr-fabric"]);
    }

    #[test]
    fn long_and_ambiguous_names_end_in_a_hash() {
        let long: Vec<String> = (0..20).map(|n| format!("advertisement-{n:02}")).collect();
        let long: Vec<&str> = long.iter().map(String::as_str).collect();
        let shown = names(&[ads(&long), ads(&["gold-out"]), ads(&["a b"])]);
        assert_eq!(shown[0].len(), READABLE);
        assert!(shown[1].starts_with("adv-gold-out~"), "{shown:?}");
        assert!(shown[2].starts_with("adv-a-b~"), "{shown:?}");
    }

    #[test]
    fn objects_of_one_name_in_two_namespaces_are_two_classes() {
        let shown = names(&[listed("a", "fabric"), listed("b", "fabric")]);
        assert_eq!(shown[0], "frr-fabric");
        assert!(shown[1].starts_with("frr-fabric~"), "{shown:?}");
    }

    #[test]
    fn a_tag_depends_on_the_name_alone() {
        let alone = assign(BTreeSet::from([ads(&["gold"])]));
        let many = assign((0..500).map(|n| ads(&[&format!("a{n}")])).chain([ads(&["gold"])]).collect());
        assert_eq!(alone[&ads(&["gold"])], many[&ads(&["gold"])]);
        let tags: BTreeSet<Tag> = many.values().map(|c| c.tag).collect();
        assert_eq!(tags.len(), 501);
        assert!(tags.iter().all(|t| Tag::OURS.contains(&t.get())));
    }
}
