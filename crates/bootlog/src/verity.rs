//! dm-verity: the volumes that run, by what the device mapper had IMA measure.
