//! TPM 2.0: quotes, public areas, the trust in an attestation key, and credential activation.
