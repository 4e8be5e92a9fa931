//! Credentials that real TPMs opened, and credentials of our own.

use avouch_tpm::{
    ActivationSecret, Credential, CredentialError, EkPrivateKey, EndorsementKey, HashAlgorithm,
    Name, Public, TrustAnchors, activate_credential, make_credential, open_with_seed,
    verify_ek_certificate,
};
use avouch_wire::FailedCheck as _;
use aws_lc_rs::agreement::{self, PrivateKey};
use aws_lc_rs::encoding::{AsBigEndian, AsDer, EcPrivateKeyBin, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::KeyPair as _;

use super::recordings::{absent, moment, public, read};

const LOW_RANGE: u32 = 0x0003_00b2;

/// `TPMT_PUBLIC` of an endorsement key in the TCG's templates, with AES of this length.
fn template(hash: HashAlgorithm, cipher_bits: u16, attributes: u32, key: &[u8]) -> Vec<u8> {
    let is_rsa = key.first() == Some(&0);
    let kind: u16 = if is_rsa { 0x0001 } else { 0x0023 };
    let mut out = [kind.to_be_bytes(), hash.tpm_id().to_be_bytes()].concat();
    out.extend(attributes.to_be_bytes());
    out.extend([0, 0, 0x00, 0x06]);
    out.extend(cipher_bits.to_be_bytes());
    out.extend([0x00, 0x43, 0x00, 0x10]);
    out.extend(key.get(1..).unwrap());
    out
}

/// What follows the scheme, led by 0.
fn rsa_key(modulus: &[u8]) -> Vec<u8> {
    let length = u16::try_from(modulus.len()).unwrap();
    [&[0], (length * 8).to_be_bytes().as_slice(), &[0; 4], &length.to_be_bytes(), modulus].concat()
}

/// What follows the scheme, led by 1.
fn ecc_key(curve: u16, point: &[u8]) -> Vec<u8> {
    let (x, y) = point[1..].split_at((point.len() - 1) / 2);
    let length = u16::try_from(x.len()).unwrap().to_be_bytes();
    [&[1], curve.to_be_bytes().as_slice(), &[0x00, 0x10], &length, x, &length, y].concat()
}

fn ak_name() -> Name {
    Name::from_hex(&format!("000b{}", "5a".repeat(32))).unwrap()
}

fn counting() -> impl FnMut(&mut [u8]) -> bool {
    let mut next = 0_u8;
    move |bytes| {
        for byte in bytes {
            *byte = next;
            next = next.wrapping_add(1);
        }
        true
    }
}

/// An endorsement key of each kind, with its private part.
fn own_keys() -> Vec<(Public, EkPrivateKey)> {
    let rsa = KeyPair::generate(KeySize::Rsa2048).unwrap();
    let pkcs8 = AsDer::<Pkcs8V1Der<'_>>::as_der(&rsa).unwrap().as_ref().to_vec();
    let modulus = rsa.public_key().modulus().big_endian_without_leading_zero().to_vec();
    let rsa = template(HashAlgorithm::Sha256, 128, LOW_RANGE, &rsa_key(&modulus));
    let mut keys = vec![(Public::parse(&rsa).unwrap(), EkPrivateKey::Rsa(pkcs8))];
    for (algorithm, curve, hash, cipher) in [
        (&agreement::ECDH_P256, 3, HashAlgorithm::Sha256, 128),
        (&agreement::ECDH_P384, 4, HashAlgorithm::Sha384, 256),
        (&agreement::ECDH_P521, 5, HashAlgorithm::Sha512, 256),
    ] {
        let private = PrivateKey::generate(algorithm).unwrap();
        let point = private.compute_public_key().unwrap();
        let scalar: EcPrivateKeyBin<'_> = private.as_be_bytes().unwrap();
        let public = template(hash, cipher, LOW_RANGE, &ecc_key(curve, point.as_ref()));
        let scalar = EkPrivateKey::Elliptic(scalar.as_ref().to_vec());
        keys.push((Public::parse(&public).unwrap(), scalar));
    }
    keys
}

#[test]
fn a_credential_opens_in_its_tpm_for_its_key_only() {
    let keys = own_keys();
    for (index, (public, private)) in keys.iter().enumerate() {
        let ek = EndorsementKey::untrusted(public).unwrap();
        let secret = [7; 32];
        let made = make_credential(&ek, &ak_name(), &secret, &mut counting()).unwrap();
        let opened = activate_credential(&ek, private, &ak_name(), &made).unwrap();
        assert_eq!(opened, secret);

        let other = Name::from_hex(&format!("000b{}", "5b".repeat(32))).unwrap();
        let error = activate_credential(&ek, private, &other, &made).unwrap_err();
        assert_eq!(error, CredentialError::Integrity, "another key of the same TPM");
        let (_, wrong) = &keys[(index + 1) % keys.len()];
        assert!(activate_credential(&ek, wrong, &ak_name(), &made).is_err(), "another TPM");
        for position in 2..made.id_object.len() {
            let mut changed = made.clone();
            changed.id_object[position] ^= 1;
            assert!(activate_credential(&ek, private, &ak_name(), &changed).is_err());
        }
        let mut longer = made.clone();
        longer.id_object.push(0);
        let error = activate_credential(&ek, private, &ak_name(), &longer).unwrap_err();
        assert_eq!(error.check(), "credential-structure");
    }
}

#[test]
fn a_secret_is_neither_empty_nor_longer_than_a_digest() {
    let (public, _) = &own_keys()[1];
    let ek = EndorsementKey::untrusted(public).unwrap();
    for secret in [[].as_slice(), &[1; 33]] {
        let error = make_credential(&ek, &ak_name(), secret, &mut counting()).unwrap_err();
        assert_eq!(error.check(), "credential-secret-length");
    }
    let error = make_credential(&ek, &ak_name(), &[1], &mut |_: &mut [u8]| false).unwrap_err();
    assert_eq!(error, CredentialError::Provider("no randomness"));
}

#[test]
fn a_key_without_an_endorsement_keys_attributes_gets_no_credential() {
    let modulus = {
        let rsa = KeyPair::generate(KeySize::Rsa2048).unwrap();
        rsa.public_key().modulus().big_endian_without_leading_zero().to_vec()
    };
    let of = |bits: u16, attributes: u32| {
        let public = template(HashAlgorithm::Sha256, bits, attributes, &rsa_key(&modulus));
        EndorsementKey::untrusted(&Public::parse(&public).unwrap()).map(drop)
    };
    of(128, LOW_RANGE).unwrap();
    for missing in [1 << 1, 1 << 4, 1 << 5, 1 << 16, 1 << 17] {
        let error = of(128, LOW_RANGE & !missing).unwrap_err();
        assert_eq!(error.check(), "credential-ek", "without {missing:#x}");
    }
    assert_eq!(of(128, LOW_RANGE | 1 << 18).unwrap_err().check(), "credential-ek");
    assert_eq!(of(192, LOW_RANGE).unwrap_err().check(), "credential-ek");
}

#[test]
fn blobs_that_a_real_tpm_opened_open_with_their_seed() {
    if absent() {
        return;
    }
    for (kind, ak) in [("rsa2048", "ak-rsassa"), ("p256", "ak-p256")] {
        let ek = public(&format!("produced/tpm/ek-{kind}.tpm2b_public"));
        let ek = EndorsementKey::untrusted(&ek).unwrap();
        let ak = public(&format!("produced/tpm/{ak}.tpm2b_public"));
        let seed = read(&format!("produced/tpm/cred-{kind}.seed"));
        let object = read(&format!("produced/tpm/cred-{kind}.idobject"));
        let secret = open_with_seed(&ek, &seed, ak.name(), &object).unwrap();
        assert_eq!(secret, read("produced/tpm/cred-secret"));
        let other = public("produced/boot-keys/ak-rsa.tpm2b_public");
        let error = open_with_seed(&ek, &seed, other.name(), &object).unwrap_err();
        assert_eq!(error, CredentialError::Integrity);
    }
}

#[test]
fn only_the_key_in_the_certificate_is_trusted_with_a_credential() {
    if absent() {
        return;
    }
    let folder = "maa/transcript-certify";
    let roots = TrustAnchors::none()
        .with_file(&read(&format!("{folder}/ek-root-ca.pem")))
        .unwrap()
        .with_intermediates(&read(&format!("{folder}/ek-issuing-ca.pem")))
        .unwrap();
    let at = moment("2026-11-29T00:00:00Z");
    let der = read(&format!("{folder}/ek.cert.der"));
    let certificate = verify_ek_certificate(&der, &[], &roots, at).unwrap();
    let ek = public(&format!("{folder}/ek.tpm2b_public"));
    let own = EndorsementKey::certified(&certificate, &ek).unwrap();
    let other = public("produced/tpm/ek-rsa2048.tpm2b_public");
    let error = EndorsementKey::certified(&certificate, &other).unwrap_err();
    assert_eq!(error.check(), "credential-ek-certificate");

    let ak = public(&format!("{folder}/ak.tpm2b_public"));
    let secret = read(&format!("{folder}/cred-secret"));
    let waiting = ActivationSecret::new(&own, ak.name(), &secret).unwrap();
    assert_eq!(waiting.check(&secret).unwrap().ak_name(), ak.name());
    for wrong in [&secret[..31], &[], &[0; 32]] {
        assert_eq!(waiting.check(wrong).unwrap_err().check(), "credential-answer");
    }
    let unproven = EndorsementKey::untrusted(&ek).unwrap();
    let error = ActivationSecret::new(&unproven, ak.name(), &secret).err().unwrap();
    assert_eq!(error.check(), "credential-not-certified");
    // The recorded blobs are whole structures.
    let made = Credential {
        id_object: read(&format!("{folder}/cred.idobject")),
        encrypted_secret: read(&format!("{folder}/cred.encsecret")),
    };
    assert_eq!((made.id_object.len(), made.encrypted_secret.len()), (70, 258));
}
