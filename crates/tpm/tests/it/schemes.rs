//! Attestation keys on every curve, and what they sign.

use avouch_tpm::{
    AcceptableKey, AkRules, Attest, AttestationKey, Expected, HashAlgorithm, PcrMask, Public,
    QuoteError, Signature, SignatureError, verify_quote,
};
use avouch_wire::FailedCheck as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING,
    ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm, KeyPair as _,
};

/// A key that signs as a TPM's would.
struct Signer {
    pair: EcdsaKeyPair,
    hash: HashAlgorithm,
    curve: u16,
}

fn signers() -> [Signer; 3] {
    let of = |algorithm: &'static EcdsaSigningAlgorithm, hash, curve| Signer {
        pair: EcdsaKeyPair::generate(algorithm).unwrap(),
        hash,
        curve,
    };
    [
        of(&ECDSA_P256_SHA256_FIXED_SIGNING, HashAlgorithm::Sha256, 3),
        of(&ECDSA_P384_SHA384_FIXED_SIGNING, HashAlgorithm::Sha384, 4),
        of(&ECDSA_P521_SHA512_FIXED_SIGNING, HashAlgorithm::Sha512, 5),
    ]
}

fn sized(bytes: &[u8]) -> Vec<u8> {
    [&u16::try_from(bytes.len()).unwrap().to_be_bytes(), bytes].concat()
}

/// Without leading zeros, as some TPMs write numbers.
fn shortest(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    &number[zeros..]
}

impl Signer {
    fn public(&self, hash: HashAlgorithm) -> Public {
        let point = self.pair.public_key().as_ref();
        let (x, y) = point[1..].split_at(point.len() / 2);
        let mut public = vec![0x00, 0x23, 0x00, 0x0b, 0x00, 0x05, 0x00, 0x72, 0, 0, 0x00, 0x10];
        public
            .extend([[0x00, 0x18], hash.tpm_id().to_be_bytes(), self.curve.to_be_bytes()].concat());
        public.extend([0x00, 0x10]);
        public.extend(sized(shortest(x)));
        public.extend(sized(shortest(y)));
        Public::parse(&public).unwrap()
    }

    fn key(&self) -> AttestationKey {
        let public = self.public(self.hash);
        AcceptableKey::of(&public, AkRules::default()).unwrap().self_asserted()
    }

    /// `TPMT_SIGNATURE`, said to be over this hash.
    fn sign(&self, message: &[u8], said: HashAlgorithm) -> Vec<u8> {
        let signature = self.pair.sign(&SystemRandom::new(), message).unwrap();
        let (r, s) = signature.as_ref().split_at(signature.as_ref().len() / 2);
        let head = [[0x00, 0x18], said.tpm_id().to_be_bytes()].concat();
        [head, sized(shortest(r)), sized(shortest(s))].concat()
    }
}

/// A quote of nothing, whose digest is by this hash.
fn quote(hash: HashAlgorithm) -> Vec<u8> {
    let digest = hash.hash(&[]).unwrap();
    let head = [0xff, 0x54, 0x43, 0x47, 0x80, 0x18, 0, 0, 0, 1, 0x77];
    [head.as_slice(), &[0; 25], &[0; 4], &sized(digest.as_bytes())].concat()
}

fn judge(quote: &[u8], signature: &[u8], key: &AttestationKey) -> Result<(), QuoteError> {
    let expected = Expected { qualifying_data: &[0x77], required: PcrMask::NONE };
    let quote = Attest::parse(quote).unwrap();
    let signature = Signature::parse(signature).unwrap();
    verify_quote(&quote, &signature, key, expected, &[]).map(drop)
}

#[test]
fn a_key_on_each_curve_attests_and_another_of_its_curve_does_not() {
    for (signer, other) in signers().iter().zip(&signers()) {
        // Often enough that numbers with leading zeros come up.
        for _ in 0..40 {
            let quote = quote(signer.hash);
            let signature = signer.sign(&quote, signer.hash);
            judge(&quote, &signature, &signer.key()).unwrap();
            let error = judge(&quote, &signature, &other.key()).unwrap_err();
            assert_eq!(error.check(), "tpm-signature");
        }
    }
}

#[test]
fn a_signature_is_by_the_scheme_of_the_key_and_no_other() {
    for signer in &signers() {
        let quote = quote(signer.hash);
        for said in [HashAlgorithm::Sha1, HashAlgorithm::Sha256, HashAlgorithm::Sha512] {
            if said == signer.hash {
                continue;
            }
            let error = judge(&quote, &signer.sign(&quote, said), &signer.key()).unwrap_err();
            assert_eq!(error.check(), "tpm-signature-scheme");
            // Where no public area is known the scheme must be strong, and then hold.
            let bare = AttestationKey::self_asserted(signer.key().public_key(), AkRules::default());
            let error = judge(&quote, &signer.sign(&quote, said), &bare.unwrap()).unwrap_err();
            let is_weak = said == HashAlgorithm::Sha1;
            let refused = matches!(error, QuoteError::Signature(SignatureError::Scheme { .. }));
            assert_eq!(refused, is_weak, "{error}");
        }
    }
}

#[test]
fn a_signature_by_a_key_of_another_kind_is_refused_and_stops_nothing() {
    let [p256, p384, _] = signers();
    let quote = quote(HashAlgorithm::Sha256);
    let bare = AttestationKey::self_asserted(p384.key().public_key(), AkRules::default()).unwrap();
    let ecdsa = p256.sign(&quote, HashAlgorithm::Sha256);
    assert_eq!(judge(&quote, &ecdsa, &bare).unwrap_err().check(), "tpm-signature");
    // An RSA signature under an elliptic key.
    let rsa = [[0x00, 0x14, 0x00, 0x0b].as_slice(), &sized(&[1; 256])].concat();
    assert_eq!(judge(&quote, &rsa, &bare).unwrap_err().check(), "tpm-signature-scheme");
}
