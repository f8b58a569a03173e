//! Reports that browsers send when a page breaks its own security policy.

use bugle_protocol::{Event, Json};

use crate::result::{Leaf, LeafKind, VariantKind};

/// What a page allows itself, in the words of a policy.
const SELF: &str = "'self'";

/// A report and its kind.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Report<'t, 'a> {
    /// Content Security Policy.
    Csp(&'t Json<'a>),
    /// HTTP Public Key Pinning.
    Hpkp(&'t Json<'a>),
    /// Expect-CT.
    ExpectCt(&'t Json<'a>),
    /// Expect-Staple.
    ExpectStaple(&'t Json<'a>),
}

impl<'t, 'a> Report<'t, 'a> {
    /// The report that `event` carries.
    pub(crate) fn of(event: &'t Event<'a>) -> Option<Self> {
        let body = |key| event.get(key).filter(|json| json.as_object().is_some());
        body("csp")
            .map(Self::Csp)
            .or_else(|| body("hpkp").map(Self::Hpkp))
            .or_else(|| body("expectstaple").map(Self::ExpectStaple))
            .or_else(|| body("expectct").map(Self::ExpectCt))
    }

    /// The kind of the variant.
    pub(crate) fn kind(self) -> VariantKind {
        match self {
            Self::Csp(_) => VariantKind::Csp,
            Self::Hpkp(_) => VariantKind::Hpkp,
            Self::ExpectCt(_) => VariantKind::ExpectCt,
            Self::ExpectStaple(_) => VariantKind::ExpectStaple,
        }
    }

    /// The values that tell this report from others.
    pub(crate) fn values(self) -> Vec<Leaf> {
        let (salt, body) = match self {
            Self::Csp(body) => return csp_values(body),
            Self::Hpkp(body) => ("hpkp", body),
            Self::ExpectCt(body) => ("expect-ct", body),
            Self::ExpectStaple(body) => ("expect-staple", body),
        };
        let mut values = vec![Leaf::new(LeafKind::Salt, salt)];
        values.extend(
            body.get_str("hostname")
                .map(|host| Leaf::new(LeafKind::Hostname, host)),
        );
        values
    }

    /// The directive that a CSP report is about.
    pub(crate) fn directive(self) -> Option<&'t str> {
        match self {
            Self::Csp(body) => directive(body),
            _ => None,
        }
    }

    /// What a CSP report blocked.
    pub(crate) fn blocked_uri(self) -> Option<String> {
        match self {
            Self::Csp(body) => Some(blocked_uri(body)),
            _ => None,
        }
    }

    /// The host that any other report is about.
    pub(crate) fn hostname(self) -> Option<&'t str> {
        match self {
            Self::Csp(_) => None,
            Self::Hpkp(body) | Self::ExpectCt(body) | Self::ExpectStaple(body) => {
                body.get_str("hostname")
            }
        }
    }
}

/// The effective directive, which old browsers leave out: then the violated one without its sources.
fn directive<'t>(body: &'t Json<'_>) -> Option<&'t str> {
    let violated = || {
        body.get_str("violated_directive")?
            .split_whitespace()
            .next()
    };
    body.get_str("effective_directive")
        .filter(|directive| !directive.is_empty())
        .or_else(violated)
}

fn csp_values(body: &Json<'_>) -> Vec<Leaf> {
    let directive = directive(body);
    let uri = blocked_uri(body);
    let mut values = Vec::new();
    values.extend(directive.map(|directive| Leaf::new(LeafKind::Salt, directive)));
    let violation =
        local_violation(body).filter(|_| directive == Some("script-src") && uri == SELF);
    values.push(match violation {
        Some(violation) => Leaf::new(LeafKind::Violation, violation),
        None => Leaf::new(LeafKind::Uri, uri),
    });
    values
}

fn local_violation(body: &Json<'_>) -> Option<&'static str> {
    let violated = body.get_str("violated_directive")?;
    ["'unsafe-inline'", "'unsafe-eval'"]
        .into_iter()
        .find(|source| violated.contains(source))
}

/// The blocked URI without what changes from page to page: the host of a web address, else scheme and host.
fn blocked_uri(body: &Json<'_>) -> String {
    let uri = body.get_str("blocked_uri").unwrap_or_default();
    if matches!(uri, "" | "self" | SELF) {
        return SELF.to_owned();
    }
    let (scheme, rest) = uri.split_once(':').unwrap_or((uri, ""));
    let host = rest.strip_prefix("//").map_or("", |rest| {
        rest.split(['/', '?', '#']).next().unwrap_or_default()
    });
    match scheme {
        "http" | "https" => host.to_owned(),
        _ if host.is_empty() => format!("{scheme}:"),
        _ => format!("{scheme}://{host}"),
    }
}
