//! Which addresses a connection may talk to, checked on every address a name resolves to.
//!
//! A name in a URL says nothing about where it leads: its owner may point it at a cloud's metadata service or at this
//! machine. So the resolver that the HTTP client uses is ours, and it hands out no address that does not fit.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::config::Reach;

impl Reach {
    /// As it stands in `andon.yaml`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Private => "private",
            Self::Loopback => "loopback",
        }
    }

    /// Whether that address may be reached.
    pub fn allows(self, address: IpAddr) -> bool {
        least(address).is_some_and(|least| self >= least)
    }
}

impl std::fmt::Display for Reach {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Addresses of clouds' own services that lie in ranges which could be reached otherwise. They hand out credentials
/// to whoever asks from the machine, so that no connection may talk to them. (169.254.169.254 and 192.0.0.192 lie in
/// ranges that are never reached.)
const CLOUD_SERVICES: [IpAddr; 4] = [
    // Azure's platform channel: learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16.
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
    // Alibaba Cloud's instance metadata.
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    // AWS's instance metadata over IPv6.
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
    // Google Cloud's instance metadata over IPv6.
    IpAddr::V6(Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)),
];

/// The narrowest reach that holds an address; none for those that no connection may reach.
fn least(address: IpAddr) -> Option<Reach> {
    if CLOUD_SERVICES.contains(&address) {
        return None;
    }
    match address {
        IpAddr::V4(address) => least_v4(address),
        IpAddr::V6(address) => least_v6(address),
    }
}

/// By the IANA special-purpose registry for IPv4.
fn least_v4(address: Ipv4Addr) -> Option<Reach> {
    match address.octets() {
        [127, ..] => Some(Reach::Loopback),
        [10, ..] | [192, 168, ..] | [172, 16..=31, ..] | [100, 64..=127, ..] => {
            Some(Reach::Private)
        }
        // This network, link-local, multicast, reserved and broadcast; protocol assignments, documentation, relays
        // that are no longer, benchmarks.
        [0 | 224.., ..]
        | [169, 254, ..]
        | [192, 0, 0 | 2, _]
        | [198, 51, 100, _]
        | [203, 0, 113, _]
        | [192, 88, 99, _]
        | [198, 18 | 19, ..] => None,
        _ => Some(Reach::Public),
    }
}

/// By the IANA special-purpose registry for IPv6: what is not global unicast, and forms that carry an IPv4 address past
/// the check of the one they carry, are never reached. The one exception is what DNS64 makes of a name.
fn least_v6(address: Ipv6Addr) -> Option<Reach> {
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 1] => Some(Reach::Loopback),
        [0xfc00..=0xfdff, ..] => Some(Reach::Private),
        // NAT64's well-known prefix (RFC 6052): as reachable as the address inside.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            let [a, b] = high.to_be_bytes();
            let [c, d] = low.to_be_bytes();
            least(IpAddr::V4(Ipv4Addr::new(a, b, c, d))).filter(|reach| *reach == Reach::Public)
        }
        // Teredo and other protocol assignments, documentation, 6to4.
        [0x2001, 0..=0x1ff | 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] | [0x2002, ..] => None,
        [0x2000..=0x3fff, ..] => Some(Reach::Public),
        _ => None,
    }
}

/// An address that does not fit, found while resolving. Its text must say all: it comes back inside the client's error.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{address} is outside `reach: {reach}`")]
pub(super) struct Outside {
    pub(super) address: IpAddr,
    pub(super) reach: Reach,
}

/// Gives back the addresses if every one of them fits. One that does not is no mistake to pass over: a name that leads
/// both outside and inside is how a check is tricked.
pub(super) fn all_fit(addresses: &[SocketAddr], reach: Reach) -> Result<(), Outside> {
    match addresses.iter().find(|found| !reach.allows(found.ip())) {
        Some(found) => Err(Outside {
            address: found.ip(),
            reach,
        }),
        None => Ok(()),
    }
}

/// The system's resolver, with the check behind it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Resolver {
    pub(super) reach: Reach,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.reach;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let addresses: Vec<SocketAddr> = found.collect();
            all_fit(&addresses, reach)?;
            let addresses: Addrs = Box::new(addresses.into_iter());
            Ok(addresses)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn each_reach_allows_what_it_says() {
        let table = [
            ("93.184.215.14", Some(Reach::Public)),
            (
                "2606:2800:21f:cb07:6820:80da:af6b:8b2c",
                Some(Reach::Public),
            ),
            ("64:ff9b::5db8:d70e", Some(Reach::Public)),
            ("10.1.2.3", Some(Reach::Private)),
            ("172.16.0.1", Some(Reach::Private)),
            ("172.32.0.1", Some(Reach::Public)),
            ("192.168.1.1", Some(Reach::Private)),
            ("100.64.0.1", Some(Reach::Private)),
            ("100.128.0.1", Some(Reach::Public)),
            ("fd12::1", Some(Reach::Private)),
            ("127.0.0.1", Some(Reach::Loopback)),
            ("127.9.9.9", Some(Reach::Loopback)),
            ("::1", Some(Reach::Loopback)),
            ("169.254.169.254", None),
            ("fe80::1", None),
            ("fec0::1", None),
            ("fd00:ec2::254", None),
            ("fd20:ce::254", None),
            ("168.63.129.16", None),
            ("100.100.100.200", None),
            ("0.0.0.0", None),
            ("::", None),
            ("224.0.0.1", None),
            ("255.255.255.255", None),
            ("ff02::1", None),
            ("192.0.2.1", None),
            ("198.51.100.1", None),
            ("203.0.113.1", None),
            ("198.18.0.1", None),
            ("2001:db8::1", None),
            ("3fff::1", None),
            ("::ffff:93.184.215.14", None),
            ("::ffff:127.0.0.1", None),
            ("::127.0.0.1", None),
            ("64:ff9b::7f00:1", None),
            ("64:ff9b::a9fe:a9fe", None),
            ("64:ff9b::a83f:8110", None),
            ("64:ff9b:1::1", None),
            ("2002:7f00:1::", None),
            ("2001::1", None),
        ];
        for (address, wanted) in table {
            assert_eq!(least(address.parse().unwrap()), wanted, "{address}");
        }
    }

    #[test]
    fn one_address_outside_refuses_the_name() {
        let addresses = ["93.184.215.14:0", "127.0.0.1:0"].map(|text| text.parse().unwrap());
        let outside = all_fit(&addresses, Reach::Private).unwrap_err();
        assert_eq!(outside.to_string(), "127.0.0.1 is outside `reach: private`");
        assert!(all_fit(&addresses, Reach::Loopback).is_ok());
    }

    proptest! {
        #[test]
        fn an_address_carried_in_ipv6_reaches_nothing_more(octets in any::<[u8; 4]>()) {
            let inside = Ipv4Addr::from(octets);
            prop_assert_eq!(least(IpAddr::V6(inside.to_ipv6_mapped())), None);
            let [a, b, c, d] = octets;
            let nat64 = Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
            let public = Reach::Public.allows(IpAddr::V4(inside));
            prop_assert_eq!(Reach::Loopback.allows(IpAddr::V6(nat64)), public);
        }

        #[test]
        fn a_wider_reach_allows_all_of_a_narrower(address in any::<std::net::IpAddr>()) {
            prop_assert!(!Reach::Public.allows(address) || Reach::Private.allows(address));
            prop_assert!(!Reach::Private.allows(address) || Reach::Loopback.allows(address));
        }
    }
}
