//! Community ID: one text for a conversation that all tools agree on.

use std::net::IpAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kodkod_wire::Protocol;
use sha1::{Digest, Sha1};

use crate::Side;
use crate::key::{icmp_counterpart, icmpv6_counterpart};

/// Version 1, seed 0. `first` and `second` may come in either order, except for ICMP messages that go one way.
pub(crate) fn id(protocol: Protocol, first: Side, second: Side) -> String {
    let is_one_way = is_one_way_icmp(protocol, first.port);
    let is_in_order = (first.address, first.port) <= (second.address, second.port);
    let (low, high) = if is_in_order || is_one_way { (first, second) } else { (second, first) };
    let mut hash = Sha1::new();
    hash.update([0, 0]); // the seed
    update_address(&mut hash, low.address);
    update_address(&mut hash, high.address);
    hash.update([protocol.0, 0]);
    if has_port_words(protocol) {
        hash.update(low.port.to_be_bytes());
        hash.update(high.port.to_be_bytes());
    }
    format!("1:{}", STANDARD.encode(hash.finalize()))
}

fn is_one_way_icmp(protocol: Protocol, port: u16) -> bool {
    let kind = u8::try_from(port).unwrap_or(u8::MAX);
    match protocol {
        Protocol::ICMP => icmp_counterpart(kind).is_none(),
        Protocol::ICMPV6 => icmpv6_counterpart(kind).is_none(),
        _ => false,
    }
}

fn has_port_words(protocol: Protocol) -> bool {
    matches!(protocol, Protocol::TCP | Protocol::UDP | Protocol::SCTP | Protocol::ICMP | Protocol::ICMPV6)
}

fn update_address(hash: &mut Sha1, address: IpAddr) {
    match address {
        IpAddr::V4(v4) => hash.update(v4.octets()),
        IpAddr::V6(v6) => hash.update(v6.octets()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn side(address: &str, port: u16) -> Side {
        Side { address: address.parse().unwrap(), port }
    }

    /// The examples of the specification's baseline for seed 0.
    #[test]
    fn the_baseline_of_the_specification_holds() {
        let cases = [
            (
                Protocol::TCP,
                side("128.232.110.120", 34855),
                side("66.35.250.204", 80),
                "1:LQU9qZlK+B5F3KDmev6m5PMibrg=",
            ),
            (Protocol::UDP, side("192.168.1.52", 54585), side("8.8.8.8", 53), "1:d/FP5EW3wiY1vCndhwleRRKHowQ="),
            (Protocol::ICMP, side("192.168.0.89", 8), side("192.168.0.1", 0), "1:X0snYXpgwiv9TZtqg64sgzUn6Dk="),
        ];
        for (protocol, first, second, expected) in cases {
            assert_eq!(id(protocol, first, second), expected);
            assert_eq!(id(protocol, second, first), expected);
        }
    }
}
