//! What is a class of rules called, and how urgent is it?

use std::collections::BTreeMap;
use std::sync::Arc;

/// One class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Class {
    /// The text of alert lines.
    pub text: Arc<str>,
    /// 1 is the most urgent.
    pub priority: u8,
}

/// Classes by name: the usual ones, or those of a `classification.config`.
#[derive(Clone, Debug)]
pub struct Classification {
    classes: BTreeMap<String, Class>,
}

impl Default for Classification {
    fn default() -> Self {
        let classes = USUAL
            .iter()
            .map(|(name, text, priority)| ((*name).to_owned(), Class { text: Arc::from(*text), priority: *priority }));
        Self { classes: classes.collect() }
    }
}

impl Classification {
    /// Read lines `config classification: name,text,priority`; others are left out. Classes that the file does not name
    /// keep their usual meaning.
    #[must_use]
    pub fn read(text: &[u8]) -> Self {
        let mut all = Self::default();
        for line in String::from_utf8_lossy(text).lines() {
            let Some((_, entry)) =
                line.trim().split_once("classification:").filter(|(head, _)| head.trim() == "config")
            else {
                continue;
            };
            let mut parts = entry.splitn(3, ',').map(str::trim);
            if let (Some(name), Some(text), Some(Ok(priority))) =
                (parts.next(), parts.next(), parts.next().map(str::parse))
            {
                all.classes.insert(name.to_owned(), Class { text: Arc::from(text), priority });
            }
        }
        all
    }

    /// Names and classes in order of names, for digests.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Class)> {
        self.classes.iter().map(|(name, class)| (name.as_str(), class))
    }

    /// The class of that name.
    #[must_use]
    pub fn class(&self, name: &str) -> Option<&Class> {
        self.classes.get(name)
    }
}

/// Names, texts and priorities as sensors commonly print them.
const USUAL: &[(&str, &str, u8)] = &[
    ("not-suspicious", "Not Suspicious Traffic", 3),
    ("unknown", "Unknown Traffic", 3),
    ("bad-unknown", "Potentially Bad Traffic", 2),
    ("attempted-recon", "Attempted Information Leak", 2),
    ("successful-recon-limited", "Information Leak", 2),
    ("successful-recon-largescale", "Large Scale Information Leak", 2),
    ("attempted-dos", "Attempted Denial of Service", 2),
    ("successful-dos", "Denial of Service", 2),
    ("attempted-user", "Attempted User Privilege Gain", 1),
    ("unsuccessful-user", "Unsuccessful User Privilege Gain", 1),
    ("successful-user", "Successful User Privilege Gain", 1),
    ("attempted-admin", "Attempted Administrator Privilege Gain", 1),
    ("successful-admin", "Successful Administrator Privilege Gain", 1),
    ("rpc-portmap-decode", "Decode of an RPC Query", 2),
    ("shellcode-detect", "Executable Code was Detected", 1),
    ("string-detect", "A Suspicious String was Detected", 3),
    ("suspicious-filename-detect", "A Suspicious Filename was Detected", 2),
    ("suspicious-login", "An Attempted Login Using a Suspicious Username was Detected", 2),
    ("system-call-detect", "A System Call was Detected", 2),
    ("tcp-connection", "A TCP Connection was Detected", 4),
    ("trojan-activity", "A Network Trojan was detected", 1),
    ("unusual-client-port-connection", "A Client was Using an Unusual Port", 2),
    ("network-scan", "Detection of a Network Scan", 3),
    ("denial-of-service", "Detection of a Denial of Service Attack", 2),
    ("non-standard-protocol", "Detection of a Non-Standard Protocol or Event", 2),
    ("protocol-command-decode", "Generic Protocol Command Decode", 3),
    ("web-application-activity", "Access to a Potentially Vulnerable Web Application", 2),
    ("web-application-attack", "Web Application Attack", 1),
    ("misc-activity", "Misc activity", 3),
    ("misc-attack", "Misc Attack", 2),
    ("icmp-event", "Generic ICMP event", 3),
    ("inappropriate-content", "Inappropriate Content was Detected", 1),
    ("policy-violation", "Potential Corporate Privacy Violation", 1),
    ("default-login-attempt", "Attempt to Login By a Default Username and Password", 2),
    ("sdf", "Sensitive Data was Transmitted Across the Network", 2),
    ("file-format", "Known malicious file or file based exploit", 1),
    ("malware-cnc", "Known malware command and control traffic", 1),
    ("client-side-exploit", "Known client side exploit attempt", 1),
    ("targeted-activity", "Targeted Malicious Activity was Detected", 1),
    ("exploit-kit", "Exploit Kit Activity Detected", 1),
    ("external-ip-check", "Device Retrieving External IP Address Detected", 2),
    ("domain-c2", "Domain Observed Used for C2 Detected", 1),
    ("pup-activity", "Possibly Unwanted Program Detected", 2),
    ("credential-theft", "Successful Credential Theft Detected", 1),
    ("social-engineering", "Possible Social Engineering Attempted", 2),
    ("coin-mining", "Crypto Currency Mining Activity Detected", 2),
    ("command-and-control", "Malware Command and Control Activity Detected", 1),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_classes_are_known() {
        let class = Classification::default().class("trojan-activity").cloned().unwrap();
        assert_eq!((&*class.text, class.priority), ("A Network Trojan was detected", 1));
    }

    #[test]
    fn a_file_overrides_and_adds() {
        let all = Classification::read(
            b"# x\nconfig classification: mine,My Text, 4\nconfig classification: unknown,U,1\nbad\n",
        );
        assert_eq!(all.class("mine").unwrap().priority, 4);
        assert_eq!(&*all.class("unknown").unwrap().text, "U");
        assert_eq!(all.class("misc-attack").unwrap().priority, 2);
    }
}
