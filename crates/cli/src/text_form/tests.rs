//! Forms as the tools print them, of the bytes 0 to 39 unless it says otherwise.

use avouch_wire::{base64url, encode_hex};

use super::decode;

fn bytes() -> Vec<u8> {
    (0..40).collect()
}

#[track_caller]
fn reads(text: impl AsRef<[u8]>, form: &str) {
    let found = decode(text.as_ref());
    let found = found.map(|found| (found.form, found.bytes));
    assert_eq!(found, Some((form.to_owned(), bytes())));
}

#[test]
fn hex_and_base64_are_read_with_all_that_stands_around_them() {
    let hex = encode_hex(&bytes());
    let apart: Vec<String> = bytes().iter().map(|byte| format!("{byte:02X}")).collect();
    let (first, second) = hex.split_at(60);
    let lines = format!("{first}\r\n{second}\n");
    for text in [
        hex.clone(),
        format!("0x{hex}\n"),
        format!("\u{feff}\"{hex}\""),
        format!("'{hex}'"),
        format!("b'{hex}'"),
        format!(" {lines}"),
        apart.join(" "),
        apart.join(":"),
    ] {
        reads(text, "hex");
    }
    let url = base64url::encode(bytes());
    let standard = base64url::encode_standard(bytes());
    for text in [url.clone(), standard.clone(), format!("\"{standard}\""), format!("{url}\0")] {
        reads(text, "base64");
    }
    reads(base64url::encode(&hex), "base64, hex");
    let utf16: Vec<u8> =
        [0xff, 0xfe].into_iter().chain(hex.bytes().flat_map(|byte| [byte, 0])).collect();
    reads(utf16, "hex");
}

#[test]
fn lists_of_bytes_are_read() {
    let decimal: Vec<String> = bytes().iter().map(u8::to_string).collect();
    let hex: Vec<String> = bytes().iter().map(|byte| format!("0x{byte:02x}")).collect();
    reads(format!("[{}]", decimal.join(",")), "list of bytes");
    reads(format!("[{}]", decimal.join(" ")), "list of bytes");
    reads(format!("[\n  {},\n]", decimal.join(",\n  ")), "list of bytes");
    reads(format!("{{ {} }}", hex.join(", ")), "list of bytes");
    for text in ["[1, 256]", "[1, -1]", "[1, 2", "[]", "{\"quote\": 1}", "[1, \"2\"]"] {
        assert_eq!(decode(text.as_bytes()), None, "{text}");
    }
}

#[test]
fn dumps_are_read() {
    reads(
        "00000000: 0001 0203 0405 0607 0809 0a0b 0c0d 0e0f  ................\n\
         00000010: 1011 1213 1415 1617 1819 1a1b 1c1d 1e1f  ................\n\
         00000020: 2021 2223 2425 2627                       !\"#$%&'\n",
        "dump",
    );
    reads(
        "00000000  00 01 02 03 04 05 06 07  08 09 0a 0b 0c 0d 0e 0f  |................|\n\
         00000010  10 11 12 13 14 15 16 17  18 19 1a 1b 1c 1d 1e 1f  |................|\n\
         00000020  20 21 22 23 24 25 26 27                           | !\"#$%&'|\n\
         00000028\n",
        "dump",
    );
    reads(
        "0000000 0100 0302 0504 0706 0908 0b0a 0d0c 0f0e\n\
         0000010 1110 1312 1514 1716 1918 1b1a 1d1c 1f1e\n\
         0000020 2120 2322 2524 2726\n\
         0000028\n",
        "dump",
    );
    reads(
        "0000000 00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f\n\
         0000020 10 11 12 13 14 15 16 17 18 19 1a 1b 1c 1d 1e 1f\n\
         0000040 20 21 22 23 24 25 26 27\n\
         0000050\n",
        "dump",
    );
}

#[test]
fn lines_that_a_dump_left_out_are_read_and_lines_that_are_missing_are_not() {
    let row = "00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00  |................|";
    let whole = format!("00000000  {row}\n*\n00000040  01 02  |..|\n00000042\n");
    let found = decode(whole.as_bytes()).expect("a dump");
    assert_eq!(found.bytes, [vec![0; 64], vec![1, 2]].concat());
    let gap = format!("00000000  {row}\n00000040  01 02  |..|\n");
    assert_eq!(decode(gap.as_bytes()), None);
    // An odd number of bytes ends in half a word.
    let odd = decode(b"0000000 0100 0002\n0000003\n").expect("a dump");
    assert_eq!(odd.bytes, [0, 1, 2]);
}

#[test]
fn other_text_stands_for_nothing() {
    for text in ["", " \n", "hello, world", "a.b.c", "version=1.0;", "-----BEGIN X-----", "0x"] {
        assert_eq!(decode(text.as_bytes()), None, "{text}");
    }
    assert_eq!(decode(&[0x80, 0x81, 0x82, 0x83]), None);
}

#[test]
fn after_the_line_that_says_how_long_a_dump_is_there_is_none() {
    let row = "01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f 10";
    let whole = format!("00000000  {row}\n*\n00001000\n");
    assert_eq!(decode(whole.as_bytes()).unwrap().bytes.len(), 0x1000);
    for more in
        ["00000000\n".to_owned(), format!("00000000\n{whole}"), format!("00001000  {row}\n")]
    {
        let text = format!("{whole}{more}");
        let found = decode(text.as_bytes()).map(|found| (found.form, found.bytes.len()));
        assert!(found.is_none_or(|(_, length)| length < 16), "{more}");
    }
}
