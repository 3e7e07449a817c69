//! The command line: everything it does is in the library, so that a user's own binary can do the same.

fn main() {}
