//! Which addresses does a rule name?

use std::net::{IpAddr, Ipv4Addr};

/// A set of IPv4 and IPv6 addresses as sorted, disjoint, inclusive ranges; IPv4 lies at `::ffff:0:0/96`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AddressSet {
    ranges: Vec<(u128, u128)>,
}

impl AddressSet {
    /// All addresses.
    #[must_use]
    pub fn any() -> Self {
        Self { ranges: vec![(0, u128::MAX)] }
    }

    /// No address.
    #[must_use]
    pub fn none() -> Self {
        Self { ranges: Vec::new() }
    }

    /// Whether it holds every address.
    #[must_use]
    #[inline]
    pub fn is_any(&self) -> bool {
        matches!(self.ranges.as_slice(), [(0, u128::MAX)])
    }

    /// Whether it holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// Whether an address is inside.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let number = as_number(address);
        let at = self.ranges.partition_point(|(_, high)| *high < number);
        self.ranges.get(at).is_some_and(|(low, _)| *low <= number)
    }

    /// Read one address, `address/prefix`, `address/netmask` or `low-high`.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not an address");
        if let Some((low, high)) = text.split_once('-') {
            let low: IpAddr = low.trim().parse().map_err(|_| wrong())?;
            let high: IpAddr = high.trim().parse().map_err(|_| wrong())?;
            let (low, high) = (as_number(low), as_number(high));
            return if low <= high { Ok(Self { ranges: vec![(low, high)] }) } else { Err(wrong()) };
        }
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let length = match prefix {
            None => width,
            Some(prefix) => prefix_length(prefix).filter(|length| *length <= width).ok_or_else(wrong)?,
        };
        let host_bits = width - length;
        let host = if host_bits == 128 { u128::MAX } else { (1_u128 << host_bits) - 1 };
        let low = as_number(address) & !host;
        Ok(Self { ranges: vec![(low, low | host)] })
    }

    /// All addresses that are in either.
    #[must_use]
    pub fn union(mut self, other: &Self) -> Self {
        self.ranges.extend_from_slice(&other.ranges);
        self.ranges.sort_unstable();
        let mut joined: Vec<(u128, u128)> = Vec::with_capacity(self.ranges.len());
        for (low, high) in self.ranges {
            match joined.last_mut() {
                Some(last) if low <= last.1.saturating_add(1) => last.1 = last.1.max(high),
                _ => joined.push((low, high)),
            }
        }
        Self { ranges: joined }
    }

    /// All addresses that are not inside.
    #[must_use]
    pub fn complement(&self) -> Self {
        let mut ranges = Vec::with_capacity(self.ranges.len() + 1);
        let mut next = Some(0);
        for (low, high) in &self.ranges {
            if let Some(from) = next.filter(|from| from < low) {
                ranges.push((from, low - 1));
            }
            next = high.checked_add(1);
        }
        ranges.extend(next.map(|from| (from, u128::MAX)));
        Self { ranges }
    }

    /// Those of `self` that are not in `other`.
    #[must_use]
    pub fn minus(&self, other: &Self) -> Self {
        self.complement().union(other).complement()
    }
}

fn as_number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_ipv6_mapped()),
        IpAddr::V6(address) => u128::from(address),
    }
}

fn prefix_length(text: &str) -> Option<u32> {
    if let Ok(mask) = text.parse::<Ipv4Addr>() {
        let mask = u32::from(mask);
        let length = mask.leading_ones();
        return (mask.count_ones() == length).then_some(length);
    }
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_prefix_holds_its_network_only() {
        let set = AddressSet::read("10.1.0.0/16").unwrap();
        assert!(set.contains(ip("10.1.255.255")) && !set.contains(ip("10.2.0.0")));
        assert_eq!(AddressSet::read("10.1.0.0/255.255.0.0").unwrap(), set);
        assert!(AddressSet::read("fe80::/10").unwrap().contains(ip("fe80::1")));
        assert!(AddressSet::read("::/0").unwrap().is_any());
    }

    #[test]
    fn negation_leaves_the_rest() {
        let set = AddressSet::read("10.0.0.0/8").unwrap().minus(&AddressSet::read("10.1.0.0/16").unwrap());
        assert!(set.contains(ip("10.2.0.1")) && !set.contains(ip("10.1.0.1")) && !set.contains(ip("11.0.0.1")));
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in ["", "10.0.0", "10.0.0.0/33", "10.0.0.0/255.0.255.0", "host"] {
            assert!(AddressSet::read(text).is_err(), "{text}");
        }
    }
}
