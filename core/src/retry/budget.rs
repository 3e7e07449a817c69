//! A token bucket for retries.

use super::config::BudgetConfig;

/// What a token is worth; shares are counted in thousandths of it.
const TOKEN: u64 = 1_000;

/// The bucket of one client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Budget {
    /// Invariant: at most `most`.
    tokens: u64,
    most: u64,
    share: u64,
}

impl Budget {
    pub(super) fn new(config: &BudgetConfig) -> Budget {
        let most = u64::from(config.burst) * TOKEN;
        Budget {
            tokens: most,
            most,
            share: u64::from(config.share),
        }
    }

    /// A request was sent for the first time.
    pub(super) fn deposit(&mut self) {
        self.tokens = (self.tokens + self.share).min(self.most);
    }

    /// Pays for a retry; false if there is no token for it.
    pub(super) fn withdraw(&mut self) -> bool {
        match self.tokens.checked_sub(TOKEN) {
            None => false,
            Some(left) => {
                self.tokens = left;
                true
            }
        }
    }

    /// Whole tokens.
    pub(super) fn left(&self) -> u64 {
        self.tokens / TOKEN
    }
}
