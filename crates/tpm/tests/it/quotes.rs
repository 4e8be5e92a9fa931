//! Recorded quotes: what each gives, and what is refused beside it.

use avouch_pki::PublicKey;
use avouch_tpm::{
    AcceptableKey, AkError, AkRules, Attest, AttestError, AttestationKey, Attested, Expected,
    HashAlgorithm, Hierarchy, PcrMask, PcrValue, Public, QuoteError, Signature, SignatureError,
    Standing, VerifiedQuote, qualified_name, verify_certify, verify_quote,
};
use avouch_wire::FailedCheck as _;
use avouch_wire::decode_hex;
use serde_json::Value;

use super::recordings::{
    absent, attest, base64, files, hex, json, key, public, read, selected, signature, text, values,
};

fn expected(qualifying_data: &[u8]) -> Expected<'_> {
    Expected { qualifying_data, required: PcrMask::NONE }
}

/// A quote of a folder: its parts by file name, and the file with its nonce.
struct Recorded {
    key: AttestationKey,
    quote: Attest,
    signature: Signature,
    values: Vec<PcrValue>,
    nonce: Vec<u8>,
}

impl Recorded {
    fn new(key_path: &str, folder: &str, name: &str) -> Self {
        let quote = attest(&format!("{folder}/{name}.attest"));
        Self {
            key: key(key_path),
            signature: signature(&format!("{folder}/{name}.sig")),
            values: values(&format!("{folder}/pcrs.yaml"), &quote),
            nonce: hex(&format!("{folder}/nonce.hex")),
            quote,
        }
    }

    fn verify(&self) -> Result<VerifiedQuote, QuoteError> {
        verify_quote(&self.quote, &self.signature, &self.key, expected(&self.nonce), &self.values)
    }
}

const BOOTS: [&str; 4] =
    ["boot-sb-on", "boot-sb-off", "boot-sb-on-ima-keys", "boot-sb-on-mok-insecure"];

/// Every quote of the lab with the key that signed it.
fn lab() -> Vec<Recorded> {
    let mut all = Vec::new();
    for boot in BOOTS {
        let folder = format!("produced/{boot}");
        for key in ["rsa", "p256"] {
            let path = format!("produced/boot-keys/ak-{key}.tpm2b_public");
            all.push(Recorded::new(&path, &folder, &format!("quote-{key}")));
        }
    }
    for (key, quote) in
        [("ak-rsassa", "quote-rsassa"), ("ak-rsassa", "quote-2banks"), ("ak-p256", "quote-p256")]
    {
        let path = format!("produced/tpm/{key}.tpm2b_public");
        all.push(Recorded::new(&path, "produced/tpm", quote));
    }
    for folder in files("attacks") {
        let number: u32 = folder.split(['/', '-']).nth(1).unwrap().parse().unwrap_or(u32::MAX);
        let key = match number {
            0..10 => "produced/boot-keys/ak-rsa.tpm2b_public",
            10..100 => "attacks/keys-b/ak.tpm2b_public",
            _ => continue,
        };
        all.push(Recorded::new(key, &folder, "quote"));
    }
    all
}

#[test]
fn every_quote_of_the_lab_gives_the_values_that_the_tpm_had() {
    if absent() {
        return;
    }
    let all = lab();
    assert_eq!(all.len(), 8 + 3 + 29);
    for recorded in all {
        let verified = recorded.verify().unwrap();
        for PcrValue { bank, index, digest } in &recorded.values {
            let pcr = u8::try_from(*index).unwrap();
            assert_eq!(verified.value(*bank, pcr), Some(digest.as_slice()));
        }
        let count: usize = verified.banks().map(|(_, values)| values.len()).sum();
        assert_eq!(count, recorded.values.len());
        assert_eq!(verified.standing(), Standing::SelfAsserted);
    }
}

#[test]
fn a_quote_is_refused_by_the_first_check_that_does_not_hold() {
    if absent() {
        return;
    }
    let name = |change: fn(&mut Recorded)| {
        let folder = "produced/boot-sb-on";
        let path = "produced/boot-keys/ak-rsa.tpm2b_public";
        let mut recorded = Recorded::new(path, folder, "quote-rsa");
        change(&mut recorded);
        recorded.verify().map(drop).map_err(|error| error.check())
    };
    assert_eq!(name(|_| {}), Ok(()));
    assert_eq!(name(|quote| quote.nonce.push(0)), Err("tpm-qualifying-data"), "longer");
    assert_eq!(name(|quote| quote.nonce.truncate(31)), Err("tpm-qualifying-data"), "a prefix");
    assert_eq!(name(|quote| quote.nonce.clear()), Err("tpm-qualifying-data"), "none");
    assert_eq!(name(|quote| drop(quote.values.pop())), Err("tpm-pcr-missing"));
    let twice = |quote: &mut Recorded| quote.values.push(quote.values[3].clone());
    assert_eq!(name(twice), Err("tpm-pcr-twice"));
    let other_bank = |quote: &mut Recorded| {
        let digest = vec![0; 48];
        quote.values.push(PcrValue { bank: HashAlgorithm::Sha384, index: 0, digest });
    };
    assert_eq!(name(other_bank), Err("tpm-pcr-not-selected"));
    assert_eq!(name(|quote| quote.values[3].index = 24), Err("tpm-pcr-not-selected"));
    assert_eq!(name(|quote| quote.values[3].digest.truncate(7)), Err("tpm-pcr-length"));
    assert_eq!(name(|quote| quote.values[3].digest[0] ^= 1), Err("tpm-pcr-digest"));
    let swapped = |quote: &mut Recorded| {
        let first = quote.values[4].digest.clone();
        quote.values[4].digest = std::mem::replace(&mut quote.values[5].digest, first);
    };
    assert_eq!(name(swapped), Err("tpm-pcr-digest"));
    let reversed = |quote: &mut Recorded| quote.values.reverse();
    assert_eq!(name(reversed), Ok(()), "values are sorted, however they are listed");
    let other_key = |quote: &mut Recorded| quote.key = key("produced/tpm/ak-rsassa.tpm2b_public");
    assert_eq!(name(other_key), Err("tpm-signature"));
    let elliptic =
        |quote: &mut Recorded| quote.key = key("produced/boot-keys/ak-p256.tpm2b_public");
    assert_eq!(name(elliptic), Err("tpm-signature-scheme"), "an RSA signature under an ECC key");
    let moved = |quote: &mut Recorded| {
        quote.key = quote.key.clone().standing_at(vec![0; 34]);
    };
    assert_eq!(name(moved), Err("tpm-qualified-signer"));
}

#[test]
fn every_changed_bit_of_a_quote_or_its_signature_is_refused() {
    if absent() {
        return;
    }
    let recorded = Recorded::new("produced/tpm/ak-p256.tpm2b_public", "produced/tpm", "quote-p256");
    let quote = read("produced/tpm/quote-p256.attest");
    for bit in 0..quote.len() * 8 {
        let mut changed = quote.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        let Ok(quote) = Attest::parse(&changed) else { continue };
        let expected = expected(&recorded.nonce);
        let (signature, values) = (&recorded.signature, &recorded.values);
        assert!(verify_quote(&quote, signature, &recorded.key, expected, values).is_err());
    }
    let bytes = read("produced/tpm/quote-p256.sig");
    for bit in 0..bytes.len() * 8 {
        let mut changed = bytes.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        let Ok(signature) = Signature::parse(&changed) else { continue };
        let expected = expected(&recorded.nonce);
        let (quote, values) = (&recorded.quote, &recorded.values);
        assert!(verify_quote(quote, &signature, &recorded.key, expected, values).is_err());
    }
}

#[test]
fn a_quote_covers_what_is_required_in_a_strong_bank() {
    if absent() {
        return;
    }
    let recorded =
        Recorded::new("produced/tpm/ak-rsassa.tpm2b_public", "produced/tpm", "quote-2banks");
    let verify = |required: &[u8]| {
        let required = PcrMask::of(required).unwrap();
        let expected = Expected { qualifying_data: &recorded.nonce, required };
        let (quote, values) = (&recorded.quote, &recorded.values);
        verify_quote(quote, &recorded.signature, &recorded.key, expected, values)
    };
    let selection = verify(&[]).unwrap().selection().clone();
    let strong: Vec<u8> = selection.of(HashAlgorithm::Sha256).iter().collect();
    assert!(!strong.is_empty());
    verify(&strong).unwrap();
    let absent: Vec<u8> = (0..24).filter(|pcr| !strong.contains(pcr)).collect();
    if let Some(pcr) = absent.first() {
        let error = verify(&[*pcr]).unwrap_err();
        assert!(matches!(error, QuoteError::NotCovered { missing } if missing.contains(*pcr)));
    }
}

#[test]
fn another_attestation_is_no_quote() {
    if absent() {
        return;
    }
    for name in ["time", "key-certify"] {
        let quote = attest(&format!("produced/tpm/{name}.attest"));
        let signature = signature(&format!("produced/tpm/{name}.sig"));
        let key = key("produced/tpm/ak-rsassa.tpm2b_public");
        let nonce = quote.untrusted_extra_data().to_vec();
        let error = verify_quote(&quote, &signature, &key, expected(&nonce), &[]).unwrap_err();
        assert!(matches!(error, QuoteError::Attest(AttestError::Type { .. })), "{name}: {error}");
    }
}

/// A tool wrote its own challenge into the certification.
#[test]
fn the_labs_certified_key_answers_no_challenge_but_the_tools() {
    if absent() {
        return;
    }
    let certification = attest("produced/tpm/key-certify.attest");
    let signature = signature("produced/tpm/key-certify.sig");
    let ak = key("produced/tpm/ak-rsassa.tpm2b_public");
    let certified = public("produced/tpm/key.tpm2b_public");
    let verify = |challenge: &[u8], key: &AttestationKey, public: &Public| {
        verify_certify(&certification, &signature, key, challenge, public, None)
            .map(|certified| certified.attributes.0)
            .map_err(|error| error.check())
    };
    let own = [0, 0xff, 0x55, 0xaa];
    assert_eq!(verify(&own, &ak, &certified), Ok(0x0004_0072));
    let nonce = hex("produced/tpm/nonce.hex");
    for challenge in [nonce.as_slice(), &[], &own[..3], b"\0\xff\x55\xaa\0"] {
        assert_eq!(verify(challenge, &ak, &certified), Err("tpm-qualifying-data"), "{challenge:?}");
    }
    let other = public("produced/tpm/ek-rsa2048.tpm2b_public");
    assert_eq!(verify(&own, &ak, &other), Err("tpm-certified-name"));
    let other = key("produced/boot-keys/ak-rsa.tpm2b_public");
    assert_eq!(verify(&own, &other, &certified), Err("tpm-signature"));
}

#[test]
fn a_key_that_signs_anything_attests_nothing_however_well_it_signs() {
    if absent() {
        return;
    }
    let public = public("produced/tpm/fakeak.tpm2b_public");
    let error = AcceptableKey::of(&public, AkRules::default()).unwrap_err();
    assert_eq!(error.check(), "ak-restricted");
    // The signature itself holds: only the rule stands between the forgery and a verdict.
    let bare = AttestationKey::self_asserted(public.key(), AkRules::default()).unwrap();
    let quote = attest("produced/tpm/forged.attest");
    let nonce = quote.untrusted_extra_data().to_vec();
    let signature = signature("produced/tpm/forged.sig");
    let error = verify_quote(&quote, &signature, &bare, expected(&nonce), &[]).err();
    assert!(!matches!(error, Some(QuoteError::Signature(_))), "{error:?}");
}

#[test]
fn names_and_qualified_names_are_those_that_the_tpm_gave() {
    if absent() {
        return;
    }
    for (folder, ek, aks) in [
        ("produced/tpm", "ek-rsa2048", ["ak-rsassa", "ak-p256"].as_slice()),
        ("attacks/keys-b", "ek", &["ak"]),
        ("maa/transcript-certify", "ek", &["ak"]),
    ] {
        let ek = public(&format!("{folder}/{ek}.tpm2b_public"));
        let place = qualified_name(&Hierarchy::Endorsement.qualified_name(), ek.name()).unwrap();
        for ak in aks {
            let public = public(&format!("{folder}/{ak}.tpm2b_public"));
            assert_eq!(public.name().as_bytes(), read(&format!("{folder}/{ak}.name")));
            let place = qualified_name(&place, public.name()).unwrap();
            assert_eq!(place, read(&format!("{folder}/{ak}.qname")), "{folder}/{ak}");
        }
    }
    for name in ["ak-rsa", "ak-p256"] {
        let public = public(&format!("produced/boot-keys/{name}.tpm2b_public"));
        assert_eq!(public.name().as_bytes(), read(&format!("produced/boot-keys/{name}.name")));
    }
    let key = public("keylime/ak.pub");
    assert_eq!(key.name().as_bytes(), read("keylime/ak.name"));
}

#[test]
fn windows_sha1_key_attests_only_where_that_is_allowed() {
    if absent() {
        return;
    }
    let evidence = json("windows/windows_gcp_shielded_vm.json");
    let public = Public::parse(&base64(&evidence["AK"]["Public"])).unwrap();
    let refused = AcceptableKey::of(&public, AkRules::default()).unwrap_err();
    assert!(matches!(refused, AkError::WeakScheme { .. }), "{refused}");
    let rules = AkRules { refuse_sha1: false };
    let key = AcceptableKey::of(&public, rules).unwrap().self_asserted();
    let quote = Attest::parse(&base64(&evidence["Quote"]["Quote"])).unwrap();
    let signature = Signature::parse(&base64(&evidence["Quote"]["Signature"])).unwrap();
    let value = |value: &Value| PcrValue {
        bank: HashAlgorithm::Sha1,
        index: value["Index"].as_u64().unwrap().try_into().unwrap(),
        digest: base64(&value["Digest"]),
    };
    let all: Vec<_> = evidence["Log"]["PCRs"].as_array().unwrap().iter().map(value).collect();
    let values = selected(&all, &quote);
    let verified = verify_quote(&quote, &signature, &key, expected(&[]), &values).unwrap();
    assert_eq!(verified.banks().count(), 1);
    // No bank of SHA-256: whatever is required is not covered.
    let required = PcrMask::of(&[7]).unwrap();
    let covering = Expected { qualifying_data: &[], required };
    let error = verify_quote(&quote, &signature, &key, covering, &values).unwrap_err();
    assert_eq!(error.check(), "tpm-pcr-not-covered");
    // The TPM says that it made the key.
    let creation = Attest::parse(&base64(&evidence["AK"]["CreateAttestation"])).unwrap();
    let Attested::Creation { object_name, creation_hash } = creation.untrusted_attested() else {
        panic!("not a creation")
    };
    assert_eq!(object_name, public.name().as_bytes());
    let data = base64(&evidence["AK"]["CreateData"]);
    let name_hash = public.name_algorithm().hash(&[&data]).unwrap();
    assert_eq!(*creation_hash, name_hash.as_bytes());
}

#[test]
fn the_quotes_of_a_google_machine_hold_in_three_banks() {
    if absent() {
        return;
    }
    let message = read("quotes/gotpmtools-gce-cos-85-nonce9009.pb");
    let fields = protobuf(&message);
    let of = |number: u64| fields.iter().filter(move |(found, _)| *found == number);
    let public = Public::parse(of(1).next().unwrap().1).unwrap();
    let key = AcceptableKey::of(&public, AkRules::default()).unwrap().self_asserted();
    let mut banks = Vec::new();
    for (_, quote) in of(2) {
        let parts = protobuf(quote);
        let part = |number| parts.iter().find(|(found, _)| *found == number).unwrap().1;
        let (quote, signature) =
            (Attest::parse(part(1)).unwrap(), Signature::parse(part(2)).unwrap());
        let Attested::Quote { selection, .. } = quote.untrusted_attested() else {
            panic!("not a quote")
        };
        let bank = selection.banks()[0].bank;
        let values = google_values(part(3), bank);
        let verified =
            verify_quote(&quote, &signature, &key, expected(&[0x90, 0x09]), &values).unwrap();
        // The digest is by the hash of the scheme, whatever the bank.
        assert_eq!(verified.scheme().hash, HashAlgorithm::Sha256);
        banks.push(bank);
        let error = verify_quote(&quote, &signature, &key, expected(&[0x90, 0x08]), &values);
        assert_eq!(error.unwrap_err().check(), "tpm-qualifying-data");
    }
    assert_eq!(banks, [HashAlgorithm::Sha1, HashAlgorithm::Sha256, HashAlgorithm::Sha384]);
}

/// The length-delimited fields of a protobuf message.
fn protobuf(mut message: &[u8]) -> Vec<(u64, &[u8])> {
    let mut fields = Vec::new();
    while !message.is_empty() {
        let key = varint(&mut message);
        if key & 7 == 0 {
            varint(&mut message);
            continue;
        }
        assert_eq!(key & 7, 2);
        let length = usize::try_from(varint(&mut message)).unwrap();
        let (field, rest) = message.split_at(length);
        fields.push((key >> 3, field));
        message = rest;
    }
    fields
}

fn varint(message: &mut &[u8]) -> u64 {
    let mut value = 0;
    for shift in (0..).step_by(7) {
        let (byte, rest) = message.split_first().unwrap();
        *message = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            break;
        }
    }
    value
}

/// A map from index to value: each entry a message of a varint and bytes; zero is left out.
fn google_values(pcrs: &[u8], bank: HashAlgorithm) -> Vec<PcrValue> {
    let entries = protobuf(pcrs).into_iter().filter(|(number, _)| *number == 2);
    let value = |(_, mut entry): (u64, &[u8])| {
        let mut value = PcrValue { bank, index: 0, digest: Vec::new() };
        while !entry.is_empty() {
            match varint(&mut entry) {
                8 => value.index = u32::try_from(varint(&mut entry)).unwrap(),
                18 => {
                    let length = usize::try_from(varint(&mut entry)).unwrap();
                    let (digest, rest) = entry.split_at(length);
                    value.digest = digest.to_vec();
                    entry = rest;
                }
                other => panic!("field {other}"),
            }
        }
        value
    };
    entries.map(value).collect()
}

#[test]
fn the_quote_of_the_confidential_containers_attester_holds_under_its_bare_key() {
    if absent() {
        return;
    }
    let evidence = json("quotes/trustee-tpm-evidence.json");
    let key = PublicKey::from_spki(&base64(&evidence["ak_public"])).unwrap();
    let key = AttestationKey::self_asserted(&key, AkRules::default()).unwrap();
    let quote = &evidence["tpm_quote"];
    let read = |name: &str| -> Vec<u8> {
        let value = &quote[name];
        value.as_str().map_or_else(
            || {
                value
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|byte| u8::try_from(byte.as_u64().unwrap()).unwrap())
                    .collect()
            },
            |_| base64(value),
        )
    };
    let (attest, signature) = (read("message"), read("signature"));
    let attest = Attest::parse(&attest).unwrap();
    let signature = Signature::parse(&signature).unwrap();
    let values: Vec<_> = (0..)
        .zip(quote["pcrs"].as_array().unwrap())
        .map(|(index, digest)| PcrValue {
            bank: HashAlgorithm::Sha256,
            index,
            digest: decode_hex(digest.as_str().unwrap()).unwrap(),
        })
        .collect();
    let values = selected(&values, &attest);
    let nonce = attest.untrusted_extra_data().to_vec();
    assert_eq!(nonce.len(), 64);
    verify_quote(&attest, &signature, &key, expected(&nonce), &values).unwrap();
    // 48 bytes of the 64 are no answer.
    let error = verify_quote(&attest, &signature, &key, expected(&nonce[..48]), &values);
    assert_eq!(error.unwrap_err().check(), "tpm-qualifying-data");
}

#[test]
fn the_quote_of_keylimes_emulator_is_signed_by_its_key() {
    if absent() {
        return;
    }
    let (quote, signature) = (attest("keylime/quote.out"), signature("keylime/quotesig.out"));
    let nonce = quote.untrusted_extra_data().to_vec();
    let key = key("keylime/ak.pub");
    let error = verify_quote(&quote, &signature, &key, expected(&nonce), &[]).unwrap_err();
    assert_eq!(error.check(), "tpm-pcr-missing", "signed, and no value is given");
    let error = verify_quote(&quote, &signature, &key, expected(b""), &[]).unwrap_err();
    assert_eq!(error.check(), "tpm-qualifying-data");
}

#[test]
fn keylimes_text_form_holds_a_quote_that_reads() {
    if absent() {
        return;
    }
    let text = text("quotes/rustkeylime-test-quote.txt");
    let mut parts = text.strip_prefix('r').unwrap().split(':');
    let mut part = || avouch_wire::base64url::decode_standard(parts.next().unwrap()).unwrap();
    let (quote, signature) = (part(), part());
    let quote = Attest::parse(&quote).unwrap();
    assert!(matches!(quote.untrusted_attested(), Attested::Quote { .. }));
    Signature::parse(&signature).unwrap();
}

#[test]
fn a_recorded_quote_that_another_key_signed_is_refused() {
    if absent() {
        return;
    }
    let quote = attest("azure/lunal-az_snp-tpm-quote.msg");
    let bytes = read("azure/lunal-az_snp-tpm-quote.sig");
    let signature = Signature::parse(&bytes)
        .unwrap_or_else(|_| Signature::bare_rsassa(HashAlgorithm::Sha256, &bytes));
    let key = super::azure::reported_key("azure/lunal-az_snp-hcl-report.bin");
    let nonce = quote.untrusted_extra_data().to_vec();
    let error = verify_quote(&quote, &signature, &key, expected(&nonce), &[]).unwrap_err();
    assert!(matches!(error, QuoteError::Signature(SignatureError::Invalid { .. })), "{error}");
}
