//! What errors speak of has one name each, in words.

use avouch_dcap::{CertificateRole, ChainName, CrlName, Dated, DocumentName, TcbMoment, TcbPart};

#[test]
fn everything_that_errors_speak_of_has_its_own_words() {
    for (found, words) in [
        (ChainName::Pck.to_string(), "PCK chain"),
        (ChainName::PckCrlIssuer.to_string(), "PCK CRL issuer chain"),
        (ChainName::TcbInfoIssuer.to_string(), "TCB info issuer chain"),
        (ChainName::QeIdentityIssuer.to_string(), "QE identity issuer chain"),
        (CertificateRole::PckLeaf.to_string(), "PCK certificate"),
        (CertificateRole::PckCa.to_string(), "PCK CA certificate"),
        (CertificateRole::TcbSigner.to_string(), "TCB signing certificate"),
        (CertificateRole::Root.to_string(), "root certificate"),
        (CrlName::RootCa.to_string(), "root CA CRL"),
        (CrlName::Pck.to_string(), "PCK CRL"),
        (DocumentName::TcbInfo.to_string(), "TCB info"),
        (DocumentName::QeIdentity.to_string(), "QE identity"),
        (TcbPart::Platform.to_string(), "platform"),
        (TcbPart::TdxModule.to_string(), "TDX module"),
        (TcbPart::QuotingEnclave.to_string(), "quoting enclave"),
        (TcbMoment::Launch.to_string(), "launch"),
        (TcbMoment::Current.to_string(), "current"),
        (Dated::Certificate(CertificateRole::PckCa).to_string(), "PCK CA certificate"),
        (Dated::Crl(CrlName::Pck).to_string(), "PCK CRL"),
        (Dated::Document(DocumentName::TcbInfo).to_string(), "TCB info"),
    ] {
        assert_eq!(found, words);
    }
}
