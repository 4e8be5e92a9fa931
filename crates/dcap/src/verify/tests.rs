//! Which quoting enclave is the one of the identity.

use avouch_wire::{Cursor, FailedCheck as _};

use super::*;
use crate::report_body::{ENCLAVE_REPORT_BYTES, EnclaveAttributes};

fn identity() -> EnclaveIdentity {
    let day = |day: u8| format!("2024-03-{day:02}T00:00:00Z").parse().unwrap();
    let mut attributes = [0; 16];
    attributes[0] = 0x15;
    let mut attributes_mask = [0; 16];
    // All flags but DEBUG, of which the identity says nothing here.
    attributes_mask[0] = 0xfd;
    EnclaveIdentity {
        id: EnclaveId::Qe,
        window: Window { not_before: day(1), not_after: day(31) },
        evaluation_data_number: 17,
        misc_select: Hex([1, 0, 0, 0]),
        misc_select_mask: Hex([0x0f, 0, 0, 0xf0]),
        attributes: Hex(attributes),
        attributes_mask: Hex(attributes_mask),
        mr_signer: Hex([7; 32]),
        isv_prod_id: 1,
        levels: Vec::new(),
    }
}

/// Why a quoting enclave with one change is refused, if it is.
fn error(change: impl FnOnce(&mut EnclaveReport)) -> Option<VerifyError> {
    let bytes = [0; ENCLAVE_REPORT_BYTES];
    let mut report = EnclaveReport::parse(&mut Cursor::new("Test", &bytes)).unwrap();
    report.mr_signer = Hex([7; 32]);
    report.isv_prod_id = 1;
    report.misc_select = Hex([1, 0, 0, 0]);
    report.attributes = EnclaveAttributes(identity().attributes);
    change(&mut report);
    check_quoting_enclave(&identity(), &report).err()
}

/// The check that refuses it.
fn refusal(change: impl FnOnce(&mut EnclaveReport)) -> Option<&'static str> {
    error(change).map(|error| error.check())
}

#[test]
fn a_quoting_enclave_is_intels_if_all_agrees_under_the_masks() {
    assert_eq!(refusal(|_| {}), None);
    assert_eq!(refusal(|qe| qe.mr_signer.0[31] = 6), Some("qe-mr-signer"));
    assert_eq!(refusal(|qe| qe.isv_prod_id = 2), Some("qe-isv-prod-id"));
    assert_eq!(refusal(|qe| qe.misc_select.0[0] = 0), Some("qe-misc-select"));
    assert_eq!(refusal(|qe| qe.misc_select.0[3] = 0x10), Some("qe-misc-select"));
    assert_eq!(refusal(|qe| qe.misc_select.0 = [0xf1, 0xff, 0xff, 0x0f]), None, "masked out");
    assert_eq!(refusal(|qe| qe.attributes.0.0[0] = 0x14), Some("qe-attributes"));
    assert_eq!(refusal(|qe| qe.attributes.0.0[0] = 0x95), Some("qe-attributes"));
    assert_eq!(refusal(|qe| qe.attributes.0.0[1..].fill(0xff)), None, "masked out");
    assert_eq!(refusal(|qe| qe.attributes.0.0[0] = 0x17), Some("qe-debuggable"), "under any mask");
}

#[test]
fn a_refusal_shows_what_was_found_under_which_mask() {
    let words = |change: fn(&mut EnclaveReport)| error(change).unwrap().to_string();
    assert_eq!(
        words(|qe| qe.misc_select.0 = [2, 3, 0, 0]),
        "quoting enclave has MISCSELECT 02030000 under mask 0f0000f0, expected 01000000"
    );
    let rest = "00".repeat(15);
    assert_eq!(
        words(|qe| qe.attributes.0.0[0] = 0x14),
        format!("quoting enclave has attributes 14{rest} under mask fd{rest}, expected 15{rest}")
    );
}
