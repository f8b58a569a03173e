//! Who sends: the public key and the texts that carry it.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;

/// The newest protocol version an SDK may name.
pub const MAX_PROTOCOL_VERSION: u16 = 7;

/// A project key's public half: 32 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PublicKey([u8; 16]);

impl PublicKey {
    /// The key of 16 random bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }
}

/// Reads 32 hex digits; a `.flag` suffix, which some proxies add, is dropped.
impl FromStr for PublicKey {
    type Err = AuthError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text
            .split_once('.')
            .map_or(text, |(key, _flag)| key)
            .as_bytes();
        if digits.len() != 32 {
            return Err(AuthError::KeyShape);
        }
        let mut bytes = [0; 16];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            let high = hex_digit(pair[0]).ok_or(AuthError::KeyShape)?;
            let low = hex_digit(pair[1]).ok_or(AuthError::KeyShape)?;
            *byte = high << 4 | low;
        }
        Ok(Self(bytes))
    }
}

fn hex_digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

/// What a request says of its sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Auth {
    /// The key, shape checked but not yet looked up.
    pub public_key: PublicKey,
    /// The protocol version, 7 where none was named.
    pub version: u16,
    /// The client as `name/version`.
    pub client: Option<String>,
}

/// Why a request's authentication cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// Nothing names a key.
    #[error("missing authorization information")]
    Missing,
    /// Two sources name different keys.
    #[error("multiple authorization payloads detected")]
    Multiple,
    /// The header is not a list of pairs with a `sentry_key`.
    #[error("bad x-sentry-auth header")]
    Header,
    /// The key is not 32 hex digits.
    #[error("bad sentry DSN public key")]
    KeyShape,
    /// The version is newer than any we know.
    #[error("unsupported protocol version ({0})")]
    Version(u16),
}

impl Auth {
    /// Reads the text of `X-Sentry-Auth` or of an `Authorization: Sentry …` header.
    ///
    /// # Errors
    /// [`AuthError`] if the text has no `sentry_key`, a malformed one, or names a version above 7.
    pub fn from_header(text: &str) -> Result<Self, AuthError> {
        let text = text.trim();
        let pairs = match text.get(..7) {
            Some(prefix) if prefix.eq_ignore_ascii_case("sentry ") => &text[7..],
            _ => return Err(AuthError::Header),
        };
        let pairs = pairs.split(',').filter_map(|pair| {
            let (key, value) = pair.split_once('=')?;
            Some((key.trim(), value.trim().trim_matches('"')))
        });
        match Self::from_pairs(pairs)? {
            Some(auth) => Ok(auth),
            None => Err(AuthError::Header),
        }
    }

    /// Reads an `Authorization` header. `Bearer` and other schemes are not for us: `None`.
    ///
    /// # Errors
    /// As [`Auth::from_header`].
    pub fn from_authorization(text: &str) -> Option<Result<Self, AuthError>> {
        let (scheme, rest) = text.trim().split_once(' ')?;
        if scheme.eq_ignore_ascii_case("sentry") {
            return Some(Self::from_header(text));
        }
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        let decoded = base64::engine::general_purpose::STANDARD
            .decode(rest.trim())
            .ok()?;
        let user = String::from_utf8(decoded).ok()?;
        let key = user.split_once(':').map_or(user.as_str(), |(key, _)| key);
        Some(key.parse().map(|public_key| Self {
            public_key,
            version: MAX_PROTOCOL_VERSION,
            client: None,
        }))
    }

    /// Reads decoded query parameters; `None` if there is no `sentry_key` among them.
    ///
    /// # Errors
    /// As [`Auth::from_header`].
    pub fn from_pairs<'a>(
        pairs: impl Iterator<Item = (&'a str, &'a str)>,
    ) -> Result<Option<Self>, AuthError> {
        let (mut public_key, mut version, mut client) = (None, MAX_PROTOCOL_VERSION, None);
        for (key, value) in pairs {
            match key {
                "sentry_key" => public_key = Some(value.parse()?),
                // A version such as "7.0" names 7; text that is no number at all is as good as none.
                "sentry_version" => {
                    version = value
                        .split('.')
                        .next()
                        .and_then(|v| v.parse().ok())
                        .unwrap_or(MAX_PROTOCOL_VERSION);
                }
                "sentry_client" if !value.is_empty() => client = Some(value.to_owned()),
                _ => {}
            }
        }
        if version > MAX_PROTOCOL_VERSION {
            return Err(AuthError::Version(version));
        }
        Ok(public_key.map(|public_key| Self {
            public_key,
            version,
            client,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "a94f0b1c2d3e4f5061728394a5b6c7d8";

    #[test]
    fn headers_are_read_in_any_order_and_spacing() {
        for header in [
            format!(
                "Sentry sentry_key={KEY}, sentry_version=7, sentry_client=sentry.python/2.75.0"
            ),
            format!("sentry sentry_client=sentry.python/2.75.0,sentry_version=7,sentry_key={KEY}"),
            format!(
                "SENTRY  sentry_version=7 , sentry_key={KEY},sentry_client=sentry.python/2.75.0, sentry_timestamp=1.5, sentry_secret=x"
            ),
        ] {
            let auth = Auth::from_header(&header).unwrap();
            assert_eq!(auth.public_key.to_string(), KEY);
            assert_eq!(
                (auth.version, auth.client.as_deref()),
                (7, Some("sentry.python/2.75.0"))
            );
        }
    }

    #[test]
    fn bad_headers_name_their_fault() {
        for (header, error) in [
            ("", AuthError::Header),
            ("Bearer abc", AuthError::Header),
            ("Sentry sentry_version=7", AuthError::Header),
            ("Sentry sentry_key=abc", AuthError::KeyShape),
            (
                &format!("Sentry sentry_key={KEY}, sentry_version=8"),
                AuthError::Version(8),
            ),
        ] {
            assert_eq!(Auth::from_header(header), Err(error), "{header}");
        }
    }

    #[test]
    fn authorization_takes_sentry_and_basic_and_ignores_bearer() {
        let basic = base64::engine::general_purpose::STANDARD.encode(format!("{KEY}:"));
        let key = |text: &str| {
            Auth::from_authorization(text).map(|auth| auth.map(|auth| auth.public_key.to_string()))
        };
        assert_eq!(key(&format!("Basic {basic}")), Some(Ok(KEY.to_owned())));
        assert_eq!(
            key(&format!("Sentry sentry_key={KEY}")),
            Some(Ok(KEY.to_owned()))
        );
        assert_eq!(key("Bearer something"), None);
        assert_eq!(key(""), None);
    }

    #[test]
    fn a_key_may_be_upper_case_or_carry_a_flag() {
        for form in [KEY.to_uppercase(), format!("{KEY}.noscrub")] {
            assert_eq!(form.parse::<PublicKey>().unwrap().to_string(), KEY);
        }
        assert!("é".repeat(16).parse::<PublicKey>().is_err());
    }
}
