//! Which frames of all interfaces does a shared socket take?
//!
//! Every frame, but for those of interfaces that are ignored and for what a loopback interface sends: it is given again,
//! unchanged, when it arrives.

use super::assembler::Target::{Near, Next};
use super::assembler::{Assembler, Program, code};
use super::{FilterError, INSTRUCTIONS_MAX};

/// What the kernel knows of a frame beside its bytes: offsets of `SKF_AD_` (linux/filter.h).
const ANCILLARY: u32 = 0xffff_f000;
const PACKET_KIND: u32 = ANCILLARY + 4;
const INTERFACE: u32 = ANCILLARY + 8;
const HARDWARE: u32 = ANCILLARY + 28;

/// Interfaces that the program can name: two instructions each, and some for the rest. More of them have to be left
/// out by whoever reads the ring.
pub(crate) const IGNORED_MAX: usize = (INSTRUCTIONS_MAX - 16) / 2;

/// Give `snap_len` bytes of each frame that is not of an ignored interface. Those after [`IGNORED_MAX`] pass.
pub(crate) fn compile_shared(ignored: &[u32], snap_len: u32) -> Result<Program, FilterError> {
    let mut program = Assembler::default();
    let (accept, reject) = (program.label(), program.label());
    program.emit(code::WORD_AT, INTERFACE);
    for link in ignored.iter().take(IGNORED_MAX) {
        let other = program.label();
        program.branch(code::IF_EQUAL, *link, Next, Near(other));
        program.emit(code::RETURN, 0);
        program.place(other);
    }
    program.emit(code::WORD_AT, HARDWARE);
    program.branch(code::IF_EQUAL, u32::from(libc::ARPHRD_LOOPBACK), Next, Near(accept));
    program.emit(code::WORD_AT, PACKET_KIND);
    program.branch(code::IF_EQUAL, u32::from(libc::PACKET_OUTGOING), Near(reject), Next);
    program.place(accept);
    program.emit(code::RETURN, snap_len);
    program.place(reject);
    program.emit(code::RETURN, 0);
    program.finish()
}

#[cfg(test)]
mod tests {
    use super::super::interpreter::{Beside, run_beside};
    use super::*;

    const ETHERNET: u32 = 1;
    const LOOPBACK: u32 = 772;
    const TO_US: u32 = 0;
    const OUTGOING: u32 = 4;

    fn passes(ignored: &[u32], interface: u32, hardware: u32, kind: u32) -> bool {
        let program = compile_shared(ignored, 99).unwrap();
        run_beside(&program, &[0; 14], &Beside { interface, hardware, kind }) == 99
    }

    #[test]
    fn ignored_interfaces_and_no_others_are_left_out() {
        for (ignored, interface, expected) in [
            (&[][..], 7, true),
            (&[7], 7, false),
            (&[7], 8, true),
            (&[1, 7, 70_000], 70_000, false),
            (&[1, 7, 70_000], 6, true),
        ] {
            assert_eq!(passes(ignored, interface, ETHERNET, TO_US), expected, "{ignored:?} {interface}");
            assert_eq!(passes(ignored, interface, ETHERNET, OUTGOING), expected, "{ignored:?} {interface}");
        }
    }

    #[test]
    fn what_a_loopback_interface_sends_is_taken_when_it_arrives() {
        assert!(!passes(&[], 1, LOOPBACK, OUTGOING));
        assert!(passes(&[], 1, LOOPBACK, TO_US));
        assert!(!passes(&[1], 1, LOOPBACK, TO_US));
    }

    #[test]
    fn as_many_as_the_kernel_takes_and_the_rest_passes() {
        let ignored: Vec<u32> = (10..10 + IGNORED_MAX as u32 + 1).collect();
        assert!(!passes(&ignored, 9 + IGNORED_MAX as u32, ETHERNET, TO_US));
        assert!(passes(&ignored, 10 + IGNORED_MAX as u32, ETHERNET, TO_US));
    }
}
