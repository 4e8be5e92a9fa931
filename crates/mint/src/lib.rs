//! Evidence with a vendor PKI of our own, valid or broken in exactly one named way.
