//! Whether it is good enough: the command line, the gate and its exit codes.
