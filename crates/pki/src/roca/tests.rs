use avouch_wire::decode_hex;

use super::*;

// Moduli of two primes of the form `k * M + (65537^a mod M)`, made for this test.
const WEAK_1024: &str = "c827c99df0312bbd20be712ad3a68ab25646d16a7a580de31061a1af061650965bce564faa789ad99d0404d9\
    0f04c1129779d0340d7197982f71f81570bbdd1dfd37f02ea43d1ab3bf16bfe59150e313ad47cf8094d79785\
    6dbb8ca218115fab2e1b6b9a4e8cc27634b844df2861179bdf91c01fc9c082ed2ea52df4daacfaf7";
const WEAK_2048: &str = "da7c66dddb34bdd47ac5b29e63b3536576a51807a8d2dca302aa89712bc2309080221d9938610f8872c7bb06\
    876e3e36d82ec3d075d09eda5a10a4a432113fa45157ccf99190e49f3a1a68589be9e8315ef1365ca46e190e\
    a34ca9a6a8c4418cd81f10ca8ff036be5812f14ed029715524ca3429022bba67740ca5bd87c42abee366b3ef\
    0accadb070728e4bf5eac127770e62f4150025c8f5aad3a02d5dd4443e40b647bb81607ce5156d255f3a868b\
    5ecac700dcf45586266074530ac8361127b655eac793972303fb6064c992db90520a48cd9e9e67730841d381\
    93ddfc1780f4317abf0a94e0a9192e3ae6a94b0bede1708a81d234cfcf51289a710407e1";
const WEAK_3072: &str = "bbe06434ecd953cb8c16a6dbc43b7d5b326fa323834a8f7654a871a70afa599699efe5a21969fb74b59a0b66\
    99431d00f5ef797f5f31542afe95cf745c7265ebf79e8092f372ff29c1988edfb784feb53b7be4011febba63\
    2b0ab8b0f565394e8fdb87feca9537e7ee5f0c53243f4b91cf0640f69bacb11dddb5c27afb839d11c6430fb6\
    c5dfd269eb6145b62e11c19d298a343050b350a3cb37c448a8cd6cc35d6cc0f166a56ba73a6bd57bbd38037d\
    86294ce5708f7cb0043f4c63f39803c1aed577456bc538231a9a46876ca36e3901eaef33998e21e95b447c4f\
    7da1b6476a9e197cb69fb58c8c5e6393a5d2fc132f008e457213f406c4b706183751e1f489e7d08672806f17\
    43e2dbe4adc0d85c7acffdbb4d3213f66008175745e350b2ef9fcf87e3379697af10606e4dc16b07ccf98bff\
    7b8f21efa8d7f0ae45d18bbccd1a6c625f6a6b9eed8e541154f1a6a1ba450285339d71dc5d8dfe8a02a41514\
    1a4c7602aa0ee26044d8040abad30bd5385454ba7fb59c96040791a593414951";

fn bytes(modulus: &str) -> Vec<u8> {
    decode_hex(modulus).unwrap()
}

#[test]
fn moduli_of_structured_primes_are_found_at_every_size() {
    for weak in [WEAK_1024, WEAK_2048, WEAK_3072] {
        assert!(is_weak(&bytes(weak)), "{weak}");
    }
}

/// Powers of 65537 itself, the purest of weak moduli: 17 significant bits more for each factor.
#[test]
fn powers_of_the_generator_are_found() {
    let times = |number: &[u8]| {
        // 65537 = 2^16 + 1: the number shifted by two bytes, and the number.
        let shifted = [number, &[0, 0]].concat();
        let aligned = [vec![0, 0], number.to_vec()].concat();
        let mut carry = 0_u16;
        let mut sum: Vec<u8> = shifted
            .iter()
            .zip(&aligned)
            .rev()
            .map(|(one, other)| {
                let total = u16::from(*one) + u16::from(*other) + carry;
                carry = total >> 8;
                u8::try_from(total & 0xff).unwrap()
            })
            .collect();
        sum.extend((carry > 0).then_some(1));
        sum.reverse();
        sum
    };
    let mut power = vec![1];
    for _ in 0..256 {
        power = times(&power);
        assert!(is_weak(&power));
    }
    assert!(power.len() > 512);
}

#[test]
fn neighbours_of_weak_moduli_are_sound() {
    for weak in [WEAK_1024, WEAK_2048, WEAK_3072] {
        let weak = bytes(weak);
        for index in 0..weak.len() {
            let mut other = weak.clone();
            *other.get_mut(index).unwrap() ^= 2;
            assert!(!is_weak(&other), "byte {index}");
        }
    }
}

#[test]
fn the_primes_are_as_many_as_published() {
    for (bits, count) in [(512, 39), (991, 39), (1024, 71), (2048, 126), (3072, 126), (4096, 225)] {
        let largest = largest_prime(bits);
        assert!(is_prime(largest));
        assert_eq!((2..=largest).filter(|number| is_prime(*number)).count(), count, "{bits}");
    }
}

#[test]
fn nothing_is_no_weak_modulus() {
    assert!(!is_weak(&[]));
    assert!(!is_weak(&[0; 256]));
}
