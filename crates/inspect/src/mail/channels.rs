//! Which data connection does an FTP line announce?

use std::net::{IpAddr, Ipv4Addr};

use kodkod_stream::Direction;

use crate::{DataChannel, Service};

/// The channel that a line of this direction announces: `PORT`, `EPRT` of a client, or the answers 227 and 229 of a server
/// (RFC 959 section 4.1.2, RFC 2428).
pub(super) fn announced(direction: Direction, line: &[u8]) -> Option<DataChannel> {
    let text = std::str::from_utf8(line).ok()?;
    let (command, rest) = text.split_at_checked(4)?;
    let (address, port) = match (direction, command.to_ascii_uppercase().as_str()) {
        (Direction::ToServer, "PORT") | (Direction::ToClient, "227 ") => six_numbers(rest)?,
        (Direction::ToServer, "EPRT") | (Direction::ToClient, "229 ") => between_bars(rest)?,
        _ => return None,
    };
    (port > 0).then_some(DataChannel { service: Service::FtpData, listener: direction, address, port })
}

/// `h1,h2,h3,h4,p1,p2`, wherever it stands.
fn six_numbers(text: &str) -> Option<(Option<IpAddr>, u16)> {
    let start = text.find(|character: char| character.is_ascii_digit())?;
    let list = text.get(start..)?.split(|character: char| !character.is_ascii_digit() && character != ',').next()?;
    let numbers: Vec<u8> = list.split(',').map(str::parse).collect::<Result<_, _>>().ok()?;
    let [a, b, c, d, high, low] = numbers.try_into().ok()?;
    Some((Some(Ipv4Addr::new(a, b, c, d).into()), u16::from_be_bytes([high, low])))
}

/// `|protocol|address|port|`; a server leaves the first two empty. The first character is the bar.
fn between_bars(text: &str) -> Option<(Option<IpAddr>, u16)> {
    let text = text.find('(').map_or(text, |open| text.get(open.saturating_add(1)..).unwrap_or_default()).trim_start();
    let mut parts = text.split(text.chars().next()?);
    let (address, port) = (parts.nth(2)?, parts.next()?);
    Some((address.parse().ok(), port.parse().ok()?))
}
