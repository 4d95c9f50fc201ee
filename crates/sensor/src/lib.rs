//! The whole way from packet to facts, without input or output.
