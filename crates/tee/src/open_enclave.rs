//! Open Enclave's wrapper around a quote, as signing certificates of MAA have carried it since 2020.

/// A report with a header of 16 bytes: version 1, type 2 (remote SGX), and the length of the quote, all
/// little-endian.
pub(crate) fn report(quote: &[u8]) -> Vec<u8> {
    let length = (quote.len() as u64).to_le_bytes();
    [&1_u32.to_le_bytes(), &2_u32.to_le_bytes(), length.as_slice(), quote].concat()
}
