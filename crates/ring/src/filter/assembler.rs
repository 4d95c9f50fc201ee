//! How do jumps find their targets?

use super::{FilterError, INSTRUCTIONS_MAX};

/// One instruction, as `struct sock_filter`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Instruction {
    pub(crate) code: u16,
    pub(crate) jump_true: u8,
    pub(crate) jump_false: u8,
    pub(crate) k: u32,
}

/// A filter program that the kernel accepts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program(Vec<Instruction>);

impl Program {
    /// The program that lets nothing through.
    #[must_use]
    pub fn nothing() -> Self {
        Self(vec![Instruction { code: code::RETURN, jump_true: 0, jump_false: 0, k: 0 }])
    }

    pub(crate) fn instructions(&self) -> &[Instruction] {
        &self.0
    }
}

/// Operation codes, by what they do. `A` is the accumulator, `X` the index register, `M` the scratch memory.
pub(crate) mod code {
    /// A = word at k
    pub(crate) const WORD_AT: u16 = 0x20;
    /// A = byte at k
    pub(crate) const BYTE_AT: u16 = 0x30;
    /// A = half word at k
    pub(crate) const HALF_AT: u16 = 0x28;
    /// A = byte at X + k
    pub(crate) const BYTE_AT_X: u16 = 0x50;
    /// A = half word at X + k
    pub(crate) const HALF_AT_X: u16 = 0x48;
    /// A = k
    pub(crate) const SET_A: u16 = 0x00;
    /// X = k
    pub(crate) const SET_X: u16 = 0x01;
    /// A = M[k]
    pub(crate) const RECALL: u16 = 0x60;
    /// M[k] = A
    pub(crate) const STORE: u16 = 0x02;
    /// A += k
    pub(crate) const ADD: u16 = 0x04;
    /// A += X
    pub(crate) const ADD_X: u16 = 0x0c;
    /// A &= k
    pub(crate) const AND: u16 = 0x54;
    /// A <<= k
    pub(crate) const SHIFT_LEFT: u16 = 0x64;
    /// X = A
    pub(crate) const A_TO_X: u16 = 0x07;
    /// jump always
    pub(crate) const JUMP: u16 = 0x05;
    /// jump if A == k
    pub(crate) const IF_EQUAL: u16 = 0x15;
    /// jump if A > k
    pub(crate) const IF_GREATER: u16 = 0x25;
    /// jump if A >= k
    pub(crate) const IF_AT_LEAST: u16 = 0x35;
    /// jump if A & k
    pub(crate) const IF_ANY_BIT: u16 = 0x45;
    /// give k bytes of the frame; 0 drops it
    pub(crate) const RETURN: u16 = 0x06;
}

/// A place in the program that jumps go to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Label(usize);

/// Where a conditional jump goes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Target {
    /// On to the next instruction.
    Next,
    /// To a place further down, at most 255 instructions away.
    Near(Label),
}

struct Line {
    code: u16,
    k: u32,
    yes: Target,
    no: Target,
    far: Option<Label>,
}

/// Collects instructions and fills in distances at the end. Classic programs only jump forwards.
#[derive(Default)]
pub(crate) struct Assembler {
    lines: Vec<Line>,
    places: Vec<Option<usize>>,
}

impl Assembler {
    pub(crate) fn label(&mut self) -> Label {
        self.places.push(None);
        Label(self.places.len() - 1)
    }

    pub(crate) fn place(&mut self, label: Label) {
        self.places[label.0] = Some(self.lines.len());
    }

    pub(crate) fn emit(&mut self, code: u16, k: u32) {
        self.lines.push(Line { code, k, yes: Target::Next, no: Target::Next, far: None });
    }

    pub(crate) fn branch(&mut self, code: u16, k: u32, yes: Target, no: Target) {
        self.lines.push(Line { code, k, yes, no, far: None });
    }

    /// Jump however far.
    pub(crate) fn go(&mut self, label: Label) {
        self.lines.push(Line { code: code::JUMP, k: 0, yes: Target::Next, no: Target::Next, far: Some(label) });
    }

    pub(crate) fn finish(self) -> Result<Program, FilterError> {
        let length = self.lines.len();
        if length > INSTRUCTIONS_MAX {
            return Err(FilterError::TooLong(length));
        }
        let distance = |at: usize, label: Label| self.places[label.0].map_or(0, |place| place.saturating_sub(at + 1));
        let near = |at: usize, target: Target| match target {
            Target::Next => Ok(0),
            Target::Near(label) => u8::try_from(distance(at, label)).map_err(|_| FilterError::TooLong(length)),
        };
        let instruction = |(at, line): (usize, &Line)| {
            Ok(Instruction {
                code: line.code,
                jump_true: near(at, line.yes)?,
                jump_false: near(at, line.no)?,
                k: line.far.map_or(line.k, |label| distance(at, label) as u32),
            })
        };
        self.lines.iter().enumerate().map(instruction).collect::<Result<_, _>>().map(Program)
    }
}
