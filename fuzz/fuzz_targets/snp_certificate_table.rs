//! Certificate tables of extended reports: no panic, and every body lies behind the entries.
#![no_main]

use avouch_snp::ghcb::CertificateTable;
use avouch_snp::{Chain, TrustAnchors};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    match CertificateTable::parse(data) {
        Ok(table) => {
            let entries = (table.entries().len() + 1) * 24;
            for entry in table.entries() {
                assert!(entry.body.len() <= data.len() - entries);
                assert_eq!(table.body(entry.guid), Some(entry.body));
                assert_eq!(entry.guid.to_string().len(), 36);
            }
            let _ = Chain::parse_sent(&table.certificates(), &TrustAnchors::amd());
            let bodies: usize = table.entries().iter().map(|entry| entry.body.len()).sum();
            assert!(bodies + entries <= data.len(), "bytes that are read twice");
        }
        Err(error) => assert!(error.offset <= data.len()),
    }
});
