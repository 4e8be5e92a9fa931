//! Vendor endorsements from files, directories and bundles.
