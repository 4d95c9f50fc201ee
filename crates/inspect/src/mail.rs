//! What do mail and FTP sessions say, and which files do they carry?
//!
//! Commands are PDUs, a line each; the rest is cut as in a plain stream. Beside that, an ear on each direction notices
//! where a message is carried (SMTP's DATA, POP3's RETR, IMAP's literals) and tells the files in it, and where the session
//! turns to TLS.

use kodkod_stream::Direction;

use crate::conversation::{Input, Outcome, Sink};
use crate::plain::Plain;
use crate::{Limits, Service};

mod channels;
mod ears;

use ears::{Ear, Heard};

/// Both directions of an SMTP, POP3, IMAP or FTP control session.
#[derive(Debug)]
pub(crate) struct Session {
    plain: Plain,
    to_server: Ear,
    to_client: Ear,
    /// The client asked for TLS; the next friendly answer grants it.
    wants_tls: bool,
    /// The client asked for messages: the next friendly answers bring them.
    wants_message: bool,
}

impl Session {
    pub(crate) fn new(service: Service, limits: &Limits) -> Self {
        let file_max = usize::try_from(limits.mail_file_depth).unwrap_or(usize::MAX).max(1);
        Self {
            plain: Plain::new(service, limits),
            to_server: Ear::new(service, Direction::ToServer, file_max),
            to_client: Ear::new(service, Direction::ToClient, file_max),
            wants_tls: false,
            wants_message: false,
        }
    }

    pub(crate) fn service(&self) -> Service {
        self.plain.service()
    }

    pub(crate) fn on_stream(&mut self, direction: Direction, input: Input<'_>, sink: &mut dyn Sink) -> Outcome {
        match input {
            Input::Data(data) => return self.on_data(direction, data, sink),
            Input::Gap(len) => {
                self.plain.on_stream(direction, input, sink);
                let (ear, plain) = self.ear(direction);
                ear.on_gap(len, plain, sink);
            }
            Input::End => {
                self.plain.on_stream(direction, input, sink);
                let (ear, plain) = self.ear(direction);
                ear.end_message(plain, sink);
            }
        }
        Outcome::Stay
    }

    pub(crate) fn on_idle(&mut self, sink: &mut dyn Sink) {
        self.plain.on_idle(sink);
    }

    fn ear(&mut self, direction: Direction) -> (&mut Ear, &mut Plain) {
        match direction {
            Direction::ToServer => (&mut self.to_server, &mut self.plain),
            Direction::ToClient => (&mut self.to_client, &mut self.plain),
        }
    }

    fn on_data(&mut self, direction: Direction, mut data: &[u8], sink: &mut dyn Sink) -> Outcome {
        // Ends because an ear takes at least one byte each time.
        while !data.is_empty() {
            let (ear, plain) = self.ear(direction);
            let (taken, heard) = ear.take(data, plain, sink);
            data = data.get(taken.max(1)..).unwrap_or_default();
            if self.on_heard(heard, sink) {
                self.plain.on_idle(sink);
                return Outcome::Renew(data.len());
            }
        }
        Outcome::Stay
    }

    /// True where the session turns to TLS.
    fn on_heard(&mut self, heard: Heard, sink: &mut dyn Sink) -> bool {
        match heard {
            Heard::Nothing => {}
            Heard::AskTls => self.wants_tls = true,
            Heard::AskMessage => self.wants_message = true,
            Heard::Yes if self.wants_tls => return true,
            Heard::Yes if self.wants_message => {
                self.wants_message = false;
                self.to_client.begin_message();
            }
            Heard::Yes => {}
            Heard::No => {
                (self.wants_tls, self.wants_message) = (false, false);
                // The server did not want the message that the client has announced.
                self.to_server.refuse_message(&mut self.plain, sink);
            }
        }
        false
    }
}
