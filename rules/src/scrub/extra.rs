//! Detectors beyond Sentry's, each switched on by itself.

use serde::{Deserialize, Serialize};

/// What can be found and replaced on top of Sentry's rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ExtraDetector {
    /// Telephone numbers in international form.
    Phone,
    /// JSON web tokens.
    Jwt,
    /// Keys of cloud providers and the like that tell by their form what they are.
    CloudKey,
}
