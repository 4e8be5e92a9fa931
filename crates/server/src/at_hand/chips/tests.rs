#![cfg(test)]
#![allow(clippy::arithmetic_side_effects, reason = "a test fails by panicking")]

use std::net::{IpAddr, Ipv6Addr};
use std::time::{Duration, Instant};

use super::{Chips, LEFT_OVER_PAUSE, NETWORKS_MAX, RIGHTS};

/// Far from each other.
fn stranger(number: u32) -> IpAddr {
    IpAddr::V6(Ipv6Addr::from_bits((0x2000_0000_u128 + u128::from(number)) << 96))
}

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn taken(chips: &Chips, now: Instant, senders: impl Iterator<Item = IpAddr>) -> u32 {
    senders.map(|sender| u32::from(chips.take(sender, 1, false, now))).sum()
}

#[test]
fn a_sender_has_a_burst_and_then_one_with_each_pause_and_others_have_their_own() {
    let (chips, begun) = (Chips::default(), Instant::now());
    let own = RIGHTS[0];
    assert_eq!(taken(&chips, begun, (0..100).map(|_| stranger(1))), own.burst);
    assert!(chips.take(stranger(2), own.burst as usize, false, begun));
    assert!(!chips.take(stranger(3), own.burst as usize + 1, false, begun));
    assert!(chips.take(stranger(1), 0, false, begun), "nothing is always free");
    assert!(!chips.take(stranger(1), 1, false, begun + own.pause / 2));
    assert!(!chips.take(stranger(1), 2, false, begun + own.pause));
    assert!(chips.take(stranger(1), 1, false, begun + own.pause));
    assert!(!chips.take(stranger(1), 1, false, begun + own.pause));
    let later = begun + 1000 * own.pause;
    assert_eq!(taken(&chips, later, (0..100).map(|_| stranger(1))), own.burst);
}

#[test]
fn addresses_of_one_network_share_its_right_at_each_width() {
    for (same, other) in [
        // The last of a network, and the first of the next.
        ("198.51.100.7", "198.51.100.8"),
        ("198.51.100.0", "198.51.101.0"),
        ("198.51.0.0", "198.52.0.0"),
        ("2001:db8::", "2001:db8:0:1::"),
        ("2001:db8::", "2001:db8:1::"),
        ("2001:db8::", "2001:db9::"),
    ]
    .map(|(same, other)| (address(same), address(other)))
    {
        let (chips, begun) = (Chips::default(), Instant::now());
        assert_eq!(taken(&chips, begun, (0..9).map(|_| same)), RIGHTS[0].burst);
        let shared = RIGHTS.iter().filter(|right| right.network(same) == right.network(other));
        let left = shared.map(|right| right.burst - RIGHTS[0].burst).min();
        let expected = left.unwrap_or(RIGHTS[0].burst);
        assert_eq!(taken(&chips, begun, (0..9).map(|_| other)), expected, "{other}");
    }
    let one = |bits: (u32, u32)| RIGHTS.iter().any(|right| (right.v4_bits, right.v6_bits) == bits);
    assert!(one((32, 64)) && one((24, 48)) && one((16, 32)));
    // An IPv4 address is the same in IPv6's clothes.
    let mapped = address("::ffff:198.51.100.7");
    assert_eq!(RIGHTS[2].network(mapped), address("198.51.0.0"));
}

#[test]
fn whoever_has_all_addresses_of_an_allocation_leaves_half_of_the_turns_to_others() {
    let (chips, begun) = (Chips::default(), Instant::now());
    let seconds = 3600;
    let mut of_attacker = 0;
    for second in 0..seconds {
        let now = begun + Duration::from_secs(second);
        // A thousand networks of a /32, others each second.
        let from = |number: u64| {
            let network = u128::from(second * 1000 + number) << 64;
            IpAddr::V6(Ipv6Addr::from_bits((0x2001_0db8_u128 << 96) | network))
        };
        of_attacker += u64::from(taken(&chips, now, (0..1000).map(from)));
        let number = u32::try_from(second).unwrap();
        assert!(chips.take(stranger(number), 1, false, now), "second {second}");
    }
    // AMD's service gives one in ten seconds.
    let all = seconds / 10;
    assert!(of_attacker <= all / 2 + u64::from(RIGHTS[2].burst), "{of_attacker} of {all}");
    assert!(of_attacker >= all / 2 - 1, "{of_attacker} of {all}");
}

#[test]
fn what_nobody_waits_for_may_be_taken_beyond_the_right_of_a_network_one_at_a_time() {
    let (chips, begun) = (Chips::default(), Instant::now());
    let own = |number: u8| IpAddr::from([198, 51, number, 1]);
    let burst = (0..=255).filter(|number| chips.take(own(*number), 1, false, begun)).count();
    assert_eq!(burst, RIGHTS[2].burst as usize);
    let more = (0..=255).filter(|number| chips.take(own(*number), 1, true, begun)).count();
    assert_eq!(more, 1);
    assert!(!chips.take(own(200), 1, false, begun + LEFT_OVER_PAUSE));
    assert!(chips.take(own(200), 1, true, begun + LEFT_OVER_PAUSE));
    // Its own right is an address's in any case.
    let one = stranger(7);
    assert_eq!((0..100).filter(|_| chips.take(one, 1, true, begun)).count(), 4);
}

#[test]
fn networks_whose_right_is_whole_are_forgotten_and_beyond_the_limit_nobody_new_is_served() {
    let (chips, begun) = (Chips::default(), Instant::now());
    let most = u32::try_from(NETWORKS_MAX).unwrap();
    assert!((0..most).all(|number| chips.take(stranger(number), 1, false, begun)));
    assert!(!chips.take(stranger(most), 1, false, begun));
    assert!(chips.take(stranger(0), 1, false, begun));
    assert!(chips.take(stranger(most), 1, false, begun + RIGHTS[0].pause));
}
