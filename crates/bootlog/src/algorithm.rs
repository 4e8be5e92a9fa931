//! Hash algorithms of banks, and digests that know theirs.

pub use avouch_pki::{Digest, HashAlgorithm};
