//! Who reads this flow, from its first byte to its last?
//!
//! A conversation holds what the wizard needs, then hands each direction's bytes to the inspector of the protocol.

use kodkod_stream::Direction;

use crate::plain::{self, Plain};
use crate::wizard::{self, Guess};
use crate::{Anomaly, Limits, Pdu, Service, Transaction};
use crate::{dns, http, mail, tls};

/// What carries the conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// An ordered stream in each direction.
    Tcp,
    /// Datagrams.
    Udp,
}

/// The next thing about one direction of a stream, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input<'a> {
    /// The next bytes. How they are cut does not matter.
    Data(&'a [u8]),
    /// So many bytes are missing and will not come.
    Gap(u64),
    /// This direction has ended (FIN, RST or the flow's time).
    End,
}

/// Takes what inspectors find, in order.
pub trait Sink {
    /// A PDU, or a stage of one; its bytes live only as long as the call.
    fn pdu(&mut self, pdu: &Pdu<'_>);

    /// A fact to keep.
    fn transaction(&mut self, fact: Transaction);

    /// Whether HTTP heads should be told as transactions. They cost a few allocations each, so the answer is no unless
    /// someone reads them.
    fn wants_http(&self) -> bool {
        false
    }

    /// A bound was crossed or the traffic breaks its protocol; to be counted.
    fn anomaly(&mut self, _anomaly: Anomaly) {}
}

/// One flow's inspector: both directions, one protocol.
#[derive(Debug)]
pub struct Conversation {
    transport: Transport,
    server_port: u16,
    limits: Limits,
    /// The protocol that opened the way for this one (HTTP's CONNECT and Upgrade).
    outer: Service,
    state: State,
}

#[derive(Debug)]
enum State {
    /// Nothing was said yet: most flows of a scan stay here and cost nothing.
    Silent,
    Naming(Box<Naming>),
    Datagrams(Datagrams),
    Plain(Box<Plain>),
    Http(Box<http::Session>),
    Dns(Box<dns::Stream>),
    Tls(Box<tls::Session>),
    Mail(Box<mail::Session>),
    Opaque(Service),
}

/// What was said before the protocol has a name.
#[derive(Debug)]
struct Naming {
    first_speaker: Direction,
    held: [Vec<u8>; 2],
}

#[derive(Debug, Default)]
struct Datagrams {
    service: Service,
    messages: [u64; 2],
}

/// What the inspector wants done after some input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Go on.
    Stay,
    /// Nothing more can be seen.
    Opaque,
    /// The protocol's framing is lost; read on without it, from the last so many bytes of the input.
    Unframed(usize),
    /// The protocol has ended and another begins: the last so many bytes of the input belong to it.
    Renew(usize),
}

impl Conversation {
    /// A conversation of which nothing was seen yet. `server_port` helps where the first bytes tell nothing.
    #[must_use]
    pub fn new(transport: Transport, server_port: u16, limits: &Limits) -> Self {
        Self { transport, server_port, limits: *limits, outer: Service::Unknown, state: State::Silent }
    }

    /// A stream whose protocol another flow has announced ([`crate::DataChannel`]).
    #[must_use]
    pub fn expected(service: Service, limits: &Limits) -> Self {
        let mut conversation = Self::new(Transport::Tcp, 0, limits);
        conversation.state = conversation.named_state(service);
        conversation
    }

    /// The protocol, as far as it is known.
    #[must_use]
    pub fn service(&self) -> Service {
        let service = match &self.state {
            State::Silent | State::Naming(_) => Service::Unknown,
            State::Datagrams(datagrams) => datagrams.service,
            State::Plain(plain) => plain.service(),
            State::Http(_) => Service::Http,
            State::Dns(_) => Service::Dns,
            State::Tls(_) => Service::Tls,
            State::Mail(session) => session.service(),
            State::Opaque(service) => *service,
        };
        if service == Service::Unknown { self.outer } else { service }
    }

    /// True when nothing more can be seen, whatever comes: the caller may stop reassembling.
    #[must_use]
    pub fn is_opaque(&self) -> bool {
        matches!(self.state, State::Opaque(_))
    }

    /// Take the next input of one direction of a TCP stream.
    pub fn on_stream(&mut self, direction: Direction, input: Input<'_>, sink: &mut dyn Sink) {
        let outcome = match &mut self.state {
            State::Silent | State::Naming(_) => return self.on_unnamed(direction, input, sink),
            State::Plain(plain) => return plain.on_stream(direction, input, sink),
            State::Http(session) => session.on_stream(direction, input, sink),
            State::Dns(stream) => stream.on_stream(direction, input, sink),
            State::Tls(session) => session.on_stream(direction, input, sink),
            State::Mail(session) => session.on_stream(direction, input, sink),
            State::Datagrams(_) | State::Opaque(_) => return,
        };
        match (outcome, input) {
            (Outcome::Stay, _) => {}
            (Outcome::Opaque, _) => self.state = State::Opaque(self.service()),
            (Outcome::Renew(rest), Input::Data(data)) => {
                self.outer = self.service();
                self.state = State::Silent;
                // The port was the outer protocol's and tells nothing of the inner one.
                self.server_port = 0;
                let rest = data.len().checked_sub(rest).and_then(|at| data.get(at..)).unwrap_or_default();
                // Ends because the new protocol begins behind at least one byte of the old.
                self.on_stream(direction, Input::Data(rest), sink);
            }
            (Outcome::Unframed(rest), _) => self.unframe(direction, input, rest, sink),
            (Outcome::Renew(_), _) => {}
        }
    }

    /// Read on without the protocol's frames: what was held, then the last `rest` bytes of the input.
    fn unframe(&mut self, direction: Direction, input: Input<'_>, rest: usize, sink: &mut dyn Sink) {
        let plain = State::Plain(Box::new(Plain::unframed(self.service(), &self.limits)));
        let [to_server, to_client] = match std::mem::replace(&mut self.state, plain) {
            State::Dns(stream) => stream.into_held(),
            State::Tls(session) => session.into_held(),
            _ => Default::default(),
        };
        let (held, other) = match direction {
            Direction::ToServer => (to_server, to_client),
            Direction::ToClient => (to_client, to_server),
        };
        self.on_stream(direction.reversed(), Input::Data(&other), sink);
        self.on_stream(direction, Input::Data(&held), sink);
        let input = match input {
            Input::Data(data) => {
                Input::Data(data.len().checked_sub(rest).and_then(|at| data.get(at..)).unwrap_or_default())
            }
            other => other,
        };
        self.on_stream(direction, input, sink);
    }

    /// How many of this direction's next bytes need not be handed in as data: a caller that has not copied them yet may
    /// say [`Input::Gap`] of that length, or any shorter one, without changing what is found. `u64::MAX`: all.
    #[must_use]
    pub fn skippable(&self, direction: Direction) -> u64 {
        match &self.state {
            State::Opaque(_) => u64::MAX,
            State::Http(session) => session.skippable(direction),
            State::Tls(session) => session.skippable(direction),
            _ => 0,
        }
    }

    /// Take one UDP payload.
    pub fn on_datagram(&mut self, direction: Direction, payload: &[u8], sink: &mut dyn Sink) {
        if matches!(self.state, State::Silent) {
            self.state = State::Datagrams(Datagrams::default());
        }
        let State::Datagrams(datagrams) = &mut self.state else { return };
        if datagrams.service == Service::Unknown {
            datagrams.service = wizard::name_datagram(payload, self.server_port);
        }
        let [to_server, to_client] = &mut datagrams.messages;
        let message = if direction == Direction::ToServer { to_server } else { to_client };
        if datagrams.service == Service::Dns {
            dns::emit(direction, *message, payload, payload, sink);
        } else {
            plain::emit(datagrams.service, direction, *message, payload, sink);
        }
        *message = message.wrapping_add(1);
    }

    /// The flow has been quiet for a while: what is held and complete enough goes out, so that an alert need not wait
    /// for the flow's end.
    pub fn on_idle(&mut self, sink: &mut dyn Sink) {
        if matches!(self.state, State::Naming(_)) {
            self.settle(sink);
        }
        match &mut self.state {
            State::Plain(plain) => plain.on_idle(sink),
            State::Http(session) => session.on_idle(sink),
            State::Mail(session) => session.on_idle(sink),
            State::Silent
            | State::Naming(_)
            | State::Datagrams(_)
            | State::Dns(_)
            | State::Tls(_)
            | State::Opaque(_) => {}
        }
    }

    /// Look for a name; hold what was said until there is one, the turn has gone to and fro, or enough was held.
    fn on_unnamed(&mut self, direction: Direction, input: Input<'_>, sink: &mut dyn Sink) {
        let data = match input {
            Input::Data([]) => return,
            Input::Data(data) => data,
            // A side that ends without a word leaves the other's first bytes to tell the name.
            Input::End if matches!(self.state, State::Silent) => return,
            Input::Gap(_) | Input::End => {
                self.settle(sink);
                return self.on_stream(direction, input, sink);
            }
        };
        let naming = match std::mem::replace(&mut self.state, State::Silent) {
            State::Naming(naming) => Some(naming),
            _ => None,
        };
        let Some(mut naming) = naming else {
            return match wizard::name_stream(direction, data, self.server_port) {
                Guess::Named(service) => self.begin(service, direction, data, sink),
                Guess::More | Guess::Unknown => self.hold(Naming::new(direction), direction, data, sink),
            };
        };
        if direction == naming.first_speaker && !naming.side(direction.reversed()).is_empty() {
            self.state = State::Naming(naming);
            self.settle(sink);
            return self.on_stream(direction, input, sink);
        }
        let held = naming.side(direction).len();
        naming.side(direction).extend_from_slice(data);
        let guess = wizard::name_stream(direction, naming.side(direction), self.server_port);
        naming.side(direction).truncate(held);
        match guess {
            Guess::Named(service) => {
                self.replay(service, *naming, sink);
                self.on_stream(direction, input, sink);
            }
            Guess::More | Guess::Unknown => self.hold(naming, direction, data, sink),
        }
    }

    /// Keep bytes without a name; past the bound the port has to tell.
    fn hold(&mut self, mut naming: Box<Naming>, direction: Direction, data: &[u8], sink: &mut dyn Sink) {
        let room = wizard::LOOK_MAX.saturating_sub(naming.side(direction).len());
        if data.len() < room {
            naming.side(direction).extend_from_slice(data);
            self.state = State::Naming(naming);
        } else {
            let service = wizard::service_of_port(self.transport, self.server_port);
            self.replay(service, *naming, sink);
            self.on_stream(direction, Input::Data(data), sink);
        }
    }

    /// Name the protocol by its port and let its inspector see what was held.
    fn settle(&mut self, sink: &mut dyn Sink) {
        let service = wizard::service_of_port(self.transport, self.server_port);
        match std::mem::replace(&mut self.state, State::Silent) {
            State::Naming(naming) => self.replay(service, *naming, sink),
            State::Silent => self.state = self.named_state(service),
            other => self.state = other,
        }
    }

    fn begin(&mut self, service: Service, direction: Direction, data: &[u8], sink: &mut dyn Sink) {
        self.state = self.named_state(service);
        self.on_stream(direction, Input::Data(data), sink);
    }

    /// Hand what was held to the protocol's inspector. Even there the protocol may end and another begin (an answer that
    /// switches protocols), so that the conversation may be without a name again afterwards. That happens once at most:
    /// the next time the port is not asked any more.
    fn replay(&mut self, service: Service, mut naming: Naming, sink: &mut dyn Sink) {
        self.state = self.named_state(service);
        for direction in [naming.first_speaker, naming.first_speaker.reversed()] {
            let held = std::mem::take(naming.side(direction));
            self.on_stream(direction, Input::Data(&held), sink);
        }
    }

    /// The inspector of a protocol whose signature was seen.
    fn named_state(&self, service: Service) -> State {
        match service {
            Service::Http => State::Http(Box::new(http::Session::new(&self.limits))),
            Service::Dns => State::Dns(Box::default()),
            Service::Tls => State::Tls(Box::default()),
            _ => self.unsigned_state(service),
        }
    }

    /// The inspector where only the port speaks for the protocol.
    fn unsigned_state(&self, service: Service) -> State {
        match service {
            Service::Smtp | Service::Pop3 | Service::Imap | Service::Ftp => {
                State::Mail(Box::new(mail::Session::new(service, &self.limits)))
            }
            _ => State::Plain(Box::new(Plain::new(service, &self.limits))),
        }
    }
}

impl Naming {
    fn new(first_speaker: Direction) -> Box<Self> {
        Box::new(Self { first_speaker, held: [Vec::new(), Vec::new()] })
    }

    fn side(&mut self, direction: Direction) -> &mut Vec<u8> {
        let [to_server, to_client] = &mut self.held;
        match direction {
            Direction::ToServer => to_server,
            Direction::ToClient => to_client,
        }
    }
}
