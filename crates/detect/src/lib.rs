//! Does it match?
