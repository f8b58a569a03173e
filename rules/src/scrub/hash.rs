//! The hash that stands for a redacted text, the same as Sentry's, so that values stay comparable after a move.

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

/// The HMAC-SHA1 of a text's bytes under the empty key, in upper-case hex (40 characters).
pub(super) fn hmac_sha1(text: &[u8]) -> String {
    let mut mac = Hmac::<Sha1>::new_from_slice(&[]).expect("an HMAC takes keys of any length");
    mac.update(text);
    let digest = mac.finalize().into_bytes();
    digest.iter().map(|byte| format!("{byte:02X}")).collect()
}
