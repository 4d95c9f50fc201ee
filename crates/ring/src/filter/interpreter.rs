//! What would the kernel make of a program? Written from Documentation/networking/filter.rst, not from the compiler, so
//! that tests compare two readings of it.

use super::Program;

/// What the kernel knows of a frame beside its bytes.
#[derive(Default)]
pub(crate) struct Beside {
    pub(crate) interface: u32,
    pub(crate) hardware: u32,
    pub(crate) kind: u32,
}

impl Beside {
    /// Words at negative offsets, from -0x1000.
    fn word(&self, offset: u32) -> u32 {
        match offset.wrapping_add(0x1000) {
            4 => self.kind,
            8 => self.interface,
            28 => self.hardware,
            other => panic!("unknown extension {other}"),
        }
    }
}

/// As [`run_beside`], where nothing but the bytes matters.
pub(crate) fn run(program: &Program, frame: &[u8]) -> u32 {
    run_beside(program, frame, &Beside::default())
}

/// Bytes of the frame that are let through; 0 drops it. A load beyond the frame drops it too.
pub(crate) fn run_beside(program: &Program, frame: &[u8], beside: &Beside) -> u32 {
    let (mut a, mut x, mut memory) = (0_u32, 0_u32, [None::<u32>; 16]);
    let mut at = 0_usize;
    let code = program.instructions();
    loop {
        let i = code[at];
        at += 1;
        let byte = |offset: u32| frame.get(offset as usize).copied().map(u32::from);
        let half = |offset: u32| Some(byte(offset)? << 8 | byte(offset + 1)?);
        let loaded = match i.code {
            0x20 => Some(beside.word(i.k)),
            0x30 => byte(i.k),
            0x28 => half(i.k),
            0x50 => byte(x.wrapping_add(i.k)),
            0x48 => half(x.wrapping_add(i.k)),
            0x00 => Some(i.k),
            // The kernel refuses programs that may read memory they have not written.
            0x60 => Some(memory[i.k as usize].expect("scratch memory is written before it is read")),
            0x04 => Some(a.wrapping_add(i.k)),
            0x0c => Some(a.wrapping_add(x)),
            0x54 => Some(a & i.k),
            0x64 => Some(a << i.k),
            0x87 => Some(x),
            _ => Some(a),
        };
        let Some(value) = loaded else { return 0 };
        a = value;
        let jump = |taken: bool| usize::from(if taken { i.jump_true } else { i.jump_false });
        match i.code {
            0x01 => x = i.k,
            0x07 => x = a,
            0x02 => memory[i.k as usize] = Some(a),
            0x05 => at += i.k as usize,
            0x15 => at += jump(a == i.k),
            0x25 => at += jump(a > i.k),
            0x35 => at += jump(a >= i.k),
            0x45 => at += jump(a & i.k != 0),
            0x06 => return i.k,
            0x20 | 0x30 | 0x28 | 0x50 | 0x48 | 0x00 | 0x60 | 0x04 | 0x0c | 0x54 | 0x64 | 0x87 => {}
            other => panic!("unknown operation {other:#x}"),
        }
    }
}
