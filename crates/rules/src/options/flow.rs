//! Sides and states of a flow, marks on it, and how often to fire.

use std::sync::Arc;

use crate::scan;

/// Who has to be speaking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is the word of that name")]
pub enum FlowSide {
    ToServer,
    ToClient,
}

/// What state the flow has to be in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is the word of that name")]
pub enum FlowEstablished {
    Established,
    NotEstablished,
    Stateless,
}

/// Whether to look at packets, at reassembled streams, or both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is the word of that name")]
pub enum StreamScope {
    NoStream,
    OnlyStream,
}

/// `flow:to_server,established`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flow {
    /// Side, if named.
    pub side: Option<FlowSide>,
    /// State, if named.
    pub state: Option<FlowEstablished>,
    /// Scope, if named.
    pub scope: Option<StreamScope>,
    /// True for `no_frag`, false for `only_frag`, none if not named.
    pub whole: Option<bool>,
}

impl Flow {
    pub(crate) fn read(value: &str) -> Result<Self, String> {
        let mut flow = Self::default();
        for word in scan::arguments(value) {
            match word {
                "to_server" | "from_client" => set(&mut flow.side, FlowSide::ToServer, word)?,
                "to_client" | "from_server" => set(&mut flow.side, FlowSide::ToClient, word)?,
                "established" => set(&mut flow.state, FlowEstablished::Established, word)?,
                "not_established" => set(&mut flow.state, FlowEstablished::NotEstablished, word)?,
                "stateless" => set(&mut flow.state, FlowEstablished::Stateless, word)?,
                "no_stream" => set(&mut flow.scope, StreamScope::NoStream, word)?,
                "only_stream" => set(&mut flow.scope, StreamScope::OnlyStream, word)?,
                "no_frag" => set(&mut flow.whole, true, word)?,
                "only_frag" => set(&mut flow.whole, false, word)?,
                other => return Err(format!("`{other}` is no word of flow")),
            }
        }
        Ok(flow)
    }
}

fn set<T: PartialEq>(place: &mut Option<T>, value: T, word: &str) -> Result<(), String> {
    match place {
        Some(before) if *before != value => Err(format!("`{word}` contradicts an earlier word of flow")),
        _ => {
            *place = Some(value);
            Ok(())
        }
    }
}

/// What is done with a mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is the word of that name")]
pub enum FlowbitAction {
    Set,
    Unset,
    Toggle,
    IsSet,
    IsNotSet,
}

/// `flowbits:isset,a&b`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flowbits {
    /// What is done.
    pub action: FlowbitAction,
    /// Names; at least one.
    pub names: Vec<Arc<str>>,
    /// For several names: any of them (`|`) and not all (`&`).
    pub any: bool,
}

impl Flowbits {
    /// Read `action,names[,group]`. None for `noalert`.
    pub(crate) fn read(value: &str) -> Result<Option<Self>, String> {
        let mut arguments = scan::arguments(value).into_iter();
        let word = arguments.next().unwrap_or_default();
        let action = match word.to_ascii_lowercase().as_str() {
            "noalert" => return Ok(None),
            "set" | "setx" => FlowbitAction::Set,
            "unset" => FlowbitAction::Unset,
            "toggle" => FlowbitAction::Toggle,
            "isset" => FlowbitAction::IsSet,
            "isnotset" => FlowbitAction::IsNotSet,
            other => return Err(format!("`{other}` is no action of flowbits")),
        };
        let text = arguments.next().unwrap_or_default();
        let any = text.contains('|');
        let names: Vec<Arc<str>> =
            text.split(['&', '|']).map(str::trim).filter(|name| !name.is_empty()).map(Arc::from).collect();
        if names.is_empty() {
            return Err("flowbits needs a name".to_owned());
        }
        if any && text.contains('&') {
            return Err("flowbits mixes `&` and `|`".to_owned());
        }
        if arguments.next().is_some() {
            return Err("groups of flowbits are not kept".to_owned());
        }
        Ok(Some(Self { action, names, any }))
    }
}

/// Whose matches are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is the argument of that name")]
pub enum Track {
    BySource,
    ByDestination,
    ByRule,
    ByBoth,
    ByFlow,
}

/// So many in so many seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Whose.
    pub track: Track,
    /// How many.
    pub count: u32,
    /// Window.
    pub seconds: u32,
}

/// `threshold:type limit, track by_src, count 1, seconds 60`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the type of that name; `Backoff` fires at count, count*multiplier, …")]
pub enum Threshold {
    Limit(Rate),
    Every(Rate),
    Both(Rate),
}

impl Rate {
    pub(crate) fn read(value: &str) -> Result<Self, String> {
        Self::with_kind(value).map(|(rate, _)| rate)
    }

    fn with_kind(value: &str) -> Result<(Self, Option<String>), String> {
        let (mut track, mut count, mut seconds, mut kind) = (None, None, None, None);
        for argument in scan::arguments(value) {
            let (word, rest) = scan::word_and_rest(argument);
            match word {
                "track" => track = Some(track_of(rest)?),
                "count" => count = Some(scan::small(rest)?),
                "seconds" => seconds = Some(scan::small(rest)?),
                "type" => kind = Some(rest.to_owned()),
                other => return Err(format!("`{other}` is not known here")),
            }
        }
        match (track, count, seconds) {
            (Some(track), Some(count), Some(seconds)) => Ok((Self { track, count, seconds }, kind)),
            _ => Err("track, count and seconds are needed".to_owned()),
        }
    }
}

impl Threshold {
    pub(crate) fn read(value: &str) -> Result<Self, String> {
        let (rate, kind) = Rate::with_kind(value)?;
        if rate.count == 0 {
            return Err("a threshold of 0 never fires".to_owned());
        }
        match kind.as_deref() {
            Some("limit") => Ok(Self::Limit(rate)),
            Some("threshold") => Ok(Self::Every(rate)),
            Some("both") => Ok(Self::Both(rate)),
            Some(other) => Err(format!("`{other}` is no type of threshold")),
            None => Err("a threshold needs a type".to_owned()),
        }
    }
}

fn track_of(word: &str) -> Result<Track, String> {
    Ok(match word {
        "by_src" => Track::BySource,
        "by_dst" => Track::ByDestination,
        "by_rule" => Track::ByRule,
        "by_both" => Track::ByBoth,
        "by_flow" => Track::ByFlow,
        other => return Err(format!("`{other}` cannot be tracked by")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contradicting_flow_words_are_refused() {
        assert_eq!(Flow::read("established,from_client").unwrap().side, Some(FlowSide::ToServer));
        assert!(Flow::read("to_server,to_client").is_err());
        assert!(Flow::read("to_sever").is_err());
    }

    #[test]
    fn flowbits_of_several_names() {
        let bits = Flowbits::read("isset,a&b").unwrap().unwrap();
        assert_eq!((bits.names.len(), bits.any), (2, false));
        assert!(Flowbits::read("noalert").unwrap().is_none());
        assert!(Flowbits::read("set").is_err());
        assert!(Flowbits::read("set,a&b|c").is_err());
    }

    #[test]
    fn thresholds_need_all_their_words() {
        assert!(matches!(Threshold::read("type limit, track by_src, count 1, seconds 60"), Ok(Threshold::Limit(_))));
        assert!(Threshold::read("type limit, track by_src, count 1").is_err());
        assert!(Rate::read("track by_src,count 3,seconds 1").is_ok());
    }
}
