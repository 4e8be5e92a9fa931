//! What the log of a virtual machine proves beyond secure boot itself: whose keys the firmware verified by,
//! which system it started, and which machine it is.

use std::collections::BTreeSet;

use avouch_pki::digest::sha256;
use serde::Serialize;

use crate::Register;
use crate::facts::BootFacts;
use crate::replay::JudgedBank;
use crate::uefi::{Guid, Signatures};
use crate::windows::WindowsAuthorities;

/// What a virtual machine's log proves beyond secure boot itself. Where secure boot is not proven, nothing
/// of it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GuestFacts {
    /// Whether `PK` and `KEK` are Microsoft's for virtual machines, and nobody else's.
    pub has_default_keys: bool,
    /// Whether every entry of `db` is a certificate of Microsoft's.
    pub has_default_db: bool,
    /// Whether `dbx` has the revocations of every list that Microsoft published up to May 2023: one of each
    /// list is looked for.
    pub has_known_dbx: bool,
    /// Which system the firmware started.
    pub system: System,
    /// The machine's identity, as its host's firmware measures it: a GUID, in upper case.
    pub machine_id: Option<String>,
}

/// Which system the firmware started, by the keys that let its images run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum System {
    /// Windows, and nothing else.
    Windows,
    /// Another one, and nothing that Windows' keys let run.
    Other,
    /// The log does not say, or shows images of both.
    Unknown,
}

/// SHA-256 of Microsoft Hyper-V Firmware PK.
const PLATFORM_KEYS: [&str; 1] =
    ["b3bd98f4777241d721a96cd584dcb9d4b2098beb269c44442bdf609adce3b6c0"];

/// SHA-256 of Microsoft Corporation KEK CA 2011, and of KEK 2K CA 2023.
const EXCHANGE_KEYS: [&str; 2] = [
    "a1117f516a32cefcba3f2d1ace10a87972fd6bbe8fe0d0b996e09e65d802a503",
    "3cd3f0309edae228767a976dd40d9f4affc4fbd5218f2e8cc3c9dd97e8ac6f9d",
];

/// SHA-256 of Microsoft Windows Production PCA 2011, Windows UEFI CA 2023, Microsoft Corporation UEFI CA
/// 2011, and Microsoft UEFI CA 2023.
const SIGNERS: [&str; 4] = [
    "e8e95f0733a55e8bad7be0a1413ee23c51fcea64b3c8fa6a786935fddcc71961",
    "076f1fea90ac29155ebf77c17682f75f1fdd1be196da302dc8461e350a9ae330",
    "48e99b991f57fc52f76149599bff0a58c47154229b9f8d603ac40d3500248507",
    "f6124e34125bee3fe6d79a574eaa7b91c0e7bd9d929c1a321178efd611dad901",
];

/// One image that each list of revocations for x64 brought: those of 2014, 2016, 2020, 2021 and 2023. Each
/// list has those before it.
const REVOKED: [&str; 5] = [
    "80b4d96931bf0d02fd91a61e19d14f1da452e66db2408ca8604d411f92659f0a",
    "106faceacfecfd4e303b74f480a08098e2d0802b936f8ec774ce21f31686689c",
    "0257ff710f2a16e489b37493c07604a7cda96129d8a8fd68d2b6af633904315d",
    "007f4c95125713b112093e21663e2d23e3c1ae9ce4b5de0d58a297332336a2d8",
    "0328f7dd12b552efa7a9e083730333b85f3f4e83d39387fc531863b422f75cc8",
];

/// The register in which hosts measure which machine it is.
const MACHINE: Register = Register::Pcr(6);
/// What stands before a machine's GUID.
const MACHINE_PREFIX: &[u8] = b"UUID: ";
/// The end of a phase.
const SEPARATOR: [u8; 4] = [0; 4];

impl GuestFacts {
    pub(super) fn of(
        facts: &BootFacts<'_>,
        bank: &JudgedBank<'_>,
        windows: &WindowsAuthorities,
        is_windows: bool,
    ) -> Self {
        let keys = facts.keys.as_ref();
        Self {
            has_default_keys: keys.is_some_and(|keys| {
                are_all(keys.pk, &PLATFORM_KEYS) && are_all(keys.kek, &EXCHANGE_KEYS)
            }),
            has_default_db: keys.is_some_and(|keys| are_all(keys.db, &SIGNERS)),
            has_known_dbx: keys.is_some_and(|keys| has_all(keys.dbx, &REVOKED)),
            system: if is_windows { System::Windows } else { other_system(facts, windows) },
            machine_id: machine_id(bank),
        }
    }
}

/// Whether there are entries, each a certificate among `known`.
fn are_all(list: Signatures<'_>, known: &[&str]) -> bool {
    let is_known = |data: &[u8]| known.contains(&sha256(data).to_string().as_str());
    !list.is_empty()
        && list.iter().all(|entry| entry.kind == Guid::CERT_X509 && is_known(entry.data))
}

/// Whether all digests of `wanted` stand in the list.
fn has_all(list: Signatures<'_>, wanted: &[&str]) -> bool {
    let mut missing: BTreeSet<&str> = wanted.iter().copied().collect();
    for entry in list.iter().filter(|entry| entry.kind == Guid::CERT_SHA256) {
        if missing.is_empty() {
            break;
        }
        missing.remove(avouch_wire::encode_hex(entry.data).as_str());
    }
    missing.is_empty()
}

/// Another system, if boot loaders ran under secure boot and none of them by a key of Windows'. Firmware
/// measures a key when it first lets something run by it, so one that let an option ROM run counts too.
fn other_system(facts: &BootFacts<'_>, windows: &WindowsAuthorities) -> System {
    let ran = facts.authorities.iter().any(|authority| authority.after_separator);
    let of_windows = facts.authorities.iter().any(|authority| windows.is_named(authority));
    if facts.secure_boot.enforced() == Some(true) && ran && !of_windows {
        System::Other
    } else {
        System::Unknown
    }
}

/// The GUID that the firmware measured. What follows the separator, and what stands behind something that
/// the log hides, may be anybody's.
fn machine_id(bank: &JudgedBank<'_>) -> Option<String> {
    for event in bank.explained(MACHINE)?.events() {
        let data = event.data()?;
        if data == SEPARATOR {
            return None;
        }
        let text =
            data.strip_prefix(MACHINE_PREFIX).map(|text| text.strip_suffix(&[0]).unwrap_or(text));
        if let Some(text) = text {
            return guid(text);
        }
    }
    None
}

/// Text of a GUID, in upper case.
fn guid(text: &[u8]) -> Option<String> {
    let is_place = |(place, byte): (usize, &u8)| match place {
        8 | 13 | 18 | 23 => *byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    };
    let is_guid = text.len() == 36 && text.iter().enumerate().all(is_place);
    is_guid.then(|| String::from_utf8_lossy(text).to_ascii_uppercase())
}
