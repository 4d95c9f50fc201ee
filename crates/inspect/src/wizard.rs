//! Which protocol is this?
//!
//! The first bytes of either side decide; where they do not, the server's port does. Each signature is monotone: an
//! answer for some first bytes stays the same for more of them, so that the cut into segments cannot change a name.

use kodkod_stream::Direction;

use crate::Service;

mod datagrams;
mod ports;
mod streams;

pub(crate) use datagrams::name_datagram;
pub(crate) use ports::service_of_port;
pub(crate) use streams::{http_request, http_response};

/// First bytes of a direction that are looked at. The longest signature is a line: an HTTP request line with an unusual
/// method, or a mail server's greeting (RFC 5321 section 4.5.3.1.5 ends one at 512).
pub(crate) const LOOK_MAX: usize = 512;

/// What one direction's first bytes tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Guess {
    /// This it is.
    Named(Service),
    /// More bytes may tell.
    More,
    /// No signature fits, nor will with more bytes.
    Unknown,
}

/// One signature's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fit {
    Yes,
    No,
    More,
}

type Signature = fn(&[u8], u16) -> Fit;

/// Guess from the first bytes one side of a stream has said; `port` is the server's.
pub(crate) fn name_stream(direction: Direction, first: &[u8], port: u16) -> Guess {
    let first = first.get(..LOOK_MAX).unwrap_or(first);
    let signatures = match direction {
        Direction::ToServer => streams::OF_CLIENTS,
        Direction::ToClient => streams::OF_SERVERS,
    };
    for (service, signature) in signatures {
        match signature(first, port) {
            Fit::Yes => return Guess::Named(*service),
            Fit::More if first.len() < LOOK_MAX => return Guess::More,
            Fit::More | Fit::No => {}
        }
    }
    Guess::Unknown
}
