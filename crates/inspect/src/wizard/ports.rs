//! Which service usually listens there?

use crate::Service;
use crate::conversation::Transport;

/// Assigned (IANA service names and ports) and customary ports; the last resort of the wizard.
const TCP: &[(u16, Service)] = &[
    (20, Service::FtpData),
    (21, Service::Ftp),
    (22, Service::Ssh),
    (23, Service::Telnet),
    (25, Service::Smtp),
    (42, Service::Wins),
    (53, Service::Dns),
    (80, Service::Http),
    (88, Service::Kerberos),
    (110, Service::Pop3),
    (111, Service::Sunrpc),
    (119, Service::Nntp),
    (135, Service::Dcerpc),
    (139, Service::NetbiosSsn),
    (143, Service::Imap),
    (389, Service::Ldap),
    (443, Service::Tls),
    (445, Service::NetbiosSsn),
    (587, Service::Smtp),
    (3306, Service::Mysql),
    (3389, Service::Rdp),
    (5060, Service::Sip),
    (6667, Service::Irc),
    (8000, Service::Http),
    (8080, Service::Http),
];

const UDP: &[(u16, Service)] = &[
    (42, Service::Wins),
    (53, Service::Dns),
    (67, Service::Dhcp),
    (68, Service::Dhcp),
    (69, Service::Tftp),
    (88, Service::Kerberos),
    (111, Service::Sunrpc),
    (137, Service::NetbiosNs),
    (138, Service::NetbiosDgm),
    (161, Service::Snmp),
    (162, Service::Snmp),
    (389, Service::Ldap),
    (1900, Service::Ssdp),
    (5060, Service::Sip),
    (5353, Service::Dns),
    (5355, Service::Dns),
];

/// The service of a server's port, `Unknown` for a port without one.
pub(crate) fn service_of_port(transport: Transport, port: u16) -> Service {
    let table = match transport {
        Transport::Tcp => TCP,
        Transport::Udp => UDP,
    };
    table.iter().find(|(of, _)| *of == port).map_or(Service::Unknown, |(_, service)| *service)
}
