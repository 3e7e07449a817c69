//! How fast our own code is.
