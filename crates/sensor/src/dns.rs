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
