//! What it looked like: one model, rendered as text, HTML, JSON and JUnit.
