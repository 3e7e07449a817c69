//! What a scenario may name: operators, and later users' parts.

use std::collections::BTreeMap;

/// The parts and operators by name.
#[derive(Default)]
pub struct Catalog {
    operators: BTreeMap<String, bool>,
}

impl Catalog {
    /// The operators that come with Stormglass.
    #[must_use]
    pub fn new() -> Catalog {
        let known = [
            ("filter", false),
            ("map", false),
            ("count-by-key", true),
            ("sum-by-key", true),
            ("dedup", true),
        ];
        Catalog {
            operators: known
                .iter()
                .map(|(name, state)| ((*name).to_owned(), *state))
                .collect(),
        }
    }

    /// Whether an operator has state.
    #[must_use]
    pub fn is_stateful(&self, operator: &str) -> bool {
        self.operators.get(operator).copied().unwrap_or(false)
    }
}
