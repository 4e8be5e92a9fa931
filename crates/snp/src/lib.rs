//! AMD SEV-SNP reports, VCEK and VLEK chains and UVM endorsements: parse, verify, facts.
