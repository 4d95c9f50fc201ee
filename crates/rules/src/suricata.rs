//! What only Suricata says: protocols of the header, transformations.

use crate::Transform;

/// Application protocols that a header may name, in the spelling of the services; Snort 3's service rules share them.
pub(crate) fn service(name: &str) -> Option<&'static str> {
    Some(match name {
        "http" | "http1" => "http",
        "http2" => "http2",
        "tls" | "ssl" => "ssl",
        "dns" => "dns",
        "smtp" => "smtp",
        "imap" => "imap",
        "pop3" => "pop3",
        "ftp" => "ftp",
        "ftp-data" => "ftp-data",
        "ssh" => "ssh",
        "smb" | "netbios-ssn" => "netbios-ssn",
        "dcerpc" => "dcerpc",
        "sip" => "sip",
        "snmp" => "snmp",
        "tftp" => "tftp",
        "rdp" => "rdp",
        "krb5" | "kerberos" => "kerberos",
        "telnet" => "telnet",
        "irc" => "irc",
        "mysql" => "mysql",
        "ldap" => "ldap",
        "sunrpc" => "sunrpc",
        "dhcp" => "dhcp",
        _ => return None,
    })
}

/// Transformations of the buffer named before.
pub(crate) fn transform(name: &str) -> Option<Transform> {
    Some(match name {
        "dotprefix" => Transform::DotPrefix,
        "strip_whitespace" => Transform::StripWhitespace,
        "compress_whitespace" => Transform::CompressWhitespace,
        "to_lowercase" => Transform::ToLower,
        "to_uppercase" => Transform::ToUpper,
        "url_decode" => Transform::UrlDecode,
        "to_md5" => Transform::ToMd5,
        "to_sha1" => Transform::ToSha1,
        "to_sha256" => Transform::ToSha256,
        _ => return None,
    })
}
