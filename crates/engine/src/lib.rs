//! One appraisal, end to end, over small ports and without I/O.
