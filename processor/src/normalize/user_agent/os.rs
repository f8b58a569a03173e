//! Operating systems and their releases.

use super::{Product, behind, version};

/// The operating system that an agent names.
pub(super) fn find(agent: &str) -> Option<Product> {
    let known = |name: &str, version: Option<String>| {
        Some(Product {
            name: name.to_owned(),
            version,
        })
    };
    if let Some(rest) =
        behind(agent, "Windows Phone OS ").or_else(|| behind(agent, "Windows Phone "))
    {
        return known("Windows Phone", version(rest, '.'));
    }
    if let Some(rest) = behind(agent, "Windows NT ") {
        return known(
            "Windows",
            version(rest, '.').map(|number| windows_release(&number)),
        );
    }
    if let Some(rest) = behind(agent, "Android") {
        return known("Android", version(rest.trim_start(), '.'));
    }
    if agent.contains(" like Mac OS X") {
        return known(
            "iOS",
            behind(agent, " OS ").and_then(|rest| version(rest, '_')),
        );
    }
    if let Some(rest) = behind(agent, "Mac OS X ") {
        let separator = if rest.starts_with("10_") { '_' } else { '.' };
        return known("Mac OS X", version(rest, separator).map(macos_release));
    }
    if let Some(rest) = behind(agent, "CrOS ") {
        return known(
            "Chrome OS",
            rest.split_once(' ')
                .and_then(|(_, rest)| version(rest, '.')),
        );
    }
    let name = ["Ubuntu", "Fedora", "Debian", "FreeBSD", "OpenBSD", "Linux"]
        .into_iter()
        .find(|name| agent.contains(name))?;
    known(name, None)
}

/// Browsers report Windows 10 for everything that came after it.
fn windows_release(number: &str) -> String {
    match number {
        "10.0" => ">=10",
        "6.3" => "8.1",
        "6.2" => "8",
        "6.1" => "7",
        "6.0" => "Vista",
        "5.1" | "5.2" => "XP",
        "5.0" => "2000",
        other => other,
    }
    .to_owned()
}

/// Browsers report macOS 10.15.7 for everything that came after it.
fn macos_release(number: String) -> String {
    match number.as_str() {
        "10.15.7" => ">=10.15.7".to_owned(),
        _ => number,
    }
}
