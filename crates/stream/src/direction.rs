//! Which side of a conversation speaks.

/// The direction of bytes in a flow, once its client is known.
///
/// The client is whoever sent the SYN; where that was missed, whoever spoke first, unless the ports say otherwise
/// (`FlowTable` decides and documents it).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Direction {
    /// From the client to the server.
    ToServer = 0,
    /// From the server to the client.
    ToClient = 1,
}

impl Direction {
    /// The other way.
    #[must_use]
    pub fn reversed(self) -> Self {
        match self {
            Self::ToServer => Self::ToClient,
            Self::ToClient => Self::ToServer,
        }
    }

    /// 0 for `ToServer`, 1 for `ToClient`: an index into a pair.
    #[must_use]
    pub fn index(self) -> usize {
        usize::from(self == Self::ToClient)
    }

    /// The spelling of logs and alerts: `to_server`, `to_client`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ToServer => "to_server",
            Self::ToClient => "to_client",
        }
    }
}
