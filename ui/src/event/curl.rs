//! A request as a command for a shell.

use super::fields::Field;

/// Headers that curl makes itself, or that would be wrong in another request.
const OWN_HEADERS: [&str; 5] = [
    "host",
    "content-length",
    "connection",
    "accept-encoding",
    "cookie",
];

/// A command that repeats the request, as far as it is known; what a rule removed is missing or replaced in it too.
///
/// Everything is between single quotes, in which a shell understands nothing, and no control character gets through
/// but a body's line ends: pasted into a terminal, the command is one command.
pub(super) fn command(
    method: &str,
    url: &str,
    headers: &[Field],
    cookies: &[Field],
    body: Option<&str>,
) -> String {
    let mut lines = vec![format!(
        "curl --globoff --request {} {}",
        quote(method),
        quote(url)
    )];
    let is_own = |field: &&Field| !OWN_HEADERS.contains(&field.key.to_lowercase().as_str());
    for header in headers.iter().filter(is_own) {
        let line = format!("{}: {}", header.key, header.text());
        lines.push(format!("--header {}", quote(&line)));
    }
    if !cookies.is_empty() {
        let pairs: Vec<String> = cookies
            .iter()
            .map(|cookie| format!("{}={}", cookie.key, cookie.text()))
            .collect();
        lines.push(format!(
            "--header {}",
            quote(&format!("Cookie: {}", pairs.join("; ")))
        ));
    }
    if let Some(body) = body {
        lines.push(format!("--data-raw {}", quote_lines(body)));
    }
    lines.join(" \\\n  ")
}

fn quote(text: &str) -> String {
    let line: String = text.chars().filter(|c| !c.is_control()).collect();
    format!("'{}'", line.replace('\'', r"'\''"))
}

fn quote_lines(text: &str) -> String {
    let lines: Vec<String> = text
        .lines()
        .map(|line| line.chars().filter(|c| !c.is_control()).collect())
        .collect();
    format!("'{}'", lines.join("\n").replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_leaves_the_quotes() {
        assert_eq!(
            command(
                "POST",
                "http://x/?a='; rm -rf ~\n",
                &[],
                &[],
                Some("a\nb'\u{1b}[2J")
            ),
            "curl --globoff --request 'POST' 'http://x/?a='\\''; rm -rf ~' \\\n  --data-raw 'a\nb'\\''[2J'"
        );
    }
}
