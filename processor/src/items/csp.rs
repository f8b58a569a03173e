//! Breaches of a page's content security policy: the two forms in which browsers report them, and how they are named.

use bugle_protocol::json::Object;

/// Members of a report: their name in the event, in the older form, and in that of the Reporting API.
const MEMBERS: [(&str, &str, &str); 12] = [
    ("document_uri", "document-uri", "documentURL"),
    ("referrer", "referrer", "referrer"),
    ("blocked_uri", "blocked-uri", "blockedURL"),
    (
        "effective_directive",
        "effective-directive",
        "effectiveDirective",
    ),
    (
        "violated_directive",
        "violated-directive",
        "violatedDirective",
    ),
    ("original_policy", "original-policy", "originalPolicy"),
    ("disposition", "disposition", "disposition"),
    ("status_code", "status-code", "statusCode"),
    ("source_file", "source-file", "sourceFile"),
    ("line_number", "line-number", "lineNumber"),
    ("column_number", "column-number", "columnNumber"),
    ("script_sample", "script-sample", "sample"),
];

/// Directives that are called otherwise in a message than in a policy.
const RESOURCES: [(&str, &str); 8] = [
    ("base-uri", "base"),
    ("img-src", "image"),
    ("script-src-elem", "script"),
    ("script-src-attr", "script"),
    ("style-src-elem", "style"),
    ("style-src-attr", "style"),
    ("form-action", "form"),
    ("frame-ancestors", "frame"),
];

/// The interface of an event, of the body of either form. `None` if the body says neither what was blocked nor why.
pub(super) fn interface<'a>(mut body: Object<'a>) -> Option<Object<'a>> {
    let mut csp = Object::new();
    for (name, old, new) in MEMBERS {
        let value = body.remove(old).filter(|value| !value.is_null());
        let value = value.or_else(|| body.remove(new));
        if let Some(value) = value.filter(|value| !value.is_null()) {
            csp.insert(name, value);
        }
    }
    // Old browsers send only the whole directive, with its sources; new ones only its name.
    let whole = csp.get_str("violated_directive").map(str::to_owned);
    let name = csp.get_str("effective_directive").map(str::to_owned);
    match (whole, name) {
        (None, None) => return None,
        (Some(whole), None) => {
            let first = whole.split_whitespace().next().unwrap_or_default();
            csp.insert("effective_directive", first.to_owned());
        }
        (None, Some(name)) => {
            csp.insert("violated_directive", name);
        }
        (Some(_), Some(_)) => {}
    }
    Some(csp)
}

/// What happened, such as `Blocked 'script' from 'evil.example'`.
pub(super) fn message(csp: &Object<'_>) -> String {
    let directive = csp.get_str("effective_directive").unwrap_or_default();
    let named = RESOURCES.iter().find(|(name, _)| *name == directive);
    let resource = named.map_or_else(
        || directive.strip_suffix("-src").unwrap_or(directive),
        |(_, resource)| resource,
    );
    let violated = csp.get_str("violated_directive").unwrap_or_default();
    match (blocked(csp), resource) {
        (Blocked::Uri(uri), _) => format!("Blocked '{resource}' from '{uri}'"),
        (Blocked::Eval, _) => format!("Blocked unsafe eval() '{resource}'"),
        (Blocked::Inline, "script") if violated.contains("'unsafe-eval'") => {
            "Blocked unsafe (eval() or inline) 'script'".to_owned()
        }
        (Blocked::Inline, _) => format!("Blocked inline '{resource}'"),
    }
}

/// The tags by which such events are searched.
pub(super) fn tags(csp: &Object<'_>) -> Object<'static> {
    let mut tags = Object::new();
    if let Some(directive) = csp.get_str("effective_directive") {
        tags.insert("effective-directive", directive.to_owned());
    }
    let uri = match blocked(csp) {
        Blocked::Uri(uri) => uri,
        Blocked::Eval => "eval".to_owned(),
        Blocked::Inline => "self".to_owned(),
    };
    tags.insert("blocked-uri", uri);
    tags
}

/// What a page was kept from.
enum Blocked {
    /// Something of another place: the host of a web address, else the scheme.
    Uri(String),
    /// A call of `eval`.
    Eval,
    /// Something that stands in the page.
    Inline,
}

fn blocked(csp: &Object<'_>) -> Blocked {
    let uri = csp.get_str("blocked_uri").unwrap_or_default();
    match uri {
        "" | "self" | "'self'" | "inline" => return Blocked::Inline,
        "eval" | "wasm-eval" => return Blocked::Eval,
        _ => {}
    }
    let (scheme, rest) = uri.split_once(':').unwrap_or((uri, ""));
    let host = rest.strip_prefix("//").unwrap_or_default();
    let host = host.split(['/', '?', '#']).next().unwrap_or_default();
    // A name and a password in front of the host are nobody's business.
    let host = host.rsplit('@').next().unwrap_or_default();
    Blocked::Uri(match (scheme, host) {
        (scheme, "") => scheme.to_owned(),
        ("http" | "https", host) => host.to_owned(),
        (scheme, host) => format!("{scheme}://{host}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use bugle_protocol::json::{Json, parse_str};

    fn object(text: &str) -> Object<'_> {
        match parse_str(text) {
            Ok(Json::Object(object)) => object,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn both_forms_give_one_interface() {
        let old = r#"{"document-uri":"https://shop/","violated-directive":"script-src 'self'","blocked-uri":"https://evil/x.js","status-code":200}"#;
        let new = r#"{"documentURL":"https://shop/","effectiveDirective":"script-src","blockedURL":"https://evil/x.js","statusCode":200}"#;
        let old = interface(object(old)).unwrap();
        let new = interface(object(new)).unwrap();
        for key in [
            "document_uri",
            "effective_directive",
            "blocked_uri",
            "status_code",
        ] {
            assert_eq!(old.get(key), new.get(key), "{key}");
        }
        assert_eq!(interface(object(r#"{"blockedURL":"https://evil/"}"#)), None);
    }

    #[test]
    fn messages_say_what_was_blocked_and_from_where() {
        for (directive, uri, expected) in [
            (
                "script-src",
                "https://u:p@evil.example/x.js?a",
                "Blocked 'script' from 'evil.example'",
            ),
            ("img-src", "data", "Blocked 'image' from 'data'"),
            ("img-src", "data:image/png,x", "Blocked 'image' from 'data'"),
            (
                "connect-src",
                "wss://a.example/x",
                "Blocked 'connect' from 'wss://a.example'",
            ),
            ("style-src-elem", "inline", "Blocked inline 'style'"),
            ("style-src", "self", "Blocked inline 'style'"),
            ("script-src", "eval", "Blocked unsafe eval() 'script'"),
            (
                "script-src 'unsafe-eval'",
                "self",
                "Blocked unsafe (eval() or inline) 'script'",
            ),
            ("trusted-types", "", "Blocked inline 'trusted-types'"),
        ] {
            let report =
                Object::from_iter([("violated-directive", directive), ("blocked-uri", uri)]);
            let csp = interface(report).unwrap();
            assert_eq!(message(&csp), expected, "{directive} {uri}");
        }
    }
}
