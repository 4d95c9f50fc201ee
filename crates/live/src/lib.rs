//! Who turns the crank?
