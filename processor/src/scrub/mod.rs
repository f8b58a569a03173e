//! Removes personal data and secrets.
