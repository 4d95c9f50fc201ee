//! What a flow remembers for its rules.

use kodkod_stream::Direction;

/// Most marks one flow may carry; the public sets name fewer than 500 and set a handful. More are counted, not kept.
const MAX_FLOWBITS: usize = 256;
/// Most rules that wait for later stages of one message.
const MAX_PENDING: usize = 1024;

/// Lives in the flow. Takes no memory of its own until a rule sets a mark or waits for the rest of a message.
#[derive(Debug, Default)]
pub struct FlowState {
    marks: Vec<u64>,
    messages: [Option<Box<MessageState>>; 2],
}

/// Rules that wait for, or are done with, one message of one direction.
#[derive(Debug, Default)]
pub(crate) struct MessageState {
    /// Of which compiled rule set; the numbers below mean nothing to another.
    pub(crate) rules: u64,
    pub(crate) message: u64,
    pub(crate) pending: Vec<u32>,
    pub(crate) fired: Vec<u32>,
}

impl FlowState {
    /// A mark is known by a digest of its name, so it survives a change of rules.
    pub(crate) fn has(&self, mark: u64) -> bool {
        self.marks.contains(&mark)
    }

    /// Returns false where the flow has no room left.
    pub(crate) fn set(&mut self, mark: u64) -> bool {
        if self.has(mark) {
            return true;
        }
        let has_room = self.marks.len() < MAX_FLOWBITS;
        if has_room {
            self.marks.push(mark);
        }
        has_room
    }

    pub(crate) fn unset(&mut self, mark: u64) {
        self.marks.retain(|known| *known != mark);
    }

    /// The state of this message, if any rule waits for it or has fired on it. Forgets the message before it.
    pub(crate) fn message(&mut self, direction: Direction, rules: u64, message: u64) -> Option<&mut MessageState> {
        let slot = self.messages[direction.index()].as_deref_mut()?;
        if slot.rules != rules || slot.message != message {
            slot.begin(rules, message);
        }
        Some(slot)
    }

    /// The same, made where it is missing.
    pub(crate) fn message_mut(&mut self, direction: Direction, rules: u64, message: u64) -> &mut MessageState {
        let slot = self.messages[direction.index()].get_or_insert_default();
        if slot.rules != rules || slot.message != message {
            slot.begin(rules, message);
        }
        slot
    }
}

impl MessageState {
    fn begin(&mut self, rules: u64, message: u64) {
        self.rules = rules;
        self.message = message;
        self.pending.clear();
        self.fired.clear();
    }

    /// Returns false where no room is left.
    pub(crate) fn wait(&mut self, rule: u32) -> bool {
        let has_room = self.pending.len() < MAX_PENDING;
        if has_room && !self.pending.contains(&rule) {
            self.pending.push(rule);
        }
        has_room
    }
}
