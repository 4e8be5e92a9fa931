//! Recorded lists replay as their manifest says.

use std::path::Path;

use avouch_bootlog::ima::{
    Appraisal, BankVerdict, BootAggregate, FileKeys, List, Prefix, References, Rule, Sha1,
    SignatureHeader, claimed_value, prove, replay,
};
use avouch_bootlog::{Digest, HashAlgorithm, Register, RegisterValues};
use serde_json::{Map, Value};

use crate::support::{algorithm, digest, published, vectors};

fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn quoted(values: &RegisterValues, algorithm: HashAlgorithm) -> Digest {
    *values.get(algorithm, Register::Pcr(10)).unwrap()
}

#[test]
fn lists_of_real_machines_replay_to_the_quoted_registers_as_their_manifest_says() {
    let Some(folder) = vectors("tpm") else { return };
    let manifest: Map<String, Value> =
        serde_json::from_slice(&read(&folder.join("expected.json"))).unwrap();
    let lists: Vec<_> = manifest.iter().filter(|(name, _)| name.contains("/ima_")).collect();
    assert!(lists.len() >= 2);
    for (name, said) in lists {
        let bytes = read(&folder.join(name));
        let list = List::read(&bytes).unwrap();
        assert_eq!(said["entries"], list.len(), "{name}");
        let violations = list.entries().filter(|entry| entry.is_violation()).count();
        assert_eq!(said["violations"], violations, "{name}");
        let wrong =
            list.entries().filter(|entry| !entry.is_violation() && !entry.hash_is_of_data());
        assert_eq!(said["template_hash_mismatches"], wrong.count(), "{name}");
        for (template, count) in said["templates"].as_object().unwrap() {
            let of = list.entries().filter(|entry| entry.untrusted_template().name() == template);
            assert_eq!(*count, of.count(), "{name} {template}");
        }
        let values = published(name.rsplit_once('/').unwrap().0);
        for (bank, value) in said["pcr10"].as_object().unwrap() {
            let of_whole = digest(algorithm(bank), value.as_str().unwrap());
            let entries = list.len();
            let whole = replay(&list, of_whole).prefix;
            let prefix =
                usize::try_from(said["prefix_matching_pcr10"][bank].as_u64().unwrap()).unwrap();
            assert!(
                whole == Some(Prefix { entries, rule: Rule::Own })
                    || whole == Some(Prefix { entries: prefix, rule: Rule::Own }),
                "{name}"
            );
            let verdict = replay(&list, quoted(&values, algorithm(bank)));
            assert_eq!(verdict.prefix, Some(Prefix { entries: prefix, rule: Rule::Own }), "{name}");
        }
    }
}

#[test]
fn the_list_of_a_real_server_is_proven_whole_and_its_violations_are_not_passed_over() {
    let Some(folder) = vectors("tpm").map(|folder| folder.join("linux/guardoss-dl160")) else {
        return;
    };
    let bytes = read(&folder.join("ima_binary_runtime_measurements.gz"));
    let list = List::read(&bytes).unwrap();
    let values = published("linux/guardoss-dl160");
    let proven = prove(&list, &values, Sha1::Refused).unwrap();
    let appraisal = Appraisal::of(&proven, &values, &References::none(), &FileKeys::none());
    let facts = appraisal.facts();
    assert_eq!((facts.bank, facts.proven, facts.violations), (HashAlgorithm::Sha256, 16_169, 24));
    assert_eq!(facts.boot_aggregate, BootAggregate::Matches { algorithm: HashAlgorithm::Sha1 });
    assert_eq!(facts.files, 16_169 - 24 - 1);
    assert!(!facts.only_listed && !facts.only_signed);
}

#[test]
fn devices_of_a_real_machine_are_told_from_the_proven_part_of_its_list() {
    let Some(folder) = vectors("tpm") else { return };
    let folder = folder.join("linux/guardoss-hahuri-uki-ima-buf");
    let bytes = read(&folder.join("ima_binary_runtime_measurements"));
    let list = List::read(&bytes).unwrap();
    let values = published("linux/guardoss-hahuri-uki-ima-buf");
    let proven = prove(&list, &values, Sha1::Refused).unwrap();
    let appraisal = Appraisal::of(&proven, &values, &References::none(), &FileKeys::none());
    let facts = appraisal.facts();
    assert_eq!((facts.entries, facts.proven, facts.unreadable), (37, 36, 0));
    assert_eq!(facts.boot_aggregate, BootAggregate::Matches { algorithm: HashAlgorithm::Sha256 });
    let volumes = &facts.volumes;
    assert_eq!((volumes.events, volumes.malformed, volumes.others, volumes.unknown), (4, 0, 2, 0));
    assert!(volumes.running.is_empty());
}

#[test]
fn lists_of_the_lab_are_proven_in_both_banks_and_begin_in_the_quoted_boot() {
    let Some(folder) = vectors("tpm").map(|folder| folder.join("produced")) else { return };
    for boot in ["boot-sb-on", "boot-sb-off", "boot-sb-on-ima-keys", "boot-sb-on-mok-insecure"] {
        let values = published(&format!("produced/{boot}"));
        for form in ["ima_ascii_runtime_measurements", "ima_binary_runtime_measurements"] {
            let bytes = read(&folder.join(boot).join(form));
            let list = List::read(&bytes).unwrap();
            assert!(list.entries().all(|entry| entry.hash_is_of_data()), "{boot}");
            for bank in [HashAlgorithm::Sha1, HashAlgorithm::Sha256] {
                let BankVerdict { prefix, .. } = replay(&list, quoted(&values, bank));
                assert!(prefix.is_some_and(|prefix| prefix.rule == Rule::Own), "{boot} {bank}");
            }
            let proven = prove(&list, &values, Sha1::Refused).unwrap();
            let appraisal = Appraisal::of(&proven, &values, &References::none(), &FileKeys::none());
            let facts = appraisal.facts();
            assert!(facts.boot_aggregate.matches(), "{boot}: {:?}", facts.boot_aggregate);
            assert_eq!((facts.violations, facts.unreadable), (0, 0), "{boot}");
            if boot == "boot-sb-on-ima-keys" {
                assert_eq!(facts.kernel_version.as_deref(), Some("6.1.0-56-amd64"));
                let keyrings: Vec<&str> =
                    facts.keys.iter().map(|key| key.keyring.as_str()).collect();
                assert!(keyrings.contains(&".builtin_trusted_keys"), "{keyrings:?}");
                assert!(keyrings.contains(&".platform"), "{keyrings:?}");
            }
        }
    }
}

#[test]
fn a_file_signed_in_the_lab_is_signed_by_the_labs_key_and_no_other_is() {
    let Some(folder) = vectors("tpm").map(|folder| folder.join("produced")) else { return };
    let keys = FileKeys::parse(&read(&folder.join("boot-keys/ima-signer.cert.der"))).unwrap();
    let values = published("produced/boot-sb-on");
    let bytes = read(&folder.join("boot-sb-on/ima_ascii_runtime_measurements"));
    let list = List::read(&bytes).unwrap();
    let proven = prove(&list, &values, Sha1::Refused).unwrap();
    let appraisal = Appraisal::of(&proven, &values, &References::none(), &keys);
    let facts = appraisal.facts();
    assert_eq!((facts.files, facts.signed, facts.only_signed), (3, 1, false));
}

/// The lists of Keylime come without registers: they are proven by what they lead to.
fn proven_by_itself<'l, 'a>(
    list: &'l List<'a>,
) -> (avouch_bootlog::ima::ProvenList<'l, 'a>, RegisterValues) {
    let replayed = claimed_value(list, HashAlgorithm::Sha256).unwrap();
    let values: RegisterValues = [(Register::Pcr(10), replayed)].into_iter().collect();
    (prove(list, &values, Sha1::Refused).unwrap(), values)
}

#[test]
fn keylimes_signed_lines_are_signed_by_rsa_and_by_secp256k1() {
    let Some(folder) = vectors("tpm").map(|folder| folder.join("ima")) else { return };
    let bytes = read(&folder.join("keylime-ima-sig-lines"));
    let list = List::read(&bytes).unwrap();
    assert!(list.entries().all(|entry| entry.hash_is_of_data()));
    let (proven, values) = proven_by_itself(&list);
    for (id, path) in [("f3452d23", "/usr/bin/dd"), ("531f4025", "/usr/bin/zmore")] {
        let pem = read(&folder.join(format!("keylime-ima-pubkey-{id}.pem")));
        let keys = FileKeys::parse(&pem).unwrap();
        let signed: Vec<String> = proven
            .verdicts(&values, &References::none(), &keys)
            .filter_map(|(_, verdict)| match verdict {
                avouch_bootlog::ima::EntryVerdict::File { name, signed, .. } if signed.holds() => {
                    Some(name.to_text().into_owned())
                }
                _ => None,
            })
            .collect();
        assert_eq!(signed, [path], "{id}");
    }
}

#[test]
fn keylimes_other_lines_are_what_their_description_says() {
    let Some(folder) = vectors("tpm").map(|folder| folder.join("ima")) else { return };
    for (name, violations, mismatches) in [
        ("keylime-ima-log-sha1", 1, 0),
        ("keylime-ima-log-sha256", 0, 0),
        ("keylime-ima-log-sha512", 1, 0),
        ("keylime-ima-log-sm3_256", 1, 1),
    ] {
        let bytes = read(&folder.join(name));
        let list = List::read(&bytes).unwrap();
        let seen = list.entries().filter(|entry| entry.is_violation()).count();
        let wrong =
            list.entries().filter(|entry| !entry.is_violation() && !entry.hash_is_of_data());
        assert_eq!((list.len(), seen, wrong.count()), (2, violations, mismatches), "{name}");
    }
    // A signature that says to be longer than it is, under a hash that is not its own.
    let bytes = read(&folder.join("keylime-ima-sig-malformed"));
    let list = List::read(&bytes).unwrap();
    let entry = list.entries().next().unwrap();
    assert!(!entry.hash_is_of_data());
    let Ok(avouch_bootlog::ima::Content::File(file)) = entry.untrusted_content() else { panic!() };
    SignatureHeader::parse(file.signature.unwrap()).unwrap_err();
    // A key on the keyring of IMA.
    let bytes = read(&folder.join("keylime-ima-keyring-buf"));
    let list = List::read(&bytes).unwrap();
    let entry = list.entries().next().unwrap();
    assert!(entry.hash_is_of_data());
    let Ok(avouch_bootlog::ima::Content::Buffer(buffer)) = entry.untrusted_content() else {
        panic!()
    };
    assert_eq!(buffer.name.as_bytes(), b".ima");
    assert_eq!(buffer.bytes.first(), Some(&0x30), "a certificate, signed with SHA-1");
}

#[test]
fn a_list_of_an_agent_leads_to_its_published_register() {
    let Some(folder) = vectors("tpm").map(|folder| folder.join("ima")) else { return };
    let bytes = read(&folder.join("rustkeylime-ascii_runtime_measurements"));
    let list = List::read(&bytes).unwrap();
    assert_eq!(list.len(), 826);
    assert!(list.entries().all(|entry| entry.hash_is_of_data()));
    let value = digest(HashAlgorithm::Sha1, "82231c67a69da98dc5b3aa10f6343d33109225fc");
    assert_eq!(replay(&list, value).prefix, Some(Prefix { entries: 826, rule: Rule::Own }));
}
