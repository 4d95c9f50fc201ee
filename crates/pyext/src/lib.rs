//! What may Python see?
