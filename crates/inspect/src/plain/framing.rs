//! Where does a PDU of this protocol end, as far as its length or its line ends tell?

use kodkod_stream::Direction;

use crate::Service;

/// How one direction of a plain stream is cut.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Framing {
    /// Only turns, size and ends cut.
    #[default]
    Turns,
    /// Each line is a PDU, its line feed included.
    Lines,
    /// A header tells each frame's length.
    Frames {
        header: Header,
        /// Bytes of the current frame that are still to come after a part of it was handed out.
        rest: u64,
    },
}

/// Where a frame's length stands. Each header's layout is the protocol's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Header {
    /// NetBIOS session service and SMB over TCP: type, then 24 bits of length (RFC 1002 section 4.3.1, MS-SMB2 2.1).
    Netbios,
    /// ONC RPC record marking: a bit for the last fragment, 31 bits of length (RFC 5531 section 11).
    RecordMark,
    /// DCE/RPC over TCP: fragment length at offset 8 in the byte order named at offset 4 (C706 chapter 12).
    Dcerpc,
    /// MySQL: 24 bits of length, least significant byte first, then a sequence number.
    Mysql,
    /// TPKT around RDP's X.224: version 3, reserved, 16 bits of the whole length (RFC 1006 section 6).
    Tpkt,
}

/// The largest frame that is believed; a longer one means that these are no frames (SMB2 moves up to 8 MiB at once).
const FRAME_MAX: u64 = 16 * 1024 * 1024;

/// The answer for the bytes seen of the current PDU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// The PDU ends after so many of the new bytes.
    After(usize),
    /// All of the new bytes belong to it, and more is needed.
    More,
    /// This is not framed as it ought to be.
    Lost,
}

impl Framing {
    pub(super) fn of(service: Service, direction: Direction) -> Self {
        let frames = |header| Self::Frames { header, rest: 0 };
        match service {
            Service::NetbiosSsn => frames(Header::Netbios),
            Service::Sunrpc => frames(Header::RecordMark),
            Service::Dcerpc => frames(Header::Dcerpc),
            Service::Mysql => frames(Header::Mysql),
            Service::Rdp => frames(Header::Tpkt),
            Service::Smtp | Service::Ftp | Service::Pop3 | Service::Imap | Service::Irc | Service::Nntp
                if direction == Direction::ToServer =>
            {
                Self::Lines
            }
            _ => Self::Turns,
        }
    }

    /// Find the end of the PDU that begins with `held` and goes on with `new` (never empty).
    pub(super) fn cut(&self, held: &[u8], new: &[u8]) -> Cut {
        match *self {
            Self::Turns => Cut::More,
            Self::Lines => match memchr::memchr(b'\n', new) {
                Some(at) => Cut::After(at.saturating_add(1)),
                None => Cut::More,
            },
            Self::Frames { rest, .. } if rest > 0 => after(rest.saturating_sub(as_u64(held.len())), new),
            Self::Frames { header, .. } => match header.frame_len(&first_bytes(held, new)) {
                FrameLen::Known(len) if len <= FRAME_MAX => after(len.saturating_sub(as_u64(held.len())), new),
                FrameLen::NeedMore => Cut::More,
                FrameLen::Known(_) | FrameLen::Senseless => Cut::Lost,
            },
        }
    }

    /// A part of a frame goes out early: `held` and `now`. Remember how much of it is still to come.
    pub(super) fn skipped(&mut self, held: &[u8], now: &[u8]) {
        if let Self::Frames { header, rest } = self {
            let out = as_u64(held.len()).saturating_add(as_u64(now.len()));
            let len = match header.frame_len(&first_bytes(held, now)) {
                _ if *rest > 0 => *rest,
                FrameLen::Known(len) => len,
                _ => 0,
            };
            *rest = len.saturating_sub(out);
        }
    }

    /// The next byte begins a frame: one has just ended, or a hole did, behind which nothing better is known.
    pub(super) fn restart(&mut self) {
        if let Self::Frames { rest, .. } = self {
            *rest = 0;
        }
    }
}

fn after(missing: u64, new: &[u8]) -> Cut {
    match usize::try_from(missing) {
        Ok(missing) if missing <= new.len() => Cut::After(missing),
        _ => Cut::More,
    }
}

/// The longest header among [`Header`], in bytes.
const HEADER_MAX: usize = 10;

/// As much of a header as is there, and how much that is.
struct FirstBytes {
    bytes: [u8; HEADER_MAX],
    len: usize,
}

fn first_bytes(held: &[u8], new: &[u8]) -> FirstBytes {
    let mut bytes = [0; HEADER_MAX];
    let mut len: usize = 0;
    for (slot, byte) in bytes.iter_mut().zip(held.iter().chain(new)) {
        *slot = *byte;
        len = len.saturating_add(1);
    }
    FirstBytes { bytes, len }
}

enum FrameLen {
    Known(u64),
    NeedMore,
    Senseless,
}

impl Header {
    /// Length of the whole frame, header included.
    fn frame_len(self, first: &FirstBytes) -> FrameLen {
        let [b0, b1, b2, b3, b4, _, _, _, b8, b9] = first.bytes;
        let (needed, sane, len, header) = match self {
            Self::Netbios => (4, matches!(b0, 0 | 0x81..=0x85), u32::from_be_bytes([0, b1, b2, b3]), 4),
            Self::RecordMark => (4, true, u32::from_be_bytes([b0 & 0x7f, b1, b2, b3]), 4),
            Self::Dcerpc => {
                let len = if b4 & 0x10 == 0 { u16::from_be_bytes([b8, b9]) } else { u16::from_le_bytes([b8, b9]) };
                (10, b0 == 5 && len >= 16, u32::from(len), 0)
            }
            Self::Mysql => (4, true, u32::from_le_bytes([b0, b1, b2, 0]), 4),
            Self::Tpkt => (4, b0 == 3 && b1 == 0 && (b2, b3) >= (0, 7), u32::from(u16::from_be_bytes([b2, b3])), 0),
        };
        match (first.len >= needed, sane) {
            (false, _) => FrameLen::NeedMore,
            (true, true) => FrameLen::Known(u64::from(len).saturating_add(header)),
            (true, false) => FrameLen::Senseless,
        }
    }
}

fn as_u64(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}
