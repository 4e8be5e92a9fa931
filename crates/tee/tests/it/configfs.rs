use std::fs;
use std::path::Path;

use avouch_pki::{Certificate, pem};
use avouch_tee::{ConfigfsTsm, EvidenceSource as _, OwnEvidence, SnpQuote, TeeError};
use avouch_token::EvidenceExtension;
use avouch_wire::{EvidenceKind, Hex, base64url};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::fake::{
    Asked, Bodies, Platform, Said, certificates, certificates_pem, configfs, serve, table,
};
use crate::{ASKED, at};

struct Fake {
    folder: TempDir,
    asked: Asked,
}

impl Fake {
    fn new(
        provider: &'static str,
        says: impl Fn(&[u8; 64], usize) -> Said + Send + Sync + 'static,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let asked = configfs(folder.path(), provider, says);
        Self { folder, asked }
    }

    fn of(kind: EvidenceKind, provider: &'static str) -> Self {
        let platform = Platform::new(kind, at());
        Self::new(provider, move |report_data, _| platform.said(report_data))
    }

    fn source(&self) -> ConfigfsTsm {
        ConfigfsTsm::open(self.folder.path()).unwrap()
    }

    fn ask(&self) -> Result<OwnEvidence, TeeError> {
        let answer = self.source().evidence(&ASKED);
        assert_eq!(fs::read_dir(self.folder.path()).unwrap().count(), 0, "an entry is left");
        answer
    }
}

fn snp(evidence: OwnEvidence) -> SnpQuote {
    match evidence {
        OwnEvidence::Snp(quote) => quote,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_report_comes_with_the_certificates_of_its_table_whatever_their_form() {
    for form in [Bodies::Der, Bodies::Pem] {
        let platform = Platform::new(EvidenceKind::Snp, at());
        let minted = platform.mint(&ASKED);
        let said = Said {
            outblob: minted.evidence.clone(),
            auxblob: Some(table(&minted.endorsements, form)),
            ..Said::default()
        };
        let fake = Fake::new("sev_guest", move |_, _| said.clone());
        let evidence = fake.ask().unwrap();
        assert_eq!(fake.asked.all(), [ASKED]);
        let ends: Vec<_> = certificates(&minted.endorsements)
            .iter()
            .map(|der| Certificate::parse(der).unwrap().not_after())
            .collect();
        assert_eq!(ends.len(), 3);
        assert_eq!(evidence.holds_until(), ends.iter().min().copied());
        assert_eq!(evidence.kind(), "acisevsnp");
        let EvidenceExtension::Described { evidence_json, tee_kind } =
            evidence.extension().unwrap()
        else {
            panic!("{evidence:?}");
        };
        assert_eq!(tee_kind, "acisevsnp");
        let members: Value = serde_json::from_str(&evidence_json).unwrap();
        assert_eq!(members["SnpReport"], base64url::encode(&minted.evidence));
        let chain = certificates_pem(&minted.endorsements);
        assert_eq!(members["VcekCertChain"], base64url::encode(&chain));
        assert_eq!(members.as_object().unwrap().len(), 2);
        let quote = snp(evidence);
        assert_eq!(quote.report(), minted.evidence);
        assert_eq!(quote.report_data(), Hex(ASKED));
        assert_eq!(
            pem::certificates(quote.certificates().unwrap().as_bytes(), 9).unwrap().len(),
            3
        );
        let document: Value =
            serde_json::from_slice(&base64url::decode(&quote.maa_report()).unwrap()).unwrap();
        assert_eq!(document, members);
    }
}

#[test]
fn a_quote_comes_without_what_lies_behind_it() {
    let platform = Platform::new(EvidenceKind::Tdx, at());
    let minted = platform.mint(&ASKED);
    let quote = minted.evidence.clone();
    let fake = Fake::new("tdx_guest", move |report_data, before| Said {
        outblob: match before {
            0 => [quote.as_slice(), &[0; 70]].concat(),
            _ => platform.mint(report_data).evidence,
        },
        ..Said::default()
    });
    let evidence = fake.ask().unwrap();
    assert!(evidence == OwnEvidence::Tdx(minted.evidence.clone()));
    let EvidenceExtension::Described { evidence_json, tee_kind } = evidence.extension().unwrap()
    else {
        panic!("{evidence:?}");
    };
    assert_eq!(tee_kind, "tdx");
    let members: Value = serde_json::from_str(&evidence_json).unwrap();
    assert_eq!(members, json!({"TdxQuote": base64url::encode(&minted.evidence)}));
    assert!(evidence.holds_until().unwrap() > at());
    let mut other = ASKED;
    other[63] ^= 1;
    let differing = fake.source().evidence(&other).unwrap();
    assert!(differing != evidence);
    assert_eq!(fake.asked.all(), [ASKED, other]);
}

#[test]
fn who_asks_in_between_is_noticed_and_it_is_asked_again() {
    for until in [1, 2] {
        let platform = Platform::new(EvidenceKind::Snp, at());
        let fake = Fake::new("sev_guest", move |report_data, before| Said {
            others: u64::from(before < until),
            ..platform.said(report_data)
        });
        assert_eq!(snp(fake.ask().unwrap()).report_data(), Hex(ASKED));
        assert_eq!(fake.asked.all().len(), until + 1);
    }
    let platform = Platform::new(EvidenceKind::Snp, at());
    let fake = Fake::new("sev_guest", move |report_data, _| Said {
        others: 1,
        ..platform.said(report_data)
    });
    assert_eq!(fake.ask(), Err(TeeError::Conflict { attempts: 5 }));
    assert_eq!(fake.asked.all().len(), 5);
}

#[test]
fn evidence_for_other_bytes_is_never_taken() {
    let platform = Platform::new(EvidenceKind::Snp, at());
    let fake = Fake::new("sev_guest", move |report_data, before| {
        let mut other = *report_data;
        other[40] ^= u8::from(before == 0);
        platform.said(&other)
    });
    assert_eq!(snp(fake.ask().unwrap()).report_data(), Hex(ASKED));
    assert_eq!(fake.asked.all().len(), 2);
    for (kind, provider) in [(EvidenceKind::Snp, "sev_guest"), (EvidenceKind::Tdx, "tdx_guest")] {
        let platform = Platform::new(kind, at());
        let fake = Fake::new(provider, move |_, _| platform.said(&[7; 64]));
        let error = fake.ask().unwrap_err();
        let (expected, found) = (Hex(ASKED).to_string(), Hex([7; 64]).to_string());
        assert_eq!(error, TeeError::OtherReportData { expected, found });
    }
}

/// One thing wrong each; no answer is asked for twice that cannot become better.
#[test]
fn what_is_no_evidence_is_refused_by_its_name() {
    let report = || Platform::new(EvidenceKind::Snp, at()).said(&ASKED);
    let refused = |provider: &'static str, said: Said| {
        let fake = Fake::new(provider, move |_, _| said.clone());
        (fake.ask().unwrap_err(), fake.asked.all().len())
    };
    let (error, times) = refused("arm_cca_guest", report());
    assert!(
        matches!(&error, TeeError::Unexpected { found, .. } if found.contains("arm_cca_guest"))
    );
    assert_eq!(times, 1);
    for (length, change) in [(1183, -1_i32), (1185, 1)] {
        let mut said = report();
        said.outblob.resize(usize::try_from(1184 + change).unwrap(), 0);
        let expected = TeeError::ReportLength { found: length, expected: 1184 };
        assert_eq!(refused("sev_guest", said), (expected, 1));
    }
    let (error, times) = refused("sev_guest", Said { auxblob: Some(vec![1; 24]), ..report() });
    assert!(matches!(error, TeeError::Table(_)), "{error}");
    assert_eq!(times, 1);
    let mut auxblob = report().auxblob.unwrap();
    let begin = auxblob.len() - 5;
    auxblob.truncate(begin);
    let (error, _) = refused("sev_guest", Said { auxblob: Some(auxblob), ..report() });
    assert!(matches!(error, TeeError::Table(_)), "{error}");
    let (error, times) = refused("tdx_guest", report());
    assert!(matches!(error, TeeError::Quote(_)), "{error:?}");
    assert_eq!(times, 1);
    let said = Said { outblob: vec![0; 64 * 1024 + 1], ..report() };
    let fake = Fake::new("sev_guest", move |_, _| said.clone());
    let error = fake.source().evidence(&ASKED).unwrap_err();
    assert!(matches!(error, TeeError::TooLarge { limit: 65_536, .. }), "{error}");
}

#[test]
fn certificates_come_from_a_file_where_the_host_gives_none() {
    let platform = Platform::new(EvidenceKind::Snp, at());
    let minted = platform.mint(&ASKED);
    let pem_text = certificates_pem(&minted.endorsements);
    let (leaf, above) = pem_text.split_at(pem_text.find("-----END").unwrap() + 26);
    let host = json!({"vcekCert": leaf, "certificateChain": above, "tcbm": "0"}).to_string();
    let bare = platform.clone();
    let fake = Fake::new("sev_guest", move |report_data, _| Said {
        auxblob: None,
        ..bare.said(report_data)
    });
    assert_eq!(snp(fake.ask().unwrap()).certificates(), None);
    let files = tempfile::tempdir().unwrap();
    let file = files.path().join("certificates");
    let mut source = fake.source().with_certificates(Some(file.clone()));
    let mut ask = || source.evidence(&ASKED);
    for text in [pem_text.clone(), host.clone(), base64url::encode_standard(&host)] {
        fs::write(&file, text).unwrap();
        let quote = snp(ask().unwrap());
        let found = pem::certificates(quote.certificates().unwrap().as_bytes(), 9).unwrap();
        assert_eq!(found, certificates(&minted.endorsements));
    }
    let without_chain = json!({"vcekCert": leaf}).to_string();
    for text in ["", "AAAA", "{}", "-----BEGIN", &without_chain, &"x".repeat(64 * 1024)] {
        fs::write(&file, text).unwrap();
        let error = ask().unwrap_err();
        assert!(matches!(error, TeeError::Certificates(_)), "{error}");
        assert!(error.to_string().contains(&file.display().to_string()), "{error}");
    }
    // Those that came along count first.
    let fake = Fake::of(EvidenceKind::Snp, "sev_guest");
    let mut source = fake.source().with_certificates(Some(file));
    assert!(source.evidence(&ASKED).is_ok());
}

#[test]
fn endorsements_of_the_utility_vm_go_along() {
    let fake = Fake::of(EvidenceKind::Snp, "sev_guest");
    let mut source = fake.source().with_uvm_endorsements(Some(vec![0xd2, 0x84]));
    let quote = snp(source.evidence(&ASKED).unwrap());
    let endorsements = quote.document()["Endorsements"].as_str().unwrap().to_owned();
    let endorsements: Value =
        serde_json::from_slice(&base64url::decode(&endorsements).unwrap()).unwrap();
    assert_eq!(endorsements, json!({"Uvm": [base64url::encode([0xd2, 0x84])]}));
}

#[test]
fn an_entry_that_is_there_already_is_used_and_stays() {
    let folder = tempfile::tempdir().unwrap();
    let entry = folder.path().join("entry");
    fs::create_dir(&entry).unwrap();
    let asked = Asked::default();
    let served = {
        let (entry, asked) = (entry.clone(), asked.clone());
        let platform = Platform::new(EvidenceKind::Snp, at());
        std::thread::spawn(move || {
            serve(&entry, "sev_guest", &|data, _| platform.said(data), &asked).unwrap();
        })
    };
    while !entry.join("inblob").exists() {
        std::thread::yield_now();
    }
    assert!(ConfigfsTsm::open(&entry).unwrap().evidence(&ASKED).is_ok());
    served.join().unwrap();
    assert!(entry.join("inblob").exists());
    assert_eq!(asked.all(), [ASKED]);
}

#[test]
fn what_processes_that_are_gone_left_is_removed_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let mut gone = std::process::Command::new("true").spawn().unwrap();
    gone.wait().unwrap();
    let name = |process: u32| format!("avouch-{process}-3");
    let left = [name(gone.id()), name(std::process::id()), "avouch-x".into(), "other-1".into()];
    for name in &left {
        fs::create_dir(folder.path().join(name)).unwrap();
    }
    ConfigfsTsm::open(folder.path()).unwrap();
    let there = left.map(|name| folder.path().join(name).exists());
    assert_eq!(there, [false, true, true, true]);
}

#[test]
fn a_folder_that_is_none_of_the_kernels_gives_nothing_and_keeps_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let error = ConfigfsTsm::open(folder.path()).unwrap().evidence(&ASKED).unwrap_err();
    assert!(matches!(&error, TeeError::Absent { reason, .. } if reason.contains("inblob")));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_folder_that_is_not_there_is_no_tee() {
    let error = ConfigfsTsm::open(Path::new("/nonexistent/tsm")).unwrap_err();
    assert!(matches!(&error, TeeError::Absent { source_name: "configfs-tsm", .. }), "{error}");
    assert!(error.to_string().contains("/nonexistent/tsm"), "{error}");
}
