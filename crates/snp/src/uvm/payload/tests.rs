//! The JSON form: which security versions are read.

use avouch_wire::FailedCheck as _;
use serde_json::{Value, json};

use super::*;

fn read(svn: &str, number: Option<Value>) -> Result<(Hex<48>, u64), UvmError> {
    let mut statement = json!({
        "x-ms-sevsnpvm-launchmeasurement": "0b".repeat(48),
        "x-ms-sevsnpvm-guestsvn": svn,
    });
    if let (Some(number), Some(members)) = (number, statement.as_object_mut()) {
        members.insert("x-ms-sevsnpvm-guestsvn-int".to_owned(), number);
    }
    super::json(statement.to_string().as_bytes())
}

#[test]
fn a_security_version_is_decimal_digits_alone() {
    for (text, svn) in [("0", 0), ("7", 7), ("007", 7), ("18446744073709551615", u64::MAX)] {
        assert_eq!(read(text, None), Ok((Hex([0x0b; 48]), svn)), "{text}");
    }
    for text in ["", "+7", "-7", " 7", "7 ", "7.0", "0x7", "18446744073709551616", "\u{667}"] {
        assert_eq!(read(text, None).unwrap_err().check(), "uvm-payload", "{text}");
    }
}

#[test]
fn a_security_version_as_a_number_beside_it_is_the_same() {
    assert_eq!(read("7", Some(json!(7))), Ok((Hex([0x0b; 48]), 7)));
    for other in [json!(6), json!(8), json!("7"), json!(-7), json!(7.5)] {
        assert_eq!(read("7", Some(other.clone())).unwrap_err().check(), "uvm-payload", "{other}");
    }
}
