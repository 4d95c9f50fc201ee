//! Which of many literals occur in these bytes?
