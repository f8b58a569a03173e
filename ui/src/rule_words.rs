//! What the rules that are named in an event's notes are called by people.

/// A rule in words that fit behind "by": `the built-in rule for passwords and secrets`.
pub(crate) fn of(rule: &str) -> String {
    if let Some(name) = rule.strip_prefix('@') {
        let (finds, _) = name.split_once(':').unwrap_or((name, ""));
        return match built_in(finds) {
            Some(finds) => format!("the built-in rule for {finds}"),
            None => format!("the built-in rule {rule}"),
        };
    }
    if let Some(id) = rule.strip_prefix("project:") {
        return format!("the project’s rule {id}");
    }
    if let Some(id) = rule.strip_prefix("organization:") {
        return format!("the organisation’s rule {id}");
    }
    match rule {
        "strip-fields" => "the sensitive fields".to_owned(),
        "!limit" => "the limit of lengths".to_owned(),
        "!erased" => "the erasure of a person".to_owned(),
        // What the SDKs call it when they remove something before they send.
        "!config" => "the sender’s own settings".to_owned(),
        "!raw" => "the sender, which sends no raw data".to_owned(),
        other => format!("the rule {other}"),
    }
}

/// A rule in words that stand alone: `The built-in rule for passwords and secrets`.
pub(crate) fn title(rule: &str) -> String {
    let words = of(rule);
    let mut chars = words.chars();
    let first = chars.next().into_iter().flat_map(char::to_uppercase);
    first.chain(chars).collect()
}

/// What the detector of a built-in rule finds.
fn built_in(detector: &str) -> Option<&'static str> {
    Some(match detector {
        "anything" => "whole fields",
        "ip" => "IP addresses",
        "email" => "e-mail addresses",
        "creditcard" => "card numbers",
        "iban" => "IBANs",
        "usssn" => "US social security numbers",
        "pemkey" => "private keys",
        "urlauth" => "passwords in URLs",
        "userpath" => "user names in paths",
        "password" => "passwords and secrets",
        "bearer" => "bearer tokens",
        "imei" => "IMEIs",
        "mac" => "MAC addresses",
        "uuid" => "UUIDs",
        "cookies" => "session cookies",
        "phone" => "telephone numbers",
        "jwt" => "JSON web tokens",
        "cloudkey" => "cloud keys",
        "common" => "common secrets",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_have_names_for_people() {
        for (rule, words) in [
            (
                "@password:filter",
                "the built-in rule for passwords and secrets",
            ),
            ("@urlauth:legacy", "the built-in rule for passwords in URLs"),
            ("@email", "the built-in rule for e-mail addresses"),
            ("@new:mask", "the built-in rule @new:mask"),
            ("project:0", "the project’s rule 0"),
            ("organization:a:b", "the organisation’s rule a:b"),
            ("strip-fields", "the sensitive fields"),
            ("!config", "the sender’s own settings"),
            ("device_id", "the rule device_id"),
        ] {
            assert_eq!(of(rule), words);
        }
        assert_eq!(title("strip-fields"), "The sensitive fields");
    }
}
