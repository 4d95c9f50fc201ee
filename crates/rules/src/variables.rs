//! What do `$HOME_NET` and the like stand for?

use std::collections::{BTreeMap, HashMap};

use crate::{AddressSet, MAX_LIST_DEPTH, MAX_LIST_MEMBERS, PortSet};

/// Variables of rule headers. Unset address variables mean any address, unset port variables the usual lists.
#[derive(Clone, Debug, Default)]
pub struct Variables {
    set: BTreeMap<String, String>,
}

impl Variables {
    /// Variables as given by the operator, names without `$`.
    pub fn new(set: impl IntoIterator<Item = (String, String)>) -> Self {
        Self { set: set.into_iter().map(|(name, value)| (name.trim_start_matches('$').to_owned(), value)).collect() }
    }

    /// Names and values in order of names, for digests.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.set.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    fn addresses(&self, name: &str) -> &str {
        self.set.get(name).map_or("any", String::as_str)
    }

    fn ports(&self, name: &str) -> Option<&str> {
        let usual = || USUAL_PORTS.iter().find(|(usual, _)| *usual == name).map(|(_, value)| *value);
        self.set.get(name).map(String::as_str).or_else(usual)
    }
}

/// Resolves lists and remembers what the common ones resolve to.
pub(crate) struct Resolver<'v> {
    variables: &'v Variables,
    addresses: HashMap<String, AddressSet>,
    ports: HashMap<String, PortSet>,
}

impl<'v> Resolver<'v> {
    pub(crate) fn new(variables: &'v Variables) -> Self {
        Self { variables, addresses: HashMap::new(), ports: HashMap::new() }
    }

    pub(crate) fn addresses(&mut self, text: &str) -> Result<AddressSet, String> {
        if let Some(known) = self.addresses.get(text) {
            return Ok(known.clone());
        }
        let mut budget = MAX_LIST_MEMBERS;
        let set = self.address_list(text, 0, &mut budget)?;
        self.addresses.insert(text.to_owned(), set.clone());
        Ok(set)
    }

    pub(crate) fn ports(&mut self, text: &str) -> Result<PortSet, String> {
        if let Some(known) = self.ports.get(text) {
            return Ok(known.clone());
        }
        let mut budget = MAX_LIST_MEMBERS;
        let set = self.port_list(text, 0, &mut budget)?;
        self.ports.insert(text.to_owned(), set.clone());
        Ok(set)
    }

    fn address_list(&self, text: &str, depth: usize, budget: &mut usize) -> Result<AddressSet, String> {
        spend(depth, budget)?;
        let text = text.trim();
        if let Some(rest) = text.strip_prefix('!') {
            return Ok(self.address_list(rest, depth + 1, budget)?.complement());
        }
        if let Some(inner) = bracketed(text)? {
            let (mut inside, mut outside) = (AddressSet::none(), AddressSet::none());
            let mut only_negated = true;
            for member in members(inner) {
                match member.strip_prefix('!') {
                    Some(rest) => outside = outside.union(&self.address_list(rest, depth + 1, budget)?),
                    None => {
                        only_negated = false;
                        inside = inside.union(&self.address_list(member, depth + 1, budget)?);
                    }
                }
            }
            let inside = if only_negated { AddressSet::any() } else { inside };
            return Ok(inside.minus(&outside));
        }
        if let Some(name) = variable_name(text) {
            return self.address_list(self.variables.addresses(name), depth + 1, budget);
        }
        if text.eq_ignore_ascii_case("any") { Ok(AddressSet::any()) } else { AddressSet::read(text) }
    }

    fn port_list(&self, text: &str, depth: usize, budget: &mut usize) -> Result<PortSet, String> {
        spend(depth, budget)?;
        let text = text.trim();
        if let Some(rest) = text.strip_prefix('!') {
            return Ok(self.port_list(rest, depth + 1, budget)?.complement());
        }
        if let Some(inner) = bracketed(text)? {
            let (mut inside, mut outside) = (PortSet::none(), PortSet::none());
            let mut only_negated = true;
            for member in members(inner) {
                match member.strip_prefix('!') {
                    Some(rest) => outside = outside.union(&self.port_list(rest, depth + 1, budget)?),
                    None => {
                        only_negated = false;
                        inside = inside.union(&self.port_list(member, depth + 1, budget)?);
                    }
                }
            }
            let inside = if only_negated { PortSet::any() } else { inside };
            return Ok(inside.minus(&outside));
        }
        if let Some(name) = variable_name(text) {
            let value = self.variables.ports(name).ok_or_else(|| format!("the port variable ${name} is not set"))?;
            // Lists of variables are often written with blanks only.
            let spaced = value.trim();
            if !spaced.starts_with(['[', '!', '$']) && spaced.contains(char::is_whitespace) {
                let joined = format!("[{}]", spaced.split_whitespace().collect::<Vec<_>>().join(","));
                return self.port_list(&joined, depth + 1, budget);
            }
            return self.port_list(value, depth + 1, budget);
        }
        port_range(text)
    }
}

fn port_range(text: &str) -> Result<PortSet, String> {
    let wrong = || format!("`{text}` is not a port or a range of ports");
    let one = |port: &str| port.trim().parse::<u16>().map_err(|_| wrong());
    if text.eq_ignore_ascii_case("any") {
        return Ok(PortSet::any());
    }
    match text.split_once(':') {
        None => one(text).map(|port| PortSet::between(port, port)),
        Some((low, high)) => {
            let low = if low.trim().is_empty() { 0 } else { one(low)? };
            let high = if high.trim().is_empty() { u16::MAX } else { one(high)? };
            if low > high { Err(wrong()) } else { Ok(PortSet::between(low, high)) }
        }
    }
}

fn spend(depth: usize, budget: &mut usize) -> Result<(), String> {
    if depth > MAX_LIST_DEPTH {
        return Err(format!("lists and variables nest deeper than {MAX_LIST_DEPTH}"));
    }
    *budget = budget.checked_sub(1).ok_or_else(|| format!("a list has more than {MAX_LIST_MEMBERS} members"))?;
    Ok(())
}

fn bracketed(text: &str) -> Result<Option<&str>, String> {
    match text.strip_prefix('[') {
        None => Ok(None),
        Some(rest) => rest.strip_suffix(']').map(Some).ok_or_else(|| "a list is not closed by `]`".to_owned()),
    }
}

/// Members of a list, split at commas outside inner brackets.
fn members(inner: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0_usize;
    inner
        .split(move |letter| {
            match letter {
                '[' => depth += 1,
                ']' => depth = depth.saturating_sub(1),
                _ => {}
            }
            letter == ',' && depth == 0
        })
        .map(str::trim)
        .filter(|member| !member.is_empty())
}

fn variable_name(text: &str) -> Option<&str> {
    let name = text.strip_prefix('$')?;
    Some(name.strip_prefix('{').and_then(|name| name.strip_suffix('}')).unwrap_or(name))
}

/// Ports that sensors usually ship with.
const USUAL_PORTS: &[(&str, &str)] = &[
    (
        "HTTP_PORTS",
        "[80,81,311,383,591,593,901,1220,1414,1741,1830,2301,2381,2809,3037,3128,3702,4343,4848,5250,6988,7000,7001,\
         7144,7145,7510,7777,7779,8000,8008,8014,8028,8080,8085,8088,8090,8118,8123,8180,8181,8243,8280,8300,8800,8888,\
         8899,9000,9060,9080,9090,9091,9443,9999,11371,34443,34444,41080,50002,55555]",
    ),
    ("FILE_DATA_PORTS", "[$HTTP_PORTS,110,143]"),
    ("MAIL_PORTS", "[110,143]"),
    ("ORACLE_PORTS", "1024:"),
    ("SHELLCODE_PORTS", "!80"),
    ("SSH_PORTS", "22"),
    ("FTP_PORTS", "[21,2100,3535]"),
    ("SIP_PORTS", "[5060,5061,5600]"),
    ("GTP_PORTS", "[2123,2152,3386]"),
    ("MODBUS_PORTS", "502"),
    ("DNP3_PORTS", "20000"),
    ("GENEVE_PORTS", "6081"),
    ("VXLAN_PORTS", "4789"),
    ("TEREDO_PORTS", "3544"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(set: &[(&str, &str)], text: &str) -> Result<PortSet, String> {
        let variables = Variables::new(set.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        Resolver::new(&variables).ports(text)
    }

    #[test]
    fn lists_ranges_and_negations() {
        let set = resolve(&[], "[80,1024:1030,!1026]").unwrap();
        assert!(set.contains(80) && set.contains(1030) && !set.contains(1026) && !set.contains(81));
        assert!(!resolve(&[], "!80").unwrap().contains(80));
        assert!(resolve(&[], "[!80,!81]").unwrap().contains(82));
        assert!(resolve(&[], "$FILE_DATA_PORTS").unwrap().contains(8080));
        assert!(resolve(&[("P", "80 443")], "$P").unwrap().contains(443));
    }

    #[test]
    fn an_unset_port_variable_is_named() {
        assert!(resolve(&[], "$NOWHERE_PORTS").unwrap_err().contains("NOWHERE_PORTS"));
    }

    #[test]
    fn deep_and_circular_lists_are_refused() {
        let brackets = "[".repeat(20_000) + "80" + &"]".repeat(20_000);
        assert!(resolve(&[], &brackets).unwrap_err().contains("deeper"));
        assert!(resolve(&[("A", "$B"), ("B", "$A")], "$A").unwrap_err().contains("deeper"));
    }
}
