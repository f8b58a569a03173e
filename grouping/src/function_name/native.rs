//! Demangled names of C++, Rust, Swift and Objective-C.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::Regex;

/// Characters of operators' names that would be taken for brackets or separators, and what stands for them meanwhile.
const PROTECTED: [(char, char); 5] = [
    ('<', '\u{e000}'),
    ('>', '\u{e001}'),
    ('(', '\u{e002}'),
    (')', '\u{e003}'),
    (' ', '\u{e004}'),
];

static OPERATOR: LazyLock<Regex> = LazyLock::new(|| {
    compile(r"\boperator(?:\(\)|<=>|<<=?|>>=?|->\*?|[<>]=?| (?:new|delete)(?:\[\])?)")
});
static CLONE: LazyLock<Regex> = LazyLock::new(|| compile(r" ?\[clone [^\]]*\]"));
static LAMBDA: LazyLock<Regex> = LazyLock::new(|| {
    compile(r"\{lambda\([^{}]*\)#[0-9]+\}|lambda_[0-9a-f]{32}\b|\$_[0-9]+\b|'lambda[0-9]*'")
});
static MSVC_ANONYMOUS: LazyLock<Regex> = LazyLock::new(|| compile(r"\?A0x[0-9a-f]{8}::"));
static RUST_HASH: LazyLock<Regex> = LazyLock::new(|| compile(r"::h[0-9a-f]{16}$"));

fn compile(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the pattern is a tested constant")
}

/// The name without arguments, templates and whatever else varies; `None` if it has to stay as it is.
pub(super) fn shorten(function: &str) -> Option<String> {
    let is_objective_c = ["[", "-[", "+["]
        .iter()
        .any(|start| function.starts_with(start));
    if is_objective_c || matches!(function, "<redacted>" | "<unknown>") {
        return None;
    }
    let name = CLONE.replace_all(function.trim(), "");
    let name = OPERATOR.replace_all(without_qualifiers(&name), |found: &regex::Captures<'_>| {
        protect(&found[0])
    });
    let name = LAMBDA.replace_all(&name, "lambda");
    let name = MSVC_ANONYMOUS.replace_all(&name, "`anonymous namespace'::");
    let msvc_anonymous = protect("`anonymous namespace'");
    // Swift's "(extension in Shop):Cart.total()" leaves a colon.
    let name = without_arguments(&name)
        .trim_start_matches(':')
        .replace("`anonymous namespace'", &msvc_anonymous);
    let name = without_templates(&name);
    let name = essential(&name);
    Some(restore(without_decoration(&name)))
}

fn protect(text: &str) -> String {
    let stand_in = |c| PROTECTED.iter().find(|(plain, _)| *plain == c);
    text.chars()
        .map(|c| stand_in(c).map_or(c, |(_, s)| *s))
        .collect()
}

fn restore(text: &str) -> String {
    let plain = |c| PROTECTED.iter().find(|(_, stand_in)| *stand_in == c);
    text.chars()
        .map(|c| plain(c).map_or(c, |(p, _)| *p))
        .collect()
}

/// Drops `const`, `&` and `&&` behind the arguments.
fn without_qualifiers(name: &str) -> &str {
    let mut rest = name;
    loop {
        rest = rest.trim_end();
        let shorter = rest
            .strip_suffix("const")
            .or_else(|| rest.strip_suffix('&'));
        match shorter.filter(|shorter| shorter.ends_with([' ', ')', '&'])) {
            Some(shorter) => rest = shorter,
            None => return rest,
        }
    }
}

/// Drops everything in parentheses, apart from two names that are written in them.
fn without_arguments(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut rest = name;
    while let Some(open) = rest.find('(') {
        out.push_str(&rest[..open]);
        let close = closing(&rest[open..], '(', ')').map_or(rest.len(), |length| open + length);
        let group = &rest[open..close];
        if matches!(group, "(anonymous namespace)" | "(operator)") {
            out.push_str(&protect(group));
        }
        rest = &rest[close..];
    }
    out.push_str(rest);
    out
}

/// The length of the text up to and with the bracket that closes its first character.
fn closing(text: &str, open: char, close: char) -> Option<usize> {
    let mut depth = 0_usize;
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        if c == open {
            depth += 1;
        } else if c == close && before != '-' {
            depth -= 1;
            if depth == 0 {
                return Some(at + c.len_utf8());
            }
        }
        before = c;
    }
    None
}

/// Makes `<T>` of all templates; Rust's `<A as B>` at the start becomes `A`.
fn without_templates(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut rest = Cow::Borrowed(name);
    if let Some(length) = name
        .starts_with('<')
        .then(|| closing(name, '<', '>'))
        .flatten()
    {
        let inner = &name[1..length - 1];
        if inner != "lambda" {
            rest = Cow::Owned(format!("{}{}", implementor(inner), &name[length..]));
        }
    }
    let mut rest = rest.as_ref();
    while let Some(open) = rest.find('<') {
        let Some(length) = closing(&rest[open..], '<', '>') else {
            break;
        };
        // "operator< <int>" has a blank that parts no words.
        let before = &rest[..open];
        let is_operator = before.ends_with("\u{e000} ");
        out.push_str(if is_operator {
            before.trim_end()
        } else {
            before
        });
        let group = &rest[open..open + length];
        out.push_str(if group == "<lambda>" { group } else { "<T>" });
        rest = &rest[open + length..];
    }
    out.push_str(rest);
    out
}

/// The type of `A as B`, or the trait if the type is any type at all, written as one capital letter.
fn implementor(inner: &str) -> &str {
    match split_outside_brackets(inner, " as ") {
        Some((ty, name)) if ty.len() == 1 && ty.starts_with(char::is_uppercase) => name,
        Some((ty, _)) => ty,
        None => inner,
    }
}

fn split_outside_brackets<'n>(name: &'n str, separator: &str) -> Option<(&'n str, &'n str)> {
    let mut depth = 0_i32;
    for (at, c) in name.char_indices() {
        match c {
            '<' => depth += 1,
            '>' => depth -= 1,
            ' ' if depth == 0 && name[at..].starts_with(separator) => {
                return Some((&name[..at], &name[at + separator.len()..]));
            }
            _ => {}
        }
    }
    None
}

/// The word that names the function, without return type and Swift's attributes.
fn essential(name: &str) -> Cow<'_, str> {
    if let Some((_, closure)) = name.split_once("closure #") {
        return match closure.split_once(" in ") {
            Some((_, place)) => format!("closure in {}", main_word(place)).into(),
            None => "closure".into(),
        };
    }
    if let Some(variable) = name.strip_prefix("initialization expression of ") {
        return format!("initializer expression of {}", main_word(variable)).into();
    }
    match main_word(name) {
        word if word.starts_with("@callee_") => "thunk for closure".into(),
        word => word.into(),
    }
}

/// The last word, or the last one in front of `->` or `:`, which is followed by a type.
fn main_word(name: &str) -> &str {
    // Names of Objective-C blocks hold a method with its spaces: "__31-[Cart viewDidLoad]_block_invoke".
    if name.contains('[') && name.contains(']') && name.starts_with("__") {
        return name;
    }
    let mut word = "";
    for next in name.split_ascii_whitespace() {
        match next {
            "->" | ":" if !word.is_empty() => break,
            "throws" | "rethrows" | "async" => {}
            next => word = next,
        }
    }
    word
}

/// Drops the hash of Rust, the version of glibc and the size of arguments of Windows.
fn without_decoration(name: &str) -> &str {
    let name = match RUST_HASH.find(name) {
        Some(hash) => &name[..hash.start()],
        None => name,
    };
    let name = name.split("@@GLIBC_").next().unwrap_or(name);
    match name.rsplit_once('@') {
        Some((plain, size))
            if plain.starts_with('_')
                && !size.is_empty()
                && size.bytes().all(|b| b.is_ascii_digit()) =>
        {
            plain
        }
        _ => name,
    }
}
