//! The fingerprint of RSA keys made by CVE-2017-15361 (ROCA), a fault of chips whose primes all
//! have the form `k * M + (65537^a mod M)`, where `M` is the product of the first primes. Such keys
//! can be factored from their public part, with known effort up to 2048 bits.
//!
//! The modulus is then a power of 65537 modulo `M`, so modulo each prime that divides `M` too. Most
//! sound keys miss that at the first primes where 65537 does not generate everything; all of them
//! together are hit by a sound modulus of 2048 bits with a chance of 2^-167.
//!
//! Source: M. Nemec, M. Sys, P. Svenda, D. Klinec, V. Matyas: The Return of Coppersmith's Attack,
//! ACM CCS 2017, sections 2.1 to 2.3 and table 1.

/// The generator.
const GENERATOR: u32 = 65_537;

/// The largest prime in `M` by the size of the modulus in bits: the first 39, 71, 126 or 225 primes.
const fn largest_prime(modulus_bits: usize) -> u32 {
    match modulus_bits {
        ..=991 => 167,
        992..=1983 => 353,
        1984..=3967 => 701,
        _ => 1427,
    }
}

/// Whether a modulus, big-endian without leading zeros, has the fingerprint.
pub(crate) fn is_weak(modulus: &[u8]) -> bool {
    let largest = largest_prime(modulus.len().saturating_mul(8));
    // Modulo 2, 3, 5 and 7 everything is a power of 65537.
    (11..=largest).filter(|number| is_prime(*number)).all(|prime| {
        let residue = residue(modulus, prime);
        powers(prime).any(|power| power == residue)
    })
}

fn is_prime(number: u32) -> bool {
    (2..number)
        .take_while(|factor| factor.saturating_mul(*factor) <= number)
        .all(|factor| number.checked_rem(factor) != Some(0))
}

fn residue(modulus: &[u8], prime: u32) -> u32 {
    modulus.iter().fold(0, |sum, byte| reduced((sum << 8) | u32::from(*byte), prime))
}

/// The powers of the generator modulo a prime, each once.
fn powers(prime: u32) -> impl Iterator<Item = u32> {
    let next = move |power: &u32| {
        let product = power.saturating_mul(reduced(GENERATOR, prime));
        Some(reduced(product, prime)).filter(|power| *power != 1)
    };
    std::iter::successors(Some(1), next)
}

/// `number` modulo a prime, which is not zero.
fn reduced(number: u32, prime: u32) -> u32 {
    number.checked_rem(prime).unwrap_or(0)
}

#[cfg(test)]
mod tests;
