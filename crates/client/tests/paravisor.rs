//! Services on machines whose paravisor reports: what binds their key, and what does not.
#![cfg(test)]

#[path = "../../tee/tests/support/paravisor.rs"]
mod paravisor;
mod support;

use std::sync::Arc;

use avouch_client::{CodeNotMeasured, Measurements, PublishedCode, RelyingParty, TrustVerdict};
use avouch_token::{
    EvidenceExtension, KeySpec, Outcome, Signer as _, SigningKey, TeeKind, key_report_data,
    provider_certificate,
};
use avouch_wire::{EvidenceKind, base64url};
use paravisor::Paravisor;
use serde_json::{Map, Value, json};
use support::{ISSUER, Service, at, expectations};

/// A service whose certificate carries what `change` makes of good evidence.
fn service(
    paravisor: &Paravisor,
    user_data: Option<[u8; 64]>,
    change: impl FnOnce(&mut Map<String, Value>),
) -> Service {
    let key = Arc::new(SigningKey::generate(KeySpec::P256).unwrap());
    let user_data = user_data.unwrap_or_else(|| key_report_data(key.public_key()).0);
    let minted = paravisor.mint(&user_data);
    let runtime = base64url::encode(paravisor.runtime_data(&user_data));
    let (kind, mut members) = match paravisor.kind {
        EvidenceKind::Snp => {
            let document = serde_json::from_str(&support::document(&minted)).unwrap();
            (TeeKind::AzureSevSnp, document)
        }
        _ => {
            let quote = base64url::encode(&minted.evidence);
            (TeeKind::AzureTdx, Map::from_iter([("TdxQuote".to_owned(), quote.into())]))
        }
    };
    members.insert("RuntimeData".to_owned(), runtime.into());
    change(&mut members);
    let extension = EvidenceExtension::Described {
        evidence_json: Value::Object(members).to_string(),
        tee_kind: kind.name().to_owned(),
    };
    let certificate = provider_certificate(&*key, ISSUER, Some(&extension)).unwrap();
    Service { key, minted, certificate }
}

fn verify(service: &Service) -> TrustVerdict {
    judge(service, None)
}

fn judge(service: &Service, measurements: Option<&Measurements>) -> TrustVerdict {
    let verifier = service.verifier();
    let party = RelyingParty {
        service: Some(&verifier),
        code: measurements.map(PublishedCode::List),
        demands_evidence: true,
    };
    party.verify(&service.token(), &service.keys(), &expectations())
}

fn failed(verdict: &TrustVerdict) -> &'static str {
    verdict.failure().unwrap().name
}

#[test]
fn a_key_is_bound_by_what_the_guest_gave_its_paravisor() {
    for kind in [EvidenceKind::Snp, EvidenceKind::Tdx] {
        let paravisor = Paravisor::new(kind, at());
        let verdict = verify(&service(&paravisor, None, |_| ()));
        let outcomes = verdict.steps().each_ref().map(|step| step.outcome);
        let (passed, not_checked) = (Outcome::Passed, Outcome::NotChecked);
        let bound = [passed, passed, passed, not_checked, not_checked];
        assert_eq!(outcomes, bound, "{kind}: {verdict:#?}");
        let reason = &verdict.steps()[2].reason;
        assert!(reason.starts_with("what the guest gave its paravisor is"), "{reason}");
        let verdict = verify(&service(&paravisor, Some([7; 64]), |_| ()));
        assert_eq!(failed(&verdict), "service-key-binding", "{kind}");
        assert_eq!(verdict.steps()[1].outcome, Outcome::Passed, "{kind}");
    }
}

/// Each is wrong in one point.
#[test]
fn what_a_paravisor_did_not_say_counts_for_nothing() {
    let paravisor = Paravisor::new(EvidenceKind::Snp, at());
    let with_runtime = |runtime: Vec<u8>| {
        service(&paravisor, None, |members| {
            members.insert("RuntimeData".to_owned(), base64url::encode(runtime).into());
        })
    };
    // Of another machine, or another moment: the hardware's report is over other data.
    let other = with_runtime(paravisor.runtime_data(&[7; 64]));
    assert_eq!(verify(&other).steps()[1].outcome, Outcome::Failed);
    let text = String::from_utf8(paravisor.runtime_data(&[7; 64])).unwrap();
    let without = text.replace("user-data", "other-data");
    assert_eq!(failed(&verify(&with_runtime(without.into_bytes()))), "service-evidence");
    assert_eq!(failed(&verify(&with_runtime(b"[]".to_vec()))), "hcl-runtime-json");
    let absent = service(&paravisor, None, |members| drop(members.remove("RuntimeData")));
    assert_eq!(failed(&verify(&absent)), "service-evidence");
    let absent = service(&paravisor, None, |members| drop(members.remove("SnpReport")));
    assert_eq!(verify(&absent).steps()[1].outcome, Outcome::Failed);

    // A guest below the paravisor asked for the report by itself.
    let mut guest = Paravisor::new(EvidenceKind::Snp, at());
    guest.options.snp.vmpl = 2;
    assert_eq!(verify(&service(&guest, None, |_| ())).steps()[1].outcome, Outcome::Failed);
}

/// A list with exactly what the evidence of a service measures.
fn listed(service: &Service) -> Measurements {
    let facts = service.verifier().verify(&service.keys().keys()[0], at()).unwrap().facts();
    let of = |names: &[&str]| -> Map<String, Value> {
        names.iter().map(|name| ((*name).to_owned(), facts[*name].clone())).collect()
    };
    let workload = match service.minted.kind {
        EvidenceKind::Snp => json!({"snp": of(&["measurement", "host_data"])}),
        _ => json!({"tdx": of(&["mr_td", "rtmr0", "rtmr1", "rtmr2", "rtmr3"])}),
    };
    let from = "1970-01-01T00:00:00Z";
    let one = json!({
        "name": "a paravisor", "announced_at": from, "in_force_from": from, "workload": workload,
    });
    serde_json::from_value(json!({"measurements": [one]})).unwrap()
}

/// All machines of a kind have it, whoever runs what in them.
#[test]
fn a_paravisors_measurement_is_never_that_of_a_services_code() {
    for kind in [EvidenceKind::Snp, EvidenceKind::Tdx] {
        let service = service(&Paravisor::new(kind, at()), None, |_| ());
        let list = listed(&service);
        let verifier = service.verifier();
        let verified = verifier.verify(&service.keys().keys()[0], at()).unwrap();
        // The list has it: nothing else than the paravisor speaks against it.
        list.judge(&verified.workload().unwrap(), at()).unwrap();
        assert_eq!(verified.measured_code().err(), Some(CodeNotMeasured::Paravisor), "{kind}");

        let verdict = judge(&service, Some(&list));
        let outcomes = verdict.steps().each_ref().map(|step| step.outcome);
        let refused = [
            Outcome::Passed,
            Outcome::Passed,
            Outcome::Passed,
            Outcome::Failed,
            Outcome::NotChecked,
        ];
        assert_eq!(outcomes, refused, "{kind}: {verdict:#?}");
        assert_eq!(failed(&verdict), "service-measurement", "{kind}");
        assert!(verdict.accepted().is_none() && !verdict.is_fully_trusted());
        let reason = &verdict.steps()[3].reason;
        assert!(reason.contains("the paravisor's"), "{reason}");
    }
}
