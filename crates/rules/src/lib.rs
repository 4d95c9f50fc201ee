//! What does the author of a rule ask?
