//! Token assembly and signing beside the bare signature.

fn main() {
    divan::main();
}
