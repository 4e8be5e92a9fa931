//! Which addresses belong to a private network.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use serde::Deserialize;

/// A range of addresses, such as `10.0.0.0/8` or `fd00::/8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Network {
    address: IpAddr,
    prefix_bits: u8,
}

/// `[server] private_networks`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct PrivateNetworks(Vec<Network>);

impl Network {
    /// Whether an address is in the range. An IPv4 address inside an IPv6 one is the IPv4 address.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let differing = network.to_bits() ^ address.to_bits();
                differing.leading_zeros() >= u32::from(self.prefix_bits)
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let differing = network.to_bits() ^ address.to_bits();
                differing.leading_zeros() >= u32::from(self.prefix_bits)
            }
            _ => false,
        }
    }

    const fn v4(a: u8, b: u8, prefix_bits: u8) -> Self {
        Self { address: IpAddr::V4(Ipv4Addr::new(a, b, 0, 0)), prefix_bits }
    }

    const fn v6(first: u16, prefix_bits: u8) -> Self {
        Self { address: IpAddr::V6(Ipv6Addr::new(first, 0, 0, 0, 0, 0, 0, 0)), prefix_bits }
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let invalid = || format!("{text:?} is not a range of addresses such as 10.0.0.0/8");
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.trim().parse().map_err(|_| invalid())?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let prefix_bits = match prefix {
            Some(prefix) => prefix.trim().parse().map_err(|_| invalid())?,
            None => longest,
        };
        if prefix_bits > longest {
            return Err(invalid());
        }
        let network = Self { address, prefix_bits };
        // 10.1.0.0/8 is more likely a mistake than 10.0.0.0/8 written oddly.
        let is_zero = match address {
            IpAddr::V4(address) => {
                address.to_bits().trailing_zeros() >= 32_u32.saturating_sub(prefix_bits.into())
            }
            IpAddr::V6(address) => {
                address.to_bits().trailing_zeros() >= 128_u32.saturating_sub(prefix_bits.into())
            }
        };
        if is_zero {
            Ok(network)
        } else {
            Err(format!("{text:?} has bits after its prefix of {prefix_bits} bits"))
        }
    }
}

impl TryFrom<String> for Network {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl PrivateNetworks {
    /// Whether an address is in one of the ranges.
    #[must_use]
    pub fn contain(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(address))
    }
}

impl Default for PrivateNetworks {
    /// Loopback, RFC 1918, unique-local and link-local addresses.
    fn default() -> Self {
        Self(vec![
            Network::v4(127, 0, 8),
            Network::v4(10, 0, 8),
            Network::v4(172, 16, 12),
            Network::v4(192, 168, 16),
            Network::v4(169, 254, 16),
            Network { address: IpAddr::V6(Ipv6Addr::LOCALHOST), prefix_bits: 128 },
            Network::v6(0xfc00, 7),
            Network::v6(0xfe80, 10),
        ])
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::{Network, PrivateNetworks};

    #[test]
    fn private_addresses_are_those_of_the_default_ranges() {
        let networks = PrivateNetworks::default();
        for address in [
            "127.0.0.1",
            "127.255.255.255",
            "10.255.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.0.1",
            "169.254.169.254",
            "::1",
            "fc00::1",
            "fdff::1",
            "fe80::1",
            "febf::1",
            "::ffff:10.0.0.1",
        ] {
            assert!(networks.contain(address.parse().unwrap()), "{address}");
        }
        for address in [
            "11.0.0.1",
            "126.255.255.255",
            "172.15.255.255",
            "172.32.0.0",
            "192.169.0.0",
            "0.0.0.0",
            "8.8.8.8",
            "::",
            "::2",
            "fec0::1",
            "fe00::1",
            "2001:db8::1",
            "::ffff:8.8.8.8",
            "::10.0.0.1",
        ] {
            assert!(!networks.contain(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn a_range_is_an_address_and_the_length_of_its_prefix() {
        let everything: Network = "0.0.0.0/0".parse().unwrap();
        assert!(everything.contains("8.8.8.8".parse().unwrap()));
        assert!(!everything.contains("::1".parse().unwrap()));
        let one: Network = "192.0.2.7".parse().unwrap();
        assert_eq!(one, "192.0.2.7/32".parse().unwrap());
        assert!(!one.contains("192.0.2.8".parse().unwrap()));
        for text in ["", "x", "10.0.0.0/33", "::/129", "10.0.0.0/-1", "10.1.0.0/8", "10/8", "/8"] {
            assert!(text.parse::<Network>().is_err(), "{text}");
        }
    }
}
