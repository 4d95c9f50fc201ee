//! Where do packets come from?
