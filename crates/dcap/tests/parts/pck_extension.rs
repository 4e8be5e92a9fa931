//! Intel's extension in PCK certificates, written here byte by byte.

use avouch_dcap::{PckExtension, SgxType};

const PREFIX: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x01, 0x0d, 0x01];

fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![tag];
    match content.len() {
        short @ 0..0x80 => bytes.push(u8::try_from(short).expect("short")),
        long @ 0x80..0x100 => bytes.extend([0x81, u8::try_from(long).expect("one byte")]),
        longer => {
            bytes.push(0x82);
            bytes.extend(u16::try_from(longer).expect("two bytes").to_be_bytes());
        }
    }
    bytes.extend(content);
    bytes
}

fn pair(arcs: &[u8], value: &[u8]) -> Vec<u8> {
    let identifier = element(0x06, &[&PREFIX, arcs].concat());
    element(0x30, &[identifier.as_slice(), value].concat())
}

fn octets(bytes: &[u8]) -> Vec<u8> {
    element(0x04, bytes)
}

fn integer(value: u16) -> Vec<u8> {
    let bytes = value.to_be_bytes();
    let content: Vec<u8> = match bytes {
        [0, low @ 0..=0x7f] => vec![low],
        [0, low] => vec![0, low],
        [high @ 0x80..=0xff, low] => vec![0, high, low],
        [high, low] => vec![high, low],
    };
    element(0x02, &content)
}

fn tcb_pairs() -> Vec<Vec<u8>> {
    let mut pairs: Vec<_> = (1..=16).map(|n| pair(&[2, n], &integer(u16::from(n) * 15))).collect();
    pairs.push(pair(&[2, 17], &integer(0x8001)));
    pairs.push(pair(&[2, 18], &octets(&[7; 16])));
    pairs
}

fn tcb(pairs: &[Vec<u8>]) -> Vec<u8> {
    pair(&[2], &element(0x30, &pairs.concat()))
}

fn pairs() -> Vec<Vec<u8>> {
    vec![
        pair(&[1], &octets(&[1; 16])),
        tcb(&tcb_pairs()),
        pair(&[3], &octets(&[0, 0])),
        pair(&[4], &octets(&[0, 0x60, 0x6a, 0, 0, 0])),
        pair(&[5], &element(0x0a, &[1])),
        pair(&[6], &octets(&[9; 16])),
        pair(
            &[7],
            &element(
                0x30,
                &[
                    pair(&[7, 1], &element(0x01, &[0xff])),
                    pair(&[7, 2], &element(0x01, &[0])),
                    pair(&[7, 3], &element(0x01, &[0xff])),
                ]
                .concat(),
            ),
        ),
    ]
}

fn whole(pairs: &[Vec<u8>]) -> Vec<u8> {
    element(0x30, &pairs.concat())
}

/// The pairs with one of them replaced.
fn replaced(index: usize, pair: Vec<u8>) -> Vec<u8> {
    let mut pairs = pairs();
    pairs[index] = pair;
    whole(&pairs)
}

#[test]
fn every_field_is_read() {
    let read = PckExtension::parse(&whole(&pairs())).expect("reads");
    assert_eq!(read.ppid.0, [1; 16]);
    assert_eq!(read.tcb.components[0], 15);
    assert_eq!(read.tcb.components[15], 240);
    assert_eq!(read.tcb.pce_svn, 0x8001);
    assert_eq!(read.tcb.cpu_svn.0, [7; 16]);
    assert_eq!(read.fmspc.to_string(), "00606a000000");
    assert_eq!(read.sgx_type, SgxType::Scalable);
    assert_eq!(read.platform_instance_id.map(|id| id.0), Some([9; 16]));
    let configuration = read.configuration.expect("configuration");
    assert_eq!(configuration.dynamic_platform, Some(true));
    assert_eq!(configuration.cached_keys, Some(false));
    assert_eq!(configuration.smt_enabled, Some(true));
}

#[test]
fn fields_of_the_platform_ca_may_be_absent_together() {
    let mut pairs = pairs();
    pairs.truncate(5);
    let read = PckExtension::parse(&whole(&pairs)).expect("reads");
    assert_eq!((read.platform_instance_id, read.configuration), (None, None));
    pairs.push(pair(&[6], &octets(&[9; 16])));
    PckExtension::parse(&whole(&pairs)).expect_err("only one of the two");
}

#[test]
fn the_order_of_fields_is_free() {
    let mut reversed = pairs();
    reversed.reverse();
    assert_eq!(PckExtension::parse(&whole(&reversed)), PckExtension::parse(&whole(&pairs())));
}

#[test]
fn fields_missing_or_standing_twice_are_refused() {
    for index in 0..pairs().len() {
        let mut fewer = pairs();
        let removed = fewer.remove(index);
        PckExtension::parse(&whole(&fewer)).expect_err(&format!("without {index}"));
        let mut twice = pairs();
        twice.push(removed);
        let error = PckExtension::parse(&whole(&twice)).expect_err("twice");
        assert!(error.to_string().contains("twice"), "{error}");
    }
    for index in 0..tcb_pairs().len() {
        let mut fewer = tcb_pairs();
        let removed = fewer.remove(index);
        PckExtension::parse(&replaced(1, tcb(&fewer))).expect_err("a TCB field missing");
        let mut twice = tcb_pairs();
        twice.push(removed);
        PckExtension::parse(&replaced(1, tcb(&twice))).expect_err("a TCB field twice");
    }
}

#[test]
fn identifiers_that_are_not_known_are_refused() {
    let mut more = pairs();
    more.push(pair(&[8], &octets(&[1])));
    let error = PckExtension::parse(&whole(&more)).expect_err("unknown");
    assert!(error.to_string().contains("1.2.840.113741.1.13.1.8"), "{error}");
    for arcs in [&[2, 0][..], &[2, 19], &[2], &[1], &[2, 1, 1], &[3, 1]] {
        let mut fields = tcb_pairs();
        fields.push(pair(arcs, &integer(1)));
        PckExtension::parse(&replaced(1, tcb(&fields))).expect_err("unknown in TCB");
    }
    let mut foreign = pairs();
    foreign.push(element(0x30, &[element(0x06, &[0x55, 0x1d, 0x0f]), octets(&[1])].concat()));
    PckExtension::parse(&whole(&foreign)).expect_err("not Intel's");
}

#[test]
fn values_out_of_range_or_not_in_der_are_refused() {
    let component = |value: Vec<u8>| {
        let mut fields = tcb_pairs();
        fields[0] = pair(&[2, 1], &value);
        PckExtension::parse(&replaced(1, tcb(&fields)))
    };
    component(integer(255)).expect("the largest");
    component(integer(0)).expect("the smallest");
    for (value, why) in [
        (integer(256), "too large"),
        (element(0x02, &[0xff]), "negative"),
        (element(0x02, &[0, 1]), "not the shortest form"),
        (element(0x02, &[]), "empty"),
        (element(0x0a, &[1]), "another tag"),
        (vec![0x02, 0x81, 0x01, 0x01], "length not in its shortest form"),
        (vec![0x02, 0x80, 0x01, 0x00, 0x00], "indefinite length"),
        ([integer(1), vec![0]].concat(), "a byte left over"),
    ] {
        component(value).expect_err(why);
    }
    for (index, value) in [
        (0, pair(&[1], &octets(&[1; 15]))),
        (0, pair(&[1], &octets(&[1; 17]))),
        (2, pair(&[3], &octets(&[0]))),
        (3, pair(&[4], &octets(&[0; 7]))),
        (4, pair(&[5], &element(0x0a, &[3]))),
        (4, pair(&[5], &element(0x02, &[1]))),
        (6, pair(&[7], &element(0x30, &pair(&[7, 1], &element(0x01, &[1]))))),
        (6, pair(&[7], &element(0x30, &pair(&[7, 4], &element(0x01, &[0]))))),
        (6, pair(&[7], &element(0x30, &pair(&[7, 1], &element(0x01, &[0, 0]))))),
    ] {
        PckExtension::parse(&replaced(index, value)).expect_err(&format!("field {index}"));
    }
}

#[test]
fn no_byte_can_be_added_or_taken_away() {
    let bytes = whole(&pairs());
    for length in 0..bytes.len() {
        PckExtension::parse(&bytes[..length]).expect_err("truncated");
    }
    PckExtension::parse(&[bytes.as_slice(), &[0]].concat()).expect_err("longer");
    for index in 0..pairs().len() {
        let mut longer = pairs();
        // Behind the value, inside of the pair.
        let inside = |bytes: &[u8]| bytes[bytes.len() - usize::from(bytes[1])..].to_vec();
        if longer[index][1] < 0x80 {
            longer[index] = element(0x30, &[inside(&longer[index]), vec![0]].concat());
            PckExtension::parse(&whole(&longer)).expect_err(&format!("{index} longer"));
        }
    }
    let longer = pair(&[7, 1], &[element(0x01, &[0xff]), vec![0]].concat());
    let longer = replaced(6, pair(&[7], &element(0x30, &longer)));
    PckExtension::parse(&longer).expect_err("a setting longer");
}

#[test]
fn an_extension_is_at_most_4096_bytes_long() {
    let read = |length| PckExtension::parse(&vec![0x30; length]).expect_err("no extension");
    assert_eq!(read(4096).field, "pair");
    assert_eq!(
        read(4097).to_string(),
        "SgxExtension.length at byte 0x0: 4097 is over the limit of 4096"
    );
}
