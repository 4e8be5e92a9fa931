//! Intel SGX and TDX quotes, Open Enclave wrapping and Intel collateral: parse, verify, facts.
