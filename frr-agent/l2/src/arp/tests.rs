//! Frames and what they mean, both ways.

use super::*;
use proptest::prelude::*;

const A: MacAddr = MacAddr([2, 0, 0, 0, 0, 0xa]);
const B: MacAddr = MacAddr([2, 0, 0, 0, 0, 0xb]);

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

fn request() -> ArpFrame {
    ArpFrame {
        destination: MacAddr::BROADCAST,
        source: A,
        operation: Operation::Request,
        sender_mac: A,
        sender_ip: Ipv4Addr::new(192, 0, 2, 1),
        target_mac: MacAddr::UNKNOWN,
        target_ip: Ipv4Addr::new(192, 0, 2, 9),
    }
}

#[test]
fn bytes_and_frames_say_the_same() {
    let address = Ipv4Addr::new(192, 0, 2, 9);
    let cases = [
        (
            "ffffffffffff 02000000000a 0806 0001 0800 06 04 0001 02000000000a c0000201 000000000000 c0000209",
            request(),
        ),
        (
            "02000000000a 02000000000b 0806 0001 0800 06 04 0002 02000000000b c0000209 02000000000a c0000201",
            request().reply(B),
        ),
        (
            "ffffffffffff 02000000000b 0806 0001 0800 06 04 0001 02000000000b 00000000 000000000000 c0000209",
            ArpFrame::probe(B, address),
        ),
        (
            "ffffffffffff 02000000000b 0806 0001 0800 06 04 0001 02000000000b c0000209 000000000000 c0000209",
            ArpFrame::announcement(B, address),
        ),
    ];
    for (bytes, frame) in cases {
        let mut bytes = hex(bytes);
        assert_eq!(frame.encode().as_slice(), bytes);
        bytes.resize(60, 0);
        assert_eq!(ArpFrame::decode(&bytes), Ok(frame), "padding does not matter");
    }
}

#[test]
fn probes_and_announcements_are_told_from_questions() {
    let address = Ipv4Addr::new(192, 0, 2, 9);
    let cases = [
        (request(), false, false),
        (request().reply(B), false, false),
        (ArpFrame::probe(B, address), true, false),
        (ArpFrame::announcement(B, address), false, true),
        (ArpFrame { operation: Operation::Reply, ..ArpFrame::announcement(B, address) }, false, true),
        // The answer to a probe goes to the prober, who has no address yet.
        (ArpFrame::probe(A, address).reply(B), false, false),
    ];
    for (frame, probe, announcement) in cases {
        assert_eq!((frame.is_probe(), frame.is_announcement()), (probe, announcement), "{frame:?}");
    }
}

#[test]
fn what_is_not_arp_for_ipv4_over_ethernet_is_refused() {
    let good = request().encode();
    let with = |at: usize, value: u8| {
        let mut bytes = good;
        bytes[at] = value;
        ArpFrame::decode(&bytes)
    };
    assert_eq!(ArpFrame::decode(&good[..41]), Err(DecodeError::TooShort { length: 41, least: 42 }));
    assert_eq!(with(12, 0x86), Err(DecodeError::EtherType(0x8606)));
    assert_eq!(with(15, 6), Err(DecodeError::AddressSpace { hardware: 6, protocol: 0x0800 }));
    assert_eq!(with(16, 0x86), Err(DecodeError::AddressSpace { hardware: 1, protocol: 0x8600 }));
    assert_eq!(with(18, 8), Err(DecodeError::AddressLength { hardware: 8, protocol: 4 }));
    assert_eq!(with(19, 16), Err(DecodeError::AddressLength { hardware: 6, protocol: 16 }));
    assert_eq!(with(21, 3), Err(DecodeError::Operation(3)));
    assert_eq!(with(21, 3).unwrap_err().reason(), "Operation");
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic_and_what_is_read_can_be_written(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        if let Ok(frame) = ArpFrame::decode(&bytes) {
            prop_assert_eq!(&frame.encode()[..], &bytes[..FRAME_LENGTH]);
        }
    }

    #[test]
    fn what_is_written_can_be_read(
        macs in any::<[[u8; 6]; 4]>(), ips in any::<[[u8; 4]; 2]>(), reply in any::<bool>(), padding in 0..30_usize
    ) {
        let [destination, source, sender_mac, target_mac] = macs.map(MacAddr);
        let [sender_ip, target_ip] = ips.map(Ipv4Addr::from);
        let operation = if reply { Operation::Reply } else { Operation::Request };
        let frame = ArpFrame { destination, source, operation, sender_mac, sender_ip, target_mac, target_ip };
        let mut bytes = frame.encode().to_vec();
        bytes.extend(vec![0xa5; padding]);
        prop_assert_eq!(ArpFrame::decode(&bytes), Ok(frame));
    }
}
