//! What do client and server say to each other in HTTP/1?
//!
//! A message is one or two stages: its head, and its body up to a depth. Tolerant, because servers and browsers are:
//! bare line feeds, folded fields, odd spaces, wrong lengths. Where framing is lost (bytes missing, garbage), lines are
//! searched until one begins a message again.

use kodkod_stream::Direction;

use crate::conversation::{Input, Outcome, Sink};
use crate::{Anomaly, Limits};

mod body;
mod buffers;
mod chunks;
mod exchange;
mod head;
mod params;
mod side;
mod stage;
mod unpack;
mod uri;

use exchange::Exchange;
use side::{Phase, Side};

/// Both directions of an HTTP/1 connection.
#[derive(Debug)]
pub(crate) struct Session {
    to_server: Side,
    to_client: Side,
    exchange: Exchange,
}

impl Session {
    pub(crate) fn new(limits: &Limits) -> Self {
        let side = |direction| Side::new(direction, limits);
        Self {
            to_server: side(Direction::ToServer),
            to_client: side(Direction::ToClient),
            exchange: Exchange::default(),
        }
    }

    pub(crate) fn on_stream(&mut self, direction: Direction, input: Input<'_>, sink: &mut dyn Sink) -> Outcome {
        match input {
            Input::Data(data) => self.on_data(direction, data, sink),
            Input::Gap(len) => {
                if self.skippable(direction) < len {
                    sink.anomaly(Anomaly::Gap);
                }
                self.side(direction).on_gap(len, sink);
                // Which answer belongs to which request is unknown now, unless the hole was inside a body.
                if matches!(self.side(direction).phase, Phase::Lost) {
                    self.exchange.forget();
                }
                Outcome::Stay
            }
            Input::End => {
                let (side, exchange) = self.side_and_exchange(direction);
                side.on_end(exchange, sink);
                Outcome::Stay
            }
        }
    }

    pub(crate) fn on_idle(&mut self, sink: &mut dyn Sink) {
        self.to_server.on_idle(sink);
        self.to_client.on_idle(sink);
    }

    /// Bytes that the next input of this direction may skip unseen.
    pub(crate) fn skippable(&self, direction: Direction) -> u64 {
        match direction {
            Direction::ToServer => self.to_server.skippable(),
            Direction::ToClient => self.to_client.skippable(),
        }
    }

    fn side(&mut self, direction: Direction) -> &mut Side {
        self.side_and_exchange(direction).0
    }

    fn side_and_exchange(&mut self, direction: Direction) -> (&mut Side, &mut Exchange) {
        match direction {
            Direction::ToServer => (&mut self.to_server, &mut self.exchange),
            Direction::ToClient => (&mut self.to_client, &mut self.exchange),
        }
    }

    fn on_data(&mut self, direction: Direction, mut data: &[u8], sink: &mut dyn Sink) -> Outcome {
        let (side, exchange) = self.side_and_exchange(direction);
        // Ends because each turn takes a byte, or changes to a phase that does.
        while !data.is_empty() {
            let taken = match side.phase {
                Phase::Head => side.on_head(data, exchange, sink),
                Phase::Body => side.on_body(data, sink),
                Phase::Lost => side.on_lost(data, sink),
            };
            data = data.get(taken..).unwrap_or_default();
            if exchange.is_switched {
                return Outcome::Renew(data.len());
            }
        }
        Outcome::Stay
    }
}
