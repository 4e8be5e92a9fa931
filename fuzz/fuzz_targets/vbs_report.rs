//! Reports of VBS enclaves: no panic, one reading only, and none is believed that the minted secure kernel
//! did not sign. The first byte says whether the rest is a report, or the numbers of a key.
#![no_main]

use std::sync::LazyLock;

use avouch_mint::vbs::{Signer, VbsReport, identity_key_info};
use avouch_vbs::{Acceptance, MODULES_MAX, Report, SigningKey, verify_report};
use avouch_wire::FailedCheck as _;
use libfuzzer_sys::fuzz_target;

const STATEMENT: &str = r#"{"challenge":"AQ"}"#;

/// Reports that the minted secure kernel signed.
const SEEDS: [&[u8]; 3] = [
    include_bytes!("../seeds/vbs_report/alone"),
    include_bytes!("../seeds/vbs_report/module"),
    include_bytes!("../seeds/vbs_report/modules"),
];

struct Known {
    key: SigningKey,
    /// Everything but the signatures: what is signed is the same each time, the salt is not.
    signed: Vec<Vec<u8>>,
}

static KNOWN: LazyLock<Known> = LazyLock::new(|| {
    let info = identity_key_info(Signer::Identity).unwrap();
    let key = SigningKey::of(&info[19..], &info[16..19]).unwrap();
    let bytes = VbsReport::default().to_bytes(STATEMENT).unwrap();
    let seeds = SEEDS.iter().map(|seed| &seed[1..]);
    let reports = seeds.chain([bytes.as_slice()]).map(|bytes| Report::parse(bytes).unwrap());
    let signed = reports.map(|report| report.untrusted_statement().to_vec()).collect();
    Known { key, signed }
});

fuzz_target!(init: { LazyLock::force(&KNOWN); }, |data: &[u8]| {
    let Some((form, rest)) = data.split_first() else { return };
    if form % 2 == 1 {
        if let Some((length, numbers)) = rest.split_first() {
            let (exponent, modulus) = numbers.split_at(numbers.len().min(usize::from(*length)));
            if let Err(error) = SigningKey::of(modulus, exponent) {
                assert!(!error.check().is_empty() && error.to_string().len() < 200);
            }
        }
        return;
    }
    let report = match Report::parse(rest) {
        Ok(report) => report,
        Err(error) => {
            assert!(error.check().starts_with("vbs-") && !error.to_string().is_empty());
            return;
        }
    };
    assert!(Report::parse(&[rest, &[0]].concat()).is_err());
    assert!(Report::parse(&rest[..rest.len() - 1]).is_err());
    assert!(report.modules.len() <= MODULES_MAX);
    let names: usize = report.modules.iter().map(|module| module.name.len()).sum();
    assert!(names <= rest.len().saturating_mul(2));
    let (statement, signature) = (report.untrusted_statement(), report.untrusted_signature());
    assert_eq!([&rest[..24], statement, signature].concat(), rest);
    match verify_report(report.clone(), &KNOWN.key, STATEMENT.as_bytes()) {
        Ok(verified) => {
            assert!(KNOWN.signed.iter().any(|known| known == statement));
            assert!(serde_json::to_string(&verified).is_ok());
            assert!(Acceptance::default().check(&verified).is_ok());
        }
        Err(error) => assert!(!error.check().is_empty()),
    }
});
