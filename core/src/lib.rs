//! What things are: vocabulary, reference parts as state machines, checks. It runs nothing.
