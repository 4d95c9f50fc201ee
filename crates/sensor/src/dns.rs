//! Which answer belongs to which query?

use kodkod_inspect::DnsMessage;
use kodkod_stream::{Identity, Side};

use crate::facts::Dns;

/// Queries of one flow that wait for an answer; the oldest is given up for a new one. Resolvers that reuse one socket
/// have some dozens under way.
const PENDING_MAX: usize = 256;

/// A query is given up after so long: resolvers do (resolv.conf: 5 s and a second try).
const PATIENCE_NS: u64 = 10_000_000_000;

/// A query that waits.
#[derive(Debug)]
pub(crate) struct Query {
    ts_ns: u64,
    message: DnsMessage,
}

/// The queries of one flow that wait, in the order they came.
#[derive(Debug, Default)]
pub(crate) struct Queries {
    pending: Vec<Query>,
}

impl Queries {
    /// Take a message; what is settled by it goes to `out`.
    pub(crate) fn take(&mut self, message: DnsMessage, ts_ns: u64, identity: &Identity, out: &mut Vec<Dns>) {
        if message.is_response {
            let query = self.answered_by(&message);
            out.push(answered(message, ts_ns, query.map(|query| query.ts_ns), identity));
            return;
        }
        let is_repeated = self.pending.iter().any(|query| is_same_question(&query.message, &message));
        if is_repeated {
            return; // the resolver tries again: still one exchange, from the first query on
        }
        if self.pending.len() >= PENDING_MAX {
            out.push(unanswered(self.pending.remove(0), identity));
        }
        self.pending.push(Query { ts_ns, message });
    }

    /// Give up the queries that have waited too long.
    pub(crate) fn expire(&mut self, now_ns: u64, identity: &Identity, out: &mut Vec<Dns>) {
        // Ends: each turn takes a query out.
        while self.pending.first().is_some_and(|query| now_ns.saturating_sub(query.ts_ns) >= PATIENCE_NS) {
            out.push(unanswered(self.pending.remove(0), identity));
        }
    }

    /// Give up all queries: the flow is over.
    pub(crate) fn give_up(&mut self, identity: &Identity, out: &mut Vec<Dns>) {
        out.extend(self.pending.drain(..).map(|query| unanswered(query, identity)));
    }

    fn answered_by(&mut self, answer: &DnsMessage) -> Option<Query> {
        // An answer with an error may come without its question.
        let is_asked = |query: &Query| {
            query.message.id == answer.id && (answer.qname.is_empty() || is_same_question(&query.message, answer))
        };
        let index = self.pending.iter().position(is_asked)?;
        Some(self.pending.remove(index))
    }
}

fn is_same_question(one: &DnsMessage, other: &DnsMessage) -> bool {
    one.id == other.id && one.qtype == other.qtype && one.qname.eq_ignore_ascii_case(&other.qname)
}

fn answered(answer: DnsMessage, ts_ns: u64, asked_ns: Option<u64>, identity: &Identity) -> Dns {
    Dns {
        ts_ns: asked_ns.unwrap_or(ts_ns),
        rcode: answer.rcode.clone(),
        latency_ns: asked_ns.map(|asked_ns| ts_ns.saturating_sub(asked_ns)),
        ..exchange(answer, identity)
    }
}

fn unanswered(query: Query, identity: &Identity) -> Dns {
    Dns { ts_ns: query.ts_ns, rcode: None, latency_ns: None, ..exchange(query.message, identity) }
}

fn exchange(message: DnsMessage, identity: &Identity) -> Dns {
    let pair = |side: Side| (side.address, side.port);
    Dns {
        tag: identity.tag,
        ts_ns: 0,
        client: pair(identity.client),
        server: pair(identity.server),
        qname: message.qname,
        qtype: message.qtype,
        qclass: message.qclass,
        rcode: None,
        rrsets: message.rrsets,
        latency_ns: None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use kodkod_wire::Protocol;

    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn identity() -> Identity {
        let side = |address: &str, port| Side { address: address.parse().unwrap(), port };
        Identity {
            id: 1,
            tag: 3,
            vlan: None,
            protocol: Protocol::UDP,
            client: side("10.0.0.1", 5555),
            server: side("10.0.0.53", 53),
            start_ns: 0,
        }
    }

    fn query(id: u16, qname: &str) -> DnsMessage {
        DnsMessage { id, qname: qname.into(), qtype: "A".into(), qclass: "IN".into(), ..DnsMessage::default() }
    }

    fn answer(id: u16, qname: &str, rcode: &str) -> DnsMessage {
        DnsMessage { is_response: true, rcode: Some(rcode.into()), ..query(id, qname) }
    }

    /// Name, code and latency of what is settled by messages `(time, message)`, then by the flow's end.
    fn settled(messages: Vec<(u64, DnsMessage)>) -> Vec<(String, Option<String>, Option<u64>)> {
        let (mut queries, mut out) = (Queries::default(), Vec::new());
        for (ts_ns, message) in messages {
            queries.expire(ts_ns, &identity(), &mut out);
            queries.take(message, ts_ns, &identity(), &mut out);
        }
        queries.give_up(&identity(), &mut out);
        out.into_iter().map(|dns| (dns.qname, dns.rcode, dns.latency_ns)).collect()
    }

    #[test]
    fn an_answer_finds_its_query_by_id_and_question() {
        let messages = vec![
            (1, query(7, "a.test")),
            (2, query(7, "b.test")),
            (9, answer(7, "B.test", "NoError")),
            (11, answer(7, "a.test", "NXDomain")),
        ];
        let expected = [("B.test", "NoError", 7), ("a.test", "NXDomain", 10)];
        let expected = expected.map(|(name, code, ns)| (name.to_owned(), Some(code.to_owned()), Some(ns)));
        assert_eq!(settled(messages), expected);
    }

    #[test]
    fn a_repeated_query_is_the_same_exchange() {
        let messages = vec![(1, query(7, "a.test")), (5, query(7, "a.test")), (8, answer(7, "a.test", "NoError"))];
        assert_eq!(settled(messages), [("a.test".to_owned(), Some("NoError".to_owned()), Some(7))]);
    }

    #[test]
    fn a_query_without_an_answer_is_given_up_and_an_answer_without_a_query_is_told() {
        let messages = vec![(1, query(7, "a.test")), (11 * SECOND, answer(7, "a.test", "NoError"))];
        let expected = [("a.test".to_owned(), None, None), ("a.test".to_owned(), Some("NoError".to_owned()), None)];
        assert_eq!(settled(messages), expected);
        assert_eq!(settled(vec![(1, query(8, "c.test"))]), [("c.test".to_owned(), None, None)]);
    }
}
