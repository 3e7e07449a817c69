//! Why it failed: the life of the event, and what would have happened otherwise.

mod changes;
mod counterfactual;
mod explained;
mod lifeline;

pub use changes::{Change, Sort};
pub use counterfactual::{Bench, Counterfactuals, PERTURBATIONS, Rate, Row, Search};
pub use explained::{Explained, LEAST, Meaning, Mend};
pub use lifeline::{Line, lifeline};

#[cfg(test)]
mod tests;
