//! The names of application protocols, as rules spell them.

/// An application protocol. `Unknown` until the wizard or the ports say more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
#[repr(u8)]
#[expect(missing_docs, reason = "each is the protocol of that name")]
pub enum Service {
    #[default]
    Unknown,
    Http,
    Http2,
    Dns,
    Tls,
    Smtp,
    Imap,
    Pop3,
    Ftp,
    FtpData,
    Ssh,
    Telnet,
    NetbiosSsn,
    NetbiosNs,
    NetbiosDgm,
    Sunrpc,
    Snmp,
    Sip,
    Irc,
    Rdp,
    Dcerpc,
    Mysql,
    Ssdp,
    Kerberos,
    Nntp,
    Dhcp,
    Tftp,
    Wins,
    Ldap,
}

/// Rule spelling and meaning; the first spelling of a service is the one we print.
const NAMES: &[(&str, Service)] = &[
    ("unknown", Service::Unknown),
    ("http", Service::Http),
    ("http2", Service::Http2),
    ("dns", Service::Dns),
    ("tls", Service::Tls),
    ("ssl", Service::Tls),
    ("smtp", Service::Smtp),
    ("imap", Service::Imap),
    ("pop3", Service::Pop3),
    ("ftp", Service::Ftp),
    ("ftp-data", Service::FtpData),
    ("ssh", Service::Ssh),
    ("telnet", Service::Telnet),
    ("netbios-ssn", Service::NetbiosSsn),
    ("smb", Service::NetbiosSsn),
    ("netbios-ns", Service::NetbiosNs),
    ("netbios-dgm", Service::NetbiosDgm),
    ("sunrpc", Service::Sunrpc),
    ("snmp", Service::Snmp),
    ("sip", Service::Sip),
    ("irc", Service::Irc),
    ("rdp", Service::Rdp),
    ("dcerpc", Service::Dcerpc),
    ("mysql", Service::Mysql),
    ("ssdp", Service::Ssdp),
    ("kerberos", Service::Kerberos),
    ("nntp", Service::Nntp),
    ("dhcp", Service::Dhcp),
    ("tftp", Service::Tftp),
    ("wins", Service::Wins),
    ("ldap", Service::Ldap),
];

impl Service {
    /// The spelling of logs and alerts.
    #[must_use]
    pub fn name(self) -> &'static str {
        NAMES.iter().find(|(_, service)| *service == self).map_or("unknown", |(name, _)| name)
    }

    /// The service a rule names, in any of its spellings; none for a name nobody here knows.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        NAMES.iter().find(|(spelling, _)| *spelling == name).map(|(_, service)| *service)
    }
}
