//! Documents as lines, for showing and comparing them.

use serde_json::Value;

/// A document as lines for people: each member with its name, texts and lists line by line.
pub(super) fn lines(document: &Value) -> Vec<String> {
    let Value::Object(members) = document else {
        return pretty(document);
    };
    let none = || vec!["none".to_owned()];
    let mut lines = Vec::new();
    for (name, value) in members {
        let name = words(name);
        let (short, inner) = match value {
            Value::Bool(is_on) => (if *is_on { "on" } else { "off" }, Vec::new()),
            Value::String(text) if text.trim().is_empty() => ("", none()),
            Value::String(text) => ("", text.lines().map(str::to_owned).collect()),
            Value::Array(items) if items.is_empty() => ("", none()),
            Value::Array(items) => ("", items.iter().map(item).collect()),
            Value::Object(members) if members.is_empty() => ("", none()),
            other => ("", pretty(other)),
        };
        lines.push(format!("{name}: {short}").trim_end().to_owned());
        lines.extend(inner.into_iter().map(|line| format!("  {line}")));
    }
    lines
}

fn item(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn pretty(value: &Value) -> Vec<String> {
    let text = serde_json::to_string_pretty(value).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// `sensitiveFields` as `sensitive fields`, and what the form calls otherwise as it is called there.
fn words(name: &str) -> String {
    let name = match name {
        "excludeFields" => "safeFields",
        "scrubIpAddresses" => return "scrub IP addresses".to_owned(),
        "cspDefaults" => "securityReports",
        "cspSources" => "originsOfSecurityReports",
        "errorMessages" => "messages",
        "legacyBrowsers" => "oldBrowsers",
        name => name,
    };
    let mut words = String::new();
    for c in name.chars() {
        match c {
            '_' => words.push(' '),
            c if c.is_ascii_uppercase() => {
                words.push(' ');
                words.push(c.to_ascii_lowercase());
            }
            c => words.push(c),
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn documents_are_lines_for_people() {
        let document = json!({"scrubIpAddresses": true, "excludeFields": [], "rules": "a -> drop\n# b",
            "sensitiveFields": ["pin", 1], "advanced": {"rules": {"0": {"type": "ip"}}}});
        let text = lines(&document).join("\n");
        let wanted = "advanced:\n  {\n    \"rules\": {\n      \"0\": {\n        \"type\": \"ip\"\n      }\n    }\n  }\n\
                      safe fields:\n  none\nrules:\n  a -> drop\n  # b\nscrub IP addresses: on\n\
                      sensitive fields:\n  pin\n  1";
        assert_eq!(text, wanted);
        assert_eq!(lines(&json!([1])), ["[", "  1", "]"]);
    }
}
