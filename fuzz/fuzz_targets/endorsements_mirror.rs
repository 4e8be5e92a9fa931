//! What anybody asks of the server of a site, by the first byte: paths of Intel's and of AMD's services
//! with any query. No panic, the same each time; what is asked for has a name that reads back, and what
//! may be fetched for anybody is of a fixed number.
#![no_main]

use avouch_dcap::TeeType;
use avouch_endorsements::{EndorsementName, MirrorPath, MirrorScope};
use avouch_snp::{Product, VekKind};
use libfuzzer_sys::fuzz_target;

/// The longest word in a name of which no part is free.
const WORD_BYTES_MAX: usize = 16;
const NAME_BYTES_MAX: usize = 200;

fn path(choice: u8, chip: &str) -> MirrorPath {
    let product = Product::ALL[usize::from(choice / 16) % Product::ALL.len()];
    match choice % 16 {
        0 => MirrorPath::TcbInfo(TeeType::Sgx),
        1 => MirrorPath::TcbInfo(TeeType::Tdx),
        2 => MirrorPath::TcbInfoOfV3,
        3 => MirrorPath::QeIdentity(TeeType::Sgx),
        4 => MirrorPath::QeIdentity(TeeType::Tdx),
        5 => MirrorPath::PckCrl,
        6 => MirrorPath::RootCaCrl,
        7 => MirrorPath::CrlOfAddress,
        8 => MirrorPath::VekChain(product, VekKind::Vlek),
        9 => MirrorPath::AmdCrl(product, VekKind::Vcek),
        _ => MirrorPath::Vcek(product, chip.to_owned()),
    }
}

fuzz_target!(|bytes: &[u8]| {
    let Some((choice, rest)) = bytes.split_first() else { return };
    let Ok(text) = std::str::from_utf8(rest) else { return };
    let (chip, query) = text.split_once('?').unwrap_or(("", text));
    let path = path(*choice, chip);
    let asked = path.request(Some(query));
    assert_eq!(asked, path.request(Some(query)));
    let Ok(request) = asked else { return };
    let name = request.name.to_string();
    assert!(name.len() <= NAME_BYTES_MAX, "{name}");
    assert_eq!(name.parse::<EndorsementName>(), Ok(request.name));
    if MirrorScope::default().allows(&request.name) {
        let is_word = |part: &str| {
            part.len() <= WORD_BYTES_MAX && part.bytes().any(|byte| !byte.is_ascii_hexdigit())
        };
        assert!(name.split('/').all(is_word), "{name}");
    }
});
