//! Transactions that only ask whether the service is there.

use std::sync::LazyLock;

use regex::Regex;

use crate::facts::Facts;

static NAME: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?is)healthcheck|heartbeat|/(?:health|healthy|healthz|live|livez|ready|readyz|ping)\z",
    )
    .expect("the pattern is valid")
});

/// Whether this is a transaction with the name of a health check.
pub(super) fn is_health_check(facts: &Facts<'_>) -> bool {
    let name = facts.event.get_str("transaction");
    facts.is_transaction() && name.is_some_and(|name| NAME.is_match(name))
}
