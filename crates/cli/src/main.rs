//! The command `avouch`.

fn main() {}
