//! Operating systems and runtimes out of the free texts in which some clients describe them.

use bugle_protocol::json::{Json, Object};

/// What a raw description says.
#[derive(Debug, Default, PartialEq, Eq)]
struct System<'t> {
    name: &'t str,
    version: Option<&'t str>,
    build: Option<&'t str>,
    kernel: Option<&'t str>,
}

/// Completes an os context.
pub(super) fn normalize_os(os: &mut Object<'_>) {
    if is_unnamed(os)
        && let Some(raw) = os.get_str("raw_description").map(str::to_owned)
        && let Some(system) = parse_os(&raw)
    {
        os.insert("name", system.name.to_owned());
        let members = [
            ("version", system.version),
            ("build", system.build),
            ("kernel_version", system.kernel),
        ];
        for (key, value) in members {
            if let Some(value) = value {
                os.insert(key, value.to_owned());
            }
        }
    }
    describe(os, "os");
}

/// Completes a runtime context.
pub(super) fn normalize_runtime(runtime: &mut Object<'_>) {
    if is_unnamed(runtime)
        && let Some(raw) = runtime.get_str("raw_description").map(str::to_owned)
        && let Some((name, version)) = parse_runtime(&raw)
    {
        runtime.insert("name", name.to_owned());
        runtime.insert("version", version.to_owned());
    }
    if runtime
        .get_str("name")
        .is_some_and(|name| name.starts_with(".NET Framework"))
        && let Some(version) = runtime.get_str("build").and_then(net_framework_version)
    {
        runtime.insert("version", version);
    }
    // A runtime's name alone says less than the SDK's.
    if runtime.get("version").is_some() {
        describe(runtime, "runtime");
    }
}

fn is_unnamed(context: &Object<'_>) -> bool {
    context.get("name").is_none() && context.get("version").is_none()
}

/// Sets `key` to name and version in one line, the form in which the context is searched and counted.
pub(super) fn describe(context: &mut Object<'_>, key: &'static str) {
    let Some(name) = context.get_str("name").filter(|name| !name.is_empty()) else {
        return;
    };
    let line = match context
        .get_str("version")
        .filter(|version| !version.is_empty())
    {
        Some(version) => format!("{name} {version}"),
        None => name.to_owned(),
    };
    context.insert(key, Json::from(line));
}

fn parse_os(raw: &str) -> Option<System<'_>> {
    let raw = raw.trim();
    parse_windows(raw)
        .or_else(|| parse_android(raw))
        .or_else(|| parse_apple(raw))
        .or_else(|| parse_unix(raw))
}

/// `Microsoft Windows 10.0.19045`, `Windows 11  (10.0.22000) 64bit`.
fn parse_windows(raw: &str) -> Option<System<'_>> {
    let rest = raw
        .strip_prefix("Microsoft ")
        .unwrap_or(raw)
        .strip_prefix("Windows ")?;
    let text = match rest.split_once('(') {
        Some((_, inside)) => inside,
        None => rest.strip_prefix("NT ").unwrap_or(rest),
    };
    let number = version_prefix(text);
    let build = number.splitn(3, '.').nth(2)?;
    Some(System {
        name: "Windows",
        version: Some(windows_release(number, build)),
        build: Some(build),
        kernel: None,
    })
}

/// The name under which a build of Windows was sold, where that differs from its number.
/// Source: <https://learn.microsoft.com/windows/win32/sysinfo/operating-system-version>.
fn windows_release<'t>(number: &'t str, build: &str) -> &'t str {
    let build: u32 = build
        .split('.')
        .next()
        .and_then(|b| b.parse().ok())
        .unwrap_or(0);
    match build {
        2600 => "XP",
        6000..=6003 => "Vista",
        7600 | 7601 => "7",
        9200 => "8",
        9600 => "8.1",
        22_000.. => "11",
        _ => number,
    }
}

/// `Android OS 11 / API-30 (RP1A.201005.001/2107031736)`.
fn parse_android(raw: &str) -> Option<System<'_>> {
    let rest = raw.strip_prefix("Android OS ")?;
    let (version, _) = rest.split_once(" / API-")?;
    Some(System {
        name: "Android",
        version: Some(version),
        ..System::default()
    })
}

/// `Mac OS X 10.14.2 (18C54)`, `iOS 17.5.1`, `iPadOS 16.0`.
fn parse_apple(raw: &str) -> Option<System<'_>> {
    const NAMES: [(&str, &str); 4] = [
        ("Mac OS X ", "macOS"),
        ("macOS ", "macOS"),
        ("iOS ", "iOS"),
        ("iPadOS ", "iPadOS"),
    ];
    let (name, rest) = NAMES
        .iter()
        .find_map(|(prefix, name)| Some((*name, raw.strip_prefix(prefix)?)))?;
    let version = version_prefix(rest);
    let build = rest[version.len()..].trim_start().strip_prefix('(');
    (!version.is_empty()).then_some(System {
        name,
        version: Some(version),
        build: build.and_then(|build| build.strip_suffix(')')),
        kernel: None,
    })
}

/// `Linux 5.15.0-1 #1 SMP`, `Unix 4.19.104`: the number is the kernel's.
fn parse_unix(raw: &str) -> Option<System<'_>> {
    let (name, rest) = raw.split_once(' ')?;
    let kernel = version_prefix(rest);
    (matches!(name, "Linux" | "Unix") && !kernel.is_empty()).then_some(System {
        name,
        kernel: Some(kernel),
        ..System::default()
    })
}

/// `.NET Core 3.1.1`, `Mono 5.10.1.47 (2017-12/8eb8f7d5e74)`: a name, then a number of at least two parts.
fn parse_runtime(raw: &str) -> Option<(&str, &str)> {
    let raw = raw.trim();
    let start = raw.find(|c: char| c.is_ascii_digit())?;
    let version = version_prefix(&raw[start..]);
    let name = raw[..start].trim_end();
    (version.contains('.') && !name.is_empty()).then_some((name, version))
}

/// The digits and dots at the beginning of a text, without dots at its end.
fn version_prefix(text: &str) -> &str {
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    text[..end].trim_end_matches('.')
}

/// The version of .NET Framework by the release number in the registry.
/// Source: <https://learn.microsoft.com/dotnet/framework/migration-guide/versions-and-dependencies>.
fn net_framework_version(build: &str) -> Option<&'static str> {
    Some(match build {
        "378389" => "4.5",
        "378675" | "378758" => "4.5.1",
        "379893" => "4.5.2",
        "393295" | "393297" => "4.6",
        "394254" | "394271" => "4.6.1",
        "394802" | "394806" => "4.6.2",
        "460798" | "460805" => "4.7",
        "461308" | "461310" => "4.7.1",
        "461808" | "461814" => "4.7.2",
        "528040" | "528049" | "528209" | "528372" | "528449" => "4.8",
        "533320" | "533325" => "4.8.1",
        _ => return None,
    })
}
