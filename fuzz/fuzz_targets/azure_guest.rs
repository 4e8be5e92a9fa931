//! Documents of guest attestation: no panic, bounded words on what is wrong, and none is believed under CAs
//! whose private keys nobody here has. By a paravisor's word alone, which anybody can write here, whatever is
//! believed has a key that works in the quoted state.
#![no_main]

use std::sync::LazyLock;

use avouch_azure::{
    AttestationInfo, Conditions, Isolation, ReportedKey, RuntimeClaims, VtpmAnchors,
};
use avouch_tpm::AkRules;
use avouch_wire::{FailedCheck as _, UnixTime};
use libfuzzer_sys::fuzz_target;

static ANCHORS: LazyLock<VtpmAnchors> = LazyLock::new(VtpmAnchors::azure);

fuzz_target!(init: { LazyLock::force(&ANCHORS); }, |data: &[u8]| {
    let info = match AttestationInfo::parse(data) {
        Ok(info) => info,
        Err(error) => {
            assert!(error.check().starts_with("guest-") && !error.to_string().is_empty());
            return;
        }
    };
    assert!(info.untrusted_log().len() <= data.len());
    let at = UnixTime::from_rfc3339("2026-01-31T12:00:00Z").unwrap();
    let conditions =
        Conditions { anchors: &ANCHORS, cas: &[], rules: AkRules::default(), reported: None, at };
    let error = info.verify(conditions).unwrap_err();
    assert!(!error.check().is_empty() && !error.to_string().is_empty());
    let (Isolation::SevSnp { runtime_data, .. } | Isolation::Tdx { runtime_data, .. }) =
        info.untrusted_isolation()
    else {
        return;
    };
    let Ok(runtime) = RuntimeClaims::parse(runtime_data) else { return };
    let reported = Some(ReportedKey { key: runtime.ak(), is_known_paravisor: true });
    match info.verify(Conditions { reported, ..conditions }) {
        Ok(guest) => assert!(guest.attested_pcrs().bits() & 0xff == 0xff),
        Err(error) => assert!(!error.check().is_empty() && !error.to_string().is_empty()),
    }
});
