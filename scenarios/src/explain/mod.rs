//! Why it failed: the life of the event, and what would have happened otherwise.

mod changes;
mod counterfactual;
mod explained;
mod follow;
mod lifeline;

pub use changes::{Change, Sort};
pub use counterfactual::{Bench, Counterfactuals, PERTURBATIONS, Rate, Row, Search};
pub use explained::{Explained, LEAST, Meaning, Mend};
pub use follow::{Follow, MOST_OF_KEY};
pub(crate) use lifeline::{Follower, fault_words};
pub use lifeline::{Line, follow, lifeline};

#[cfg(test)]
mod tests;
