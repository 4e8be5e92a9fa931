//! Any bytes as a file of endorsements: no panic, a named check for what is refused, and what is
//! refused leaves nothing behind.
#![no_main]

use avouch_dcap::TeeType;
use avouch_endorsements::EndorsementSet;
use avouch_engine::EndorsementSource as _;
use avouch_wire::FailedCheck as _;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut set = EndorsementSet::default();
    let empty = set.summary();
    match set.add(bytes) {
        Ok(()) => {
            let held = set.summary();
            assert_ne!(held, empty);
            for tee in [TeeType::Sgx, TeeType::Tdx] {
                let baselines = set.tcb_baselines(tee);
                assert!(baselines.is_sorted_by_key(|one| one.evaluation_data_number));
            }
            // A second time it is taken too, and certificates are not held twice.
            set.add(bytes).expect("the same file again");
            assert_eq!(set.summary()["amd_certificates"], held["amd_certificates"]);
        }
        Err(error) => {
            assert!(!error.check().is_empty() && !error.to_string().is_empty());
            assert_eq!(set.summary(), empty);
        }
    }
});
