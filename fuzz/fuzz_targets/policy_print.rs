//! Printing and formatting a policy change nothing but its layout.
#![no_main]

use avouch_engine::policy_vocabulary;
use avouch_policy::{Limits, Policy, format, lint, print};
use avouch_wire::EvidenceKind;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let limits = Limits::default();
    let Ok(policy) = Policy::compile(text, &limits) else { return };
    let tree = policy.ast().clone().without_places();

    let printed = print::print(policy.ast());
    let again = Policy::compile(&printed, &limits).expect("printed text is a policy");
    assert_eq!(again.ast().clone().without_places(), tree);
    assert_eq!(print::print(again.ast()), printed);

    let formatted = format(text, &limits).expect("a policy can be formatted");
    let again = Policy::compile(&formatted, &limits).expect("formatted text is a policy");
    assert_eq!(again.ast().clone().without_places(), tree);
    assert_eq!(again.comments().len(), policy.comments().len());
    assert_eq!(format(&formatted, &limits).expect("still a policy"), formatted);

    for kind in [None, Some(EvidenceKind::Sgx), Some(EvidenceKind::Tpm)] {
        let _ = lint::lint(&policy, &policy_vocabulary(kind));
    }
});
