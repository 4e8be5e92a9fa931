//! X.509 paths and CRLs at a given time, signature checks and digests, over one crypto provider.
