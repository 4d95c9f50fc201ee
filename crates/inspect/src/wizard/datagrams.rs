//! Which protocol does this datagram speak?

use super::ports::service_of_port;
use crate::Service;
use crate::conversation::Transport;

/// Name a UDP payload: by its shape where that is plain, else by the server's port.
pub(crate) fn name_datagram(payload: &[u8], port: u16) -> Service {
    let by_shape = SHAPES.iter().find(|(_, has_shape)| has_shape(payload)).map(|(service, _)| *service);
    by_shape.unwrap_or_else(|| service_of_port(Transport::Udp, port))
}

type Shape = fn(&[u8]) -> bool;

const SHAPES: &[(Service, Shape)] = &[(Service::Ssdp, is_ssdp), (Service::Sip, is_sip), (Service::Dns, is_dns_query)];

/// SSDP is HTTP's form in a datagram (UPnP device architecture 1.1, section 1).
fn is_ssdp(payload: &[u8]) -> bool {
    payload.starts_with(b"M-SEARCH * HTTP/") || payload.starts_with(b"NOTIFY * HTTP/")
}

/// A status line or a request line that ends in `SIP/2.0` (RFC 3261 section 7).
fn is_sip(payload: &[u8]) -> bool {
    let line_end = memchr::memchr(b'\n', payload).unwrap_or(payload.len());
    let line = payload.get(..line_end).unwrap_or(payload).trim_ascii_end();
    line.starts_with(b"SIP/2.0 ") || line.ends_with(b" SIP/2.0")
}

/// A DNS query with one question and nothing odd, on whichever port: twelve bytes of header, labels, type and class,
/// then at most one additional record (RFC 1035 section 4, RFC 6891).
fn is_dns_query(payload: &[u8]) -> bool {
    let Some(([_, _, flags, _, 0, 1, 0, 0, 0, 0, 0, additional], mut rest)) = payload.split_first_chunk::<12>() else {
        return false;
    };
    if flags & 0b1111_1000 != 0 || *additional > 1 {
        return false;
    }
    // Ends because each turn takes at least the length byte.
    while let Some((len, after)) = rest.split_first() {
        match (len, after.split_at_checked(usize::from(*len))) {
            (0, _) => return after.len() == 4 || (*additional == 1 && after.len() > 4),
            (1..=63, Some((label, next))) if label.iter().all(u8::is_ascii_graphic) => rest = next,
            _ => return false,
        }
    }
    false
}
