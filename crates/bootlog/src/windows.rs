//! Windows: tagged events, read from replayed events only.
