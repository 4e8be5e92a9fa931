//! NIST's Public Key Interoperability Test Suite: every path that should be refused is refused, and
//! every valid one accepted, but for those that `exceptions.rs` names with the reason.
//!
//! The suite comes from a package (`cargo xtask pkits`); its `PKITS_data` folder is named by
//! `AVOUCH_PKITS`. Each test of the suite is a certificate whose name says what must come of it; the
//! paths to it are found here by the names of issuers, and one that holds is enough. A CRL of each
//! issuer is required.
#![cfg(test)]

mod exceptions;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use avouch_pki::{
    Certificate, Crl, Issuer, Role, TrustAnchor, VerifiedCertificate, verify_crl, verify_issued,
};
use avouch_wire::UnixTime;
use exceptions::EXCEPTIONS;

/// 2020-09-13T12:26:40Z, in the middle of the suite's validity.
const AT: UnixTime = UnixTime::EPOCH.saturating_add_seconds(1_600_000_000);
/// The suite's longest path has six certificates.
const DEPTH_MAX: usize = 7;

struct Suite {
    anchor: TrustAnchor,
    certificates: BTreeMap<String, Certificate>,
    crls: Vec<Crl>,
}

/// What is refused when it is read is on no path.
fn read<T>(
    folder: &Path,
    parse: impl Fn(&[u8]) -> Option<T>,
) -> (BTreeMap<String, T>, Vec<String>) {
    let (mut read, mut refused) = (BTreeMap::new(), Vec::new());
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        match parse(&std::fs::read(&path).unwrap()) {
            Some(found) => drop(read.insert(name, found)),
            None => refused.push(name),
        }
    }
    (read, refused)
}

fn folder() -> Option<PathBuf> {
    let Some(folder) = std::env::var_os("AVOUCH_PKITS").map(PathBuf::from) else {
        assert!(
            std::env::var_os("AVOUCH_PKITS_REQUIRED").is_none(),
            "the suite is required, yet AVOUCH_PKITS does not name its folder"
        );
        println!("skipped: AVOUCH_PKITS does not name the folder of the suite");
        return None;
    };
    Some(folder)
}

impl Suite {
    /// Whether some path from the anchor to this certificate holds.
    fn accepts(&self, target: &Certificate) -> bool {
        let role = if target.is_ca() { Role::Ca } else { Role::Leaf };
        self.verified(target, role, 1).next().is_some()
    }

    /// Every way to verify a certificate.
    fn verified<'a>(
        &'a self,
        certificate: &'a Certificate,
        role: Role,
        depth: usize,
    ) -> Box<dyn Iterator<Item = VerifiedCertificate> + 'a> {
        let below_anchor = self.judge(certificate, (&self.anchor).into(), role);
        let issuers = self
            .certificates
            .values()
            .filter(move |one| depth < DEPTH_MAX && one.subject() == certificate.issuer())
            .filter(move |one| one.der() != certificate.der());
        let below_others = issuers
            .flat_map(move |one| self.verified(one, Role::Ca, depth.saturating_add(1)))
            .filter_map(move |above| self.judge(certificate, (&above).into(), role));
        Box::new(below_anchor.into_iter().chain(below_others))
    }

    /// One link: issued, and on none of the issuer's CRLs, of which there is at least one.
    fn judge(
        &self,
        certificate: &Certificate,
        issuer: Issuer<'_>,
        role: Role,
    ) -> Option<VerifiedCertificate> {
        let verified = verify_issued(certificate, issuer, role, AT).ok()?;
        let lists: Vec<_> =
            self.crls.iter().filter_map(|crl| verify_crl(crl, issuer, AT).ok()).collect();
        let revoked = lists.iter().any(|list| list.is_revoked(certificate.serial()));
        (!lists.is_empty() && !revoked).then_some(verified)
    }
}

#[test]
fn every_path_of_the_suite_is_judged_as_it_should_be() {
    let Some(folder) = folder() else { return };
    let (certificates, unread) = read(&folder.join("certs"), |der| Certificate::parse(der).ok());
    let (crls, _) = read(&folder.join("crls"), |der| Crl::parse(der).ok());
    let anchor = certificates.get("TrustAnchorRootCertificate").unwrap();
    let suite = Suite {
        anchor: TrustAnchor::from_certificate("PKITS", anchor),
        certificates: certificates.clone(),
        crls: crls.into_values().collect(),
    };
    let is_test = |name: &&String| name.contains("Test") && name.ends_with("EE");
    let names: Vec<&String> = certificates.keys().chain(&unread).filter(is_test).collect();
    assert!(names.len() >= 220, "{} tests", names.len());

    let mut wrong = Vec::new();
    let excepted: Vec<&str> = EXCEPTIONS.iter().flat_map(|group| group.tests).copied().collect();
    for name in &names {
        let accepted = suite.certificates.get(*name).is_some_and(|target| suite.accepts(target));
        // Those whose names say nothing are about policies: valid as long as none are demanded.
        let valid = !name.starts_with("Invalid");
        if accepted != (valid && !excepted.contains(&name.as_str())) {
            wrong.push(format!("{name} is {}", if accepted { "accepted" } else { "refused" }));
        }
    }
    for listed in excepted {
        if !names.iter().any(|name| *name == listed) || listed.starts_with("Invalid") {
            wrong.push(format!("{listed} is listed, yet is no valid path of the suite"));
        }
    }
    assert!(EXCEPTIONS.iter().all(|group| !group.reason.is_empty()));
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}
