//! Which addresses a target may have. What is sent for a tenant must not reach this machine, its network or a cloud's
//! metadata service, whatever a name resolves to; so the check is on the address that is about to be connected.
//!
//! The ranges are IANA's special-purpose registries. `IpAddr::is_global` of std would be the thing, but is not stable.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::LazyLock;

use ipnet::{Ipv4Net, Ipv6Net};

/// Not for the open internet: this network, private, shared (carrier NAT), loopback, link-local, protocol assignments,
/// documentation, 6to4 relay, benchmarking, multicast, reserved.
const CLOSED_V4: [&str; 16] = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.31.196.0/24",
    "192.52.193.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/3",
];

/// Only this part of IPv6 is given out for the open internet …
const OPEN_V6: &str = "2000::/3";

/// … and of it not: protocol assignments (Teredo, ORCHID), documentation, AS112.
const CLOSED_V6: [&str; 5] = ["2001::/23", "2001:db8::/32", "3fff::/20", "2620:4f:8000::/48", "3ffe::/16"];

struct Ranges {
    closed_v4: Vec<Ipv4Net>,
    open_v6: Vec<Ipv6Net>,
    closed_v6: Vec<Ipv6Net>,
}

static RANGES: LazyLock<Ranges> = LazyLock::new(|| Ranges {
    closed_v4: CLOSED_V4.iter().filter_map(|text| text.parse().ok()).collect(),
    open_v6: OPEN_V6.parse().into_iter().collect(),
    closed_v6: CLOSED_V6.iter().filter_map(|text| text.parse().ok()).collect(),
});

/// Whether an address is one of the open internet.
pub fn is_open(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => open_v4(address),
        IpAddr::V6(address) => open_v6(address),
    }
}

fn open_v4(address: Ipv4Addr) -> bool {
    !RANGES.closed_v4.iter().any(|net| net.contains(&address))
}

/// Addresses that carry an IPv4 address are as open as that one; those that only translate towards it are closed.
fn open_v6(address: Ipv6Addr) -> bool {
    if let Some(mapped) = address.to_ipv4_mapped() {
        return open_v4(mapped);
    }
    let segments = address.segments();
    if segments[0] == 0x2002 {
        // 6to4: the IPv4 address stands behind the prefix.
        let [a, b] = segments[1].to_be_bytes();
        let [c, d] = segments[2].to_be_bytes();
        return open_v4(Ipv4Addr::new(a, b, c, d));
    }
    RANGES.open_v6.iter().any(|net| net.contains(&address))
        && !RANGES.closed_v6.iter().any(|net| net.contains(&address))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise 33: every family of address that does not lead to the open internet.
    const CLOSED: [&str; 66] = [
        "0.0.0.0",
        "0.1.2.3",
        "0.255.255.255",
        "10.0.0.0",
        "10.0.0.1",
        "10.255.255.255",
        "100.64.0.0",
        "100.100.100.200",
        "100.127.255.255",
        "127.0.0.0",
        "127.0.0.1",
        "127.0.1.1",
        "127.255.255.254",
        "169.254.0.1",
        "169.254.169.254",
        "169.254.170.2",
        "169.254.255.255",
        "172.16.0.0",
        "172.16.0.1",
        "172.17.0.1",
        "172.31.255.255",
        "192.0.0.1",
        "192.0.0.8",
        "192.0.0.170",
        "192.0.0.192",
        "192.0.2.1",
        "192.31.196.1",
        "192.52.193.1",
        "192.88.99.1",
        "192.168.0.1",
        "192.168.1.254",
        "192.168.255.255",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.7",
        "203.0.113.9",
        "224.0.0.1",
        "239.255.255.250",
        "240.0.0.1",
        "250.1.2.3",
        "255.255.255.254",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "::ffff:0:127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::8.8.8.8",
        "64:ff9b:1::a00:1",
        "100::1",
        "2001::1",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2",
        "2001:20::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "2002:a00:1::1",
        "2002:c0a8:101::1",
        "3fff::1",
        "5f00::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "ff02::1",
    ];

    const OPEN: [&str; 14] = [
        "1.1.1.1",
        "8.8.8.8",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "192.0.1.1",
        "198.17.255.255",
        "223.255.255.255",
        "2606:4700:4700::1111",
        "::ffff:8.8.8.8",
        "2002:808:808::1",
    ];

    #[test]
    fn no_address_inside_is_open() {
        for text in CLOSED {
            assert!(!is_open(text.parse().expect(text)), "{text} is let through");
        }
    }

    #[test]
    fn addresses_outside_are_open_up_to_the_edges_of_the_closed_ranges() {
        for text in OPEN {
            assert!(is_open(text.parse().expect(text)), "{text} is refused");
        }
    }

    #[test]
    fn every_range_is_read() {
        assert_eq!(RANGES.closed_v4.len(), CLOSED_V4.len());
        assert_eq!(RANGES.closed_v6.len(), CLOSED_V6.len());
        assert_eq!(RANGES.open_v6.len(), 1);
    }
}
