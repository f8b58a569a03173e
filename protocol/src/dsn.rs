//! The address a client is configured with.

use std::fmt;
use std::str::FromStr;

use crate::{ProjectId, PublicKey};

/// `{scheme}://{public_key}[:{secret}]@{host}[:{port}][/{path/prefix}]/{project_id}`. The secret is obsolete and dropped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dsn {
    /// `http` or `https`.
    pub scheme: String,
    /// The key that says who sends.
    pub public_key: PublicKey,
    /// Host with port and, behind it, the path prefix without a slash at its end: `errors.example.com:9000/bugle`.
    pub location: String,
    /// The project the key belongs to.
    pub project_id: ProjectId,
}

impl Dsn {
    /// The DSN of a server whose public base is `base_url`, such as `https://errors.example.com/bugle`.
    ///
    /// # Errors
    /// [`InvalidDsn`] if the base is not an `http` or `https` address.
    pub fn new(
        base_url: &str,
        public_key: PublicKey,
        project_id: ProjectId,
    ) -> Result<Self, InvalidDsn> {
        let (scheme, location) = split_scheme(base_url)?;
        let location = location.trim_end_matches('/');
        if location.is_empty() {
            return Err(InvalidDsn("the host is missing"));
        }
        Ok(Self {
            scheme: scheme.to_owned(),
            public_key,
            location: location.to_owned(),
            project_id,
        })
    }
}

impl fmt::Display for Dsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}://{}@{}/{}",
            self.scheme, self.public_key, self.location, self.project_id
        )
    }
}

impl FromStr for Dsn {
    type Err = InvalidDsn;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (scheme, rest) = split_scheme(text.trim())?;
        let (user, address) = rest
            .split_once('@')
            .ok_or(InvalidDsn("the public key is missing"))?;
        let key = user.split_once(':').map_or(user, |(key, _secret)| key);
        let public_key = key
            .parse()
            .map_err(|_| InvalidDsn("the public key is not 32 hex digits"))?;
        let (location, project) = address
            .rsplit_once('/')
            .ok_or(InvalidDsn("the project id is missing"))?;
        if location.is_empty() {
            return Err(InvalidDsn("the host is missing"));
        }
        let project_id = project
            .parse()
            .map_err(|_| InvalidDsn("the project id is not a number"))?;
        Ok(Self {
            scheme: scheme.to_owned(),
            public_key,
            location: location.trim_end_matches('/').to_owned(),
            project_id,
        })
    }
}

fn split_scheme(text: &str) -> Result<(&str, &str), InvalidDsn> {
    match text.split_once("://") {
        Some((scheme @ ("http" | "https"), rest)) => Ok((scheme, rest)),
        _ => Err(InvalidDsn("it does not begin with http:// or https://")),
    }
}

/// The text is not a DSN, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid DSN: {0}")]
pub struct InvalidDsn(pub &'static str);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dsn_survives_a_round_trip_and_loses_its_secret() {
        let key = "a94f0b1c2d3e4f5061728394a5b6c7d8";
        for (text, shown) in [
            (
                format!("http://{key}@127.0.0.1:9000/1"),
                format!("http://{key}@127.0.0.1:9000/1"),
            ),
            (
                format!("https://{key}:s3cret@e.example.com/a/b/42"),
                format!("https://{key}@e.example.com/a/b/42"),
            ),
            (
                format!("http://{key}:@host/1"),
                format!("http://{key}@host/1"),
            ),
        ] {
            assert_eq!(text.parse::<Dsn>().unwrap().to_string(), shown);
        }
        for bad in [
            "",
            "ftp://x",
            "http://host/1",
            &format!("http://{key}@host"),
            &format!("http://{key}@host/x"),
            "http://short@host/1",
        ] {
            assert!(bad.parse::<Dsn>().is_err(), "{bad}");
        }
    }
}
