//! How are packets kept in a file?
