//! Which ports do rules tell apart?

use std::collections::HashMap;

use kodkod_rules::PortSet;

use crate::compile::Compiled;

/// More ports than this are as good as any.
const MANY_PORTS: usize = 20_000;

/// Which end's port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Role {
    Source,
    Destination,
}

/// Distinct sets of ports, numbered from 1.
#[derive(Default)]
pub(super) struct PortScopes {
    known: Vec<(Role, PortSet)>,
    numbers: HashMap<(Role, PortSet), u32>,
}

impl PortScopes {
    /// The scopes in which a rule's packets are met: its narrower end. Two for a rule that holds both ways; none stands
    /// for any port.
    pub(super) fn of(&mut self, rule: &Compiled) -> Vec<Option<u32>> {
        let (source, destination) = (&rule.source_ports, &rule.destination_ports);
        let (role, ports) =
            if destination.len() <= source.len() { (Role::Destination, destination) } else { (Role::Source, source) };
        if ports.len() > MANY_PORTS {
            return vec![None];
        }
        let mut found = vec![Some(self.number(role, ports))];
        if rule.both_ways {
            let other = if role == Role::Source { Role::Destination } else { Role::Source };
            found.push(Some(self.number(other, ports)));
        }
        found
    }

    fn number(&mut self, role: Role, ports: &PortSet) -> u32 {
        if let Some(number) = self.numbers.get(&(role, ports.clone())) {
            return *number;
        }
        self.known.push((role, ports.clone()));
        let number = u32::try_from(self.known.len()).unwrap_or(u32::MAX);
        self.numbers.insert((role, ports.clone()), number);
        number
    }
}

/// Ports that are in the same scopes share a class.
pub(super) struct PortClasses {
    of_port: Vec<u16>,
    scopes: Vec<Vec<u32>>,
}

impl PortClasses {
    pub(super) fn new(all: &PortScopes, role: Role) -> Self {
        let mut edges: Vec<(u32, u32, bool)> = Vec::new();
        for ((_, ports), number) in all.known.iter().zip(1..).filter(|((of, _), _)| *of == role) {
            for (low, high) in ports.ranges() {
                edges.push((u32::from(*low), number, true));
                edges.push((u32::from(*high) + 1, number, false));
            }
        }
        edges.sort_unstable();
        let mut classes = Self { of_port: vec![0; 65536], scopes: vec![Vec::new()] };
        let mut known: HashMap<Vec<u32>, u16> = HashMap::from([(Vec::new(), 0)]);
        let mut open: Vec<u32> = Vec::new();
        let mut edges = edges.into_iter().peekable();
        while let Some((port, number, opens)) = edges.next() {
            if opens {
                open.push(number)
            } else {
                open.retain(|member| *member != number)
            }
            let next = edges.peek().map_or(65536, |(next, ..)| *next);
            if next == port {
                continue;
            }
            open.sort_unstable();
            let class = *known.entry(open.clone()).or_insert_with(|| {
                classes.scopes.push(open.clone());
                u16::try_from(classes.scopes.len() - 1).unwrap_or(0)
            });
            let from = port.min(65536) as usize;
            classes.of_port[from..next.min(65536) as usize].fill(class);
        }
        classes
    }

    #[inline]
    pub(super) fn class(&self, port: u16) -> u16 {
        self.of_port.get(usize::from(port)).copied().unwrap_or(0)
    }

    /// The classes of a scope's ports, ascending.
    pub(super) fn within(&self, scope: u32) -> impl Iterator<Item = u16> {
        (0_u16..).zip(&self.scopes).filter(move |(_, scopes)| scopes.contains(&scope)).map(|(class, _)| class)
    }
}
