//! Which handshake messages has one side sent?

use super::certificates::{Certificate, first_certificate};
use super::hellos::{Hello, client_hello, server_hello};
use crate::Anomaly;

/// A handshake message that is kept until it is whole. Certificate chains are the longest, a few KiB each; post-quantum
/// hellos have two.
const MESSAGE_MAX: usize = 64 * 1024;

/// What a handshake message told.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Told {
    ClientHello(Hello),
    ServerHello(Hello),
    Certificate(Certificate),
}

/// The handshake messages of one direction, which records may cut or join as they like (RFC 8446 section 5.1).
#[derive(Debug, Default)]
pub(super) struct Handshakes {
    held: Vec<u8>,
    /// Bytes of a message without interest that are still to come.
    skip: usize,
}

impl Handshakes {
    /// Take a record's contents; call `tell` for each message that says something.
    pub(super) fn take(&mut self, contents: &[u8], mut tell: impl FnMut(Result<Told, Anomaly>)) {
        let skipped = self.skip.min(contents.len());
        self.skip = self.skip.saturating_sub(skipped);
        let contents = contents.get(skipped..).unwrap_or_default();
        if self.held.is_empty() {
            let taken = self.messages(contents, &mut tell);
            self.held.extend_from_slice(contents.get(taken..).unwrap_or_default());
        } else {
            let mut held = std::mem::take(&mut self.held);
            held.extend_from_slice(contents);
            let taken = self.messages(&held, &mut tell);
            held.drain(..taken.min(held.len()));
            self.held = held;
        }
    }

    /// Read whole messages; returns how many bytes they were.
    fn messages(&mut self, bytes: &[u8], tell: &mut impl FnMut(Result<Told, Anomaly>)) -> usize {
        let mut rest = bytes;
        // Ends because each turn takes a header at least.
        while let Some(([kind, high, middle, low], body)) = rest.split_first_chunk::<4>() {
            let len = usize::try_from(u32::from_be_bytes([0, *high, *middle, *low])).unwrap_or(usize::MAX);
            let is_interesting = matches!(kind, 1 | 2 | 11);
            let Some((message, after)) = body.split_at_checked(len) else {
                if is_interesting && len <= MESSAGE_MAX {
                    break;
                }
                if is_interesting {
                    tell(Err(Anomaly::TlsHandshakeTooLong));
                }
                self.skip = len.saturating_sub(body.len());
                return bytes.len();
            };
            let told = match kind {
                1 => Some(client_hello(message).map(Told::ClientHello)),
                2 => Some(server_hello(message).map(Told::ServerHello)),
                11 => Some(first_certificate(message).map(Told::Certificate)),
                _ => None,
            };
            if let Some(told) = told {
                tell(told.ok_or(Anomaly::TlsMalformed));
            }
            rest = after;
        }
        bytes.len().saturating_sub(rest.len())
    }
}
