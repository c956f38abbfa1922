//! Messages and what they mean, both ways.

use super::*;
use proptest::prelude::*;

const MAC: MacAddr = MacAddr([2, 0, 0, 0, 0, 0xb]);

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

fn ip(text: &str) -> Ipv6Addr {
    text.parse().unwrap()
}

/// From a neighbour to one node.
fn unicast() -> Envelope {
    Envelope { source: ip("fe80::1"), destination: ip("2001:db8::9"), hop_limit: HOP_LIMIT }
}

/// From nobody to a solicited-node group: duplicate address detection.
fn probe() -> Envelope {
    Envelope { source: Ipv6Addr::UNSPECIFIED, destination: ip("ff02::1:ff00:9"), hop_limit: HOP_LIMIT }
}

fn to_all() -> Envelope {
    Envelope { destination: ip("ff02::1"), ..unicast() }
}

#[test]
fn bytes_and_solicitations_say_the_same() {
    let target = ip("2001:db8::9");
    let cases = [
        ("87000000 00000000 20010db8000000000000000000000009 0101 02000000000b", Some(MAC), unicast()),
        ("87000000 00000000 20010db8000000000000000000000009", None, unicast()),
        ("87000000 00000000 20010db8000000000000000000000009", None, probe()),
    ];
    for (bytes, source_link, envelope) in cases {
        let message = NeighborSolicitation { target, source_link };
        assert_eq!(message.encode(), hex(bytes));
        assert_eq!(NeighborSolicitation::decode(&hex(bytes), &envelope), Ok(message));
    }
}

#[test]
fn bytes_and_advertisements_say_the_same() {
    let cases = [
        (
            "88000000 60000000 20010db8000000000000000000000009 0201 02000000000b",
            [false, true, true],
            unicast(),
        ),
        (
            "88000000 20000000 20010db8000000000000000000000009 0201 02000000000b",
            [false, false, true],
            to_all(),
        ),
        (
            "88000000 80000000 20010db8000000000000000000000009 0201 02000000000b",
            [true, false, false],
            to_all(),
        ),
    ];
    for (bytes, [router, solicited, overrides], envelope) in cases {
        let target_link = Some(MAC);
        let message =
            NeighborAdvertisement { router, solicited, overrides, target: ip("2001:db8::9"), target_link };
        assert_eq!(message.encode(), hex(bytes));
        assert_eq!(NeighborAdvertisement::decode(&hex(bytes), &envelope), Ok(message));
    }
}

#[test]
fn options_that_are_not_known_are_passed_over() {
    let head = "87000000 00000000 20010db8000000000000000000000009";
    let nonce = "0e01 112233445566";
    let long = "fd02 0102030405060708090a0b0c0d0e";
    let link = "0101 02000000000b";
    for options in
        [format!("{nonce}{link}"), format!("{long}{link}{nonce}"), format!("{link}0101 02000000000c")]
    {
        let message = NeighborSolicitation::decode(&hex(&format!("{head}{options}")), &unicast());
        assert_eq!(message.map(|m| m.source_link), Ok(Some(MAC)), "{options}");
    }
}

#[test]
fn an_invalid_solicitation_is_refused() {
    let head = "87000000 00000000 20010db8000000000000000000000009";
    let link = "0101 02000000000b";
    let forwarded = Envelope { hop_limit: 254, ..unicast() };
    let probe_to_one = Envelope { destination: ip("2001:db8::9"), ..probe() };
    let cases = [
        (String::new(), unicast(), DecodeError::TooShort { length: 0, least: 24 }),
        (head[..head.len() - 2].to_owned(), unicast(), DecodeError::TooShort { length: 23, least: 24 }),
        (head.replacen("87", "88", 1), unicast(), DecodeError::MessageType(136)),
        (head.replacen("8700", "8701", 1), unicast(), DecodeError::Code(1)),
        (head.to_owned(), forwarded, DecodeError::HopLimit(254)),
        (head.replace("20010db8", "ff020000"), unicast(), DecodeError::MulticastTarget),
        (format!("{head} 0100 02000000000b"), unicast(), DecodeError::OptionLength),
        (format!("{head} 0102 02000000000b"), unicast(), DecodeError::OptionLength),
        (format!("{head} 01"), unicast(), DecodeError::OptionLength),
        (format!("{head} 0102 02000000000b 0000000000000000"), unicast(), DecodeError::LinkLayerLength(14)),
        (head.to_owned(), probe_to_one, DecodeError::ProbeDestination),
        (format!("{head}{link}"), probe(), DecodeError::ProbeLinkLayer),
    ];
    for (bytes, envelope, expected) in cases {
        let refused = NeighborSolicitation::decode(&hex(&bytes), &envelope).unwrap_err();
        assert_eq!(refused, expected, "{bytes}");
        assert!(format!("{refused:?}").starts_with(refused.reason()));
    }
}

#[test]
fn an_answer_to_one_that_is_sent_to_all_is_refused() {
    let bytes = hex("88000000 40000000 20010db8000000000000000000000009");
    assert_eq!(NeighborAdvertisement::decode(&bytes, &to_all()), Err(DecodeError::SolicitedMulticast));
    assert!(NeighborAdvertisement::decode(&bytes, &unicast()).is_ok());
}

#[test]
fn the_solicited_node_group_keeps_the_last_three_bytes() {
    assert_eq!(solicited_node_group(ip("4037::1:800:200e:8c6c")), ip("ff02::1:ff0e:8c6c"));
}

fn any_ip() -> impl Strategy<Value = Ipv6Addr> {
    prop_oneof![
        any::<[u8; 16]>().prop_map(Ipv6Addr::from),
        Just(Ipv6Addr::UNSPECIFIED),
        Just(ip("ff02::1:ff00:9"))
    ]
}

fn any_envelope() -> impl Strategy<Value = Envelope> {
    (any_ip(), any_ip(), prop_oneof![Just(255), any::<u8>()])
        .prop_map(|(source, destination, hop_limit)| Envelope { source, destination, hop_limit })
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic_and_what_is_read_can_be_written(
        kind in prop::sample::select(vec![135_u8, 136, 0]),
        rest in prop::collection::vec(prop_oneof![0..4_u8, any::<u8>()], 0..64),
        envelope in any_envelope(),
    ) {
        let bytes = [&[kind, 0][..], &rest].concat();
        let again = |read: NeighborSolicitation| NeighborSolicitation::decode(&read.encode(), &envelope);
        if let Ok(read) = NeighborSolicitation::decode(&bytes, &envelope) {
            prop_assert_eq!(again(read), Ok(read));
        }
        let again = |read: NeighborAdvertisement| NeighborAdvertisement::decode(&read.encode(), &envelope);
        if let Ok(read) = NeighborAdvertisement::decode(&bytes, &envelope) {
            prop_assert_eq!(again(read), Ok(read));
        }
    }

    #[test]
    fn what_is_written_can_be_read(
        target in any_ip().prop_filter("one node's", |ip| !ip.is_multicast()),
        link in prop::option::of(any::<[u8; 6]>().prop_map(MacAddr)),
        [router, solicited, overrides] in any::<[bool; 3]>(),
    ) {
        let message = NeighborSolicitation { target, source_link: link };
        prop_assert_eq!(NeighborSolicitation::decode(&message.encode(), &unicast()), Ok(message));
        let message = NeighborAdvertisement { router, solicited, overrides, target, target_link: link };
        prop_assert_eq!(NeighborAdvertisement::decode(&message.encode(), &unicast()), Ok(message));
    }
}
