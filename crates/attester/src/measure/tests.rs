use avouch_pki::digest::sha256_of_parts;
use avouch_tpm::{BankSelection, Credential, HashAlgorithm, PcrValue};

use super::{MeasureError, measure};
use crate::{
    Attestation, Certification, Endorsement, KeySource, PcrChoice, Tpm, TpmError, WrappedKey,
};

/// A TPM whose PCRs change so many times after they were read, and which quotes what it is told to.
struct Moving {
    changes_left: u32,
    state: u8,
    /// Bank and PCRs that it lacks.
    lacks: Option<u8>,
    /// It quotes this bitmap whatever was asked for.
    quotes: Option<u32>,
}

impl Moving {
    const fn new(changes_left: u32) -> Self {
        Self { changes_left, state: 1, lacks: None, quotes: None }
    }

    fn values(&self, selection: &[BankSelection]) -> Vec<PcrValue> {
        let of_bank = |bank: &BankSelection| {
            let (bank, pcrs) = (bank.bank, bank.pcrs);
            let kept = pcrs.iter().filter(|pcr| Some(*pcr) != self.lacks);
            let value = move |pcr: u8| {
                let digest = vec![self.state.wrapping_add(pcr); bank.digest_length()];
                PcrValue { bank, index: pcr.into(), digest }
            };
            kept.map(value).collect::<Vec<_>>()
        };
        selection.iter().flat_map(of_bank).collect()
    }
}

impl Tpm for Moving {
    fn endorsement(&mut self, _: Option<&[u8]>) -> Result<Endorsement, TpmError> {
        Err(TpmError::NoEkCertificate)
    }

    fn create_attestation_key(&mut self) -> Result<WrappedKey, TpmError> {
        Err(TpmError::NoAttestationKey)
    }

    fn use_attestation_key(&mut self, _: &KeySource) -> Result<Vec<u8>, TpmError> {
        Err(TpmError::NoAttestationKey)
    }

    fn activate_credential(&mut self, _: &Credential) -> Result<Vec<u8>, TpmError> {
        Err(TpmError::NoAttestationKey)
    }

    fn read_pcrs(&mut self, selection: &[BankSelection]) -> Result<Vec<PcrValue>, TpmError> {
        let values = self.values(selection);
        if let Some(left) = self.changes_left.checked_sub(1) {
            self.changes_left = left;
            self.state = self.state.wrapping_add(1);
        }
        Ok(values)
    }

    fn quote(&mut self, data: &[u8], selection: &[BankSelection]) -> Result<Attestation, TpmError> {
        let values = self.values(selection);
        let parts: Vec<&[u8]> = values.iter().map(|value| value.digest.as_slice()).collect();
        let mut attest = [0xff, b'T', b'C', b'G', 0x80, 0x18, 0, 0].to_vec();
        attest.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
        attest.extend(data);
        attest.extend([0; 25]);
        attest.extend(u32::try_from(selection.len()).unwrap().to_be_bytes());
        for BankSelection { bank, pcrs } in selection {
            attest.extend(bank.tpm_id().to_be_bytes());
            attest.push(4);
            attest.extend(self.quotes.unwrap_or(pcrs.bits()).to_le_bytes());
        }
        attest.extend([0, 32]);
        attest.extend(sha256_of_parts(&parts).0);
        Ok(Attestation { attest, signature: vec![1] })
    }

    fn certify(&mut self, _: u32, _: &[u8]) -> Result<Certification, TpmError> {
        Err(TpmError::NoAttestationKey)
    }
}

fn choice(text: &str) -> PcrChoice {
    text.parse().unwrap()
}

#[test]
fn values_that_change_after_they_are_read_are_read_again() {
    for changes in [0, 1, 15] {
        let mut tpm = Moving::new(changes);
        let measured = measure(&mut tpm, b"data", &choice("sha256:0-2+sha1:7")).unwrap();
        assert_eq!(measured.values, tpm.values(choice("sha256:0-2+sha1:7").banks()));
        let banks: Vec<_> = measured.values.iter().map(|value| (value.bank, value.index)).collect();
        let sha256 = HashAlgorithm::Sha256;
        assert_eq!(banks, [(sha256, 0), (sha256, 1), (sha256, 2), (HashAlgorithm::Sha1, 7)]);
    }
}

#[test]
fn values_that_never_stand_still_are_given_up() {
    let error = measure(&mut Moving::new(16), b"data", &choice("sha256:all")).unwrap_err();
    assert_eq!(error, MeasureError::Moving { attempts: 16 });
}

#[test]
fn a_bank_that_the_tpm_does_not_have_is_told() {
    let mut tpm = Moving { lacks: Some(7), ..Moving::new(0) };
    let error = measure(&mut tpm, b"data", &choice("sha384:0-7")).unwrap_err();
    assert_eq!(error, MeasureError::Bank { bank: HashAlgorithm::Sha384, expected: 8, found: 7 });
}

#[test]
fn a_quote_over_other_pcrs_is_refused() {
    let mut tpm = Moving { quotes: Some(0b10), ..Moving::new(0) };
    let error = measure(&mut tpm, b"data", &choice("sha256:0")).unwrap_err();
    assert_eq!(error, MeasureError::Selection);
}
