use std::sync::{Arc, Mutex};

use avouch_attester::{NvStorage, TpmError, open_nv};
use avouch_tee::{
    AzureVtpm, EvidenceSource as _, HCL_REPORT_INDEX, Host, OwnEvidence, TeeError, USER_DATA_INDEX,
};
use avouch_token::EvidenceExtension;
use avouch_wire::{EvidenceKind, Hex, base64url};
use serde_json::{Value, json};

use crate::fake::{certificates, certificates_pem};
use crate::host::Service;
use crate::paravisor::Paravisor;
use crate::swtpm::Swtpm;
use crate::{ASKED, at};

/// A TPM whose report is made anew when its user data are written, as a paravisor does it.
struct Kept {
    nv: Box<dyn NvStorage>,
    paravisor: Arc<Paravisor>,
    /// Writes that somebody else overtakes.
    overtaken: Arc<Mutex<u32>>,
}

impl NvStorage for Kept {
    fn read_nv(&mut self, index: u32) -> Result<Vec<u8>, TpmError> {
        self.nv.read_nv(index)
    }

    fn write_nv(&mut self, index: u32, bytes: &[u8]) -> Result<(), TpmError> {
        assert_eq!(index, USER_DATA_INDEX);
        self.nv.write_nv(index, bytes)?;
        let mut user_data: [u8; 64] = self.nv.read_nv(index)?.try_into().unwrap();
        let mut overtaken = self.overtaken.lock().unwrap();
        if *overtaken > 0 {
            *overtaken -= 1;
            user_data = [9; 64];
        }
        self.nv.write_nv(HCL_REPORT_INDEX, &self.paravisor.report(&user_data))
    }
}

/// A source over a software TPM, and what holds the TPM.
fn source(kind: EvidenceKind, overtaken: u32) -> Option<(Swtpm, Arc<Paravisor>, AzureVtpm)> {
    let swtpm = Swtpm::start()?;
    let paravisor = Arc::new(Paravisor::new(kind, at()));
    let tcti = swtpm.tcti();
    let opened = open_nv(&tcti).unwrap();
    let absent = AzureVtpm::new({
        let tcti = tcti.clone();
        move || open_nv(&tcti)
    });
    assert!(matches!(absent.err().unwrap(), TeeError::Absent { source_name: "azure-vtpm", .. }));
    drop(opened);
    open_nv(&tcti).unwrap().write_nv(HCL_REPORT_INDEX, &paravisor.report(&[0; 64])).unwrap();
    let (of_tpm, overtaken) = (Arc::clone(&paravisor), Arc::new(Mutex::new(overtaken)));
    let source = AzureVtpm::new(move || {
        let (paravisor, overtaken) = (Arc::clone(&of_tpm), Arc::clone(&overtaken));
        Ok(Box::new(Kept { nv: open_nv(&tcti)?, paravisor, overtaken }))
    });
    Some((swtpm, paravisor, source.unwrap()))
}

fn members(evidence: &OwnEvidence) -> (String, Value) {
    match evidence.extension().unwrap() {
        EvidenceExtension::Described { evidence_json, tee_kind } => {
            (tee_kind, serde_json::from_str(&evidence_json).unwrap())
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_machine_on_sev_snp_binds_by_what_its_paravisor_says() {
    let Some((_tpm, paravisor, source)) = source(EvidenceKind::Snp, 2) else { return };
    let minted = paravisor.mint(&ASKED);
    let pem = certificates_pem(&minted.endorsements);
    let host = json!({"vcekCert": pem, "certificateChain": pem, "tcbm": "00"}).to_string();
    let service = Service::new(200, host.into_bytes());
    let mut source = source.with_host(Some(service.host()));
    let evidence = source.evidence(&ASKED).unwrap();
    let OwnEvidence::AzureSnp { quote, runtime_data } = &evidence else { panic!("{evidence:?}") };
    assert_eq!(*runtime_data, paravisor.runtime_data(&ASKED));
    assert_eq!(quote.report(), minted.evidence);
    let digest = avouch_pki::digest::sha256(runtime_data);
    assert_eq!(&quote.report_data().0[..32], digest.as_bytes());
    let (kind, members) = members(&evidence);
    assert_eq!(kind, "azurecvmsevsnp");
    assert_eq!(members["RuntimeData"], base64url::encode(runtime_data));
    assert_eq!(members["SnpReport"], base64url::encode(&minted.evidence));
    // Certificates in a file ask no host.
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("chain.pem");
    std::fs::write(&file, &pem).unwrap();
    let nobody = Host::new("http://127.0.0.1:1").unwrap();
    let mut source = source.with_host(Some(nobody)).with_certificates(Some(file));
    let OwnEvidence::AzureSnp { quote, .. } = source.evidence(&[4; 64]).unwrap() else { panic!() };
    let found = avouch_pki::pem::certificates(quote.certificates().unwrap().as_bytes(), 9).unwrap();
    assert_eq!(found, certificates(&minted.endorsements));
}

#[test]
fn a_trust_domain_gets_its_quote_from_the_host_and_only_one_of_its_own_report() {
    let Some((_tpm, paravisor, source)) = source(EvidenceKind::Tdx, 0) else { return };
    let minted = paravisor.mint(&ASKED);
    let answer = |quote: &[u8]| json!({"quote": base64url::encode(quote)}).to_string().into_bytes();
    let service = Service::new(200, answer(&minted.evidence));
    let mut source = source.with_host(Some(service.host()));
    let evidence = source.evidence(&ASKED).unwrap();
    let (quote, runtime_data) = (minted.evidence, paravisor.runtime_data(&ASKED));
    assert_eq!(evidence, OwnEvidence::AzureTdx { quote, runtime_data });
    assert_eq!(members(&evidence).0, "azurecvmtdx");
    let body = service.asked();
    let body: Value = serde_json::from_str(body.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    let report = base64url::decode(body["report"].as_str().unwrap()).unwrap();
    assert_eq!(report, paravisor.report(&ASKED)[32..1056]);
    let other = paravisor.mint(&[8; 64]);
    let mut source = source.with_host(Some(Service::new(200, answer(&other.evidence)).host()));
    let error = source.evidence(&ASKED).unwrap_err();
    assert!(matches!(error, TeeError::Hcl(_)), "{error}");
    let error = source.with_host(None).evidence(&ASKED).unwrap_err();
    assert!(error.to_string().contains("tee.host_endpoint"), "{error}");
}

#[test]
fn a_guest_that_somebody_else_overtakes_each_time_is_told() {
    let Some((_tpm, _, mut source)) = source(EvidenceKind::Snp, u32::MAX) else { return };
    let (expected, found) = (Hex(ASKED).to_string(), Hex([9; 64]).to_string());
    let error = source.evidence(&ASKED).unwrap_err();
    assert_eq!(error, TeeError::OtherReportData { expected, found });
}
