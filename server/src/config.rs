//! The settings of the process: command line before environment before file before default.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use bugle_ingest::TrustedProxies;
use bugle_store::queue;
use serde::Deserialize;

use crate::cli::Options;
use crate::size;

/// The SDK that pages fetch if nothing else is configured.
const DEFAULT_JS_SDK_URL: &str = "https://browser.sentry-cdn.com/10.47.0/bundle.tracing.min.js";

/// The settings, checked and complete.
#[derive(Debug)]
pub(crate) struct Config {
    /// Where to listen. Port 0 takes any free one.
    pub(crate) listen: SocketAddr,
    /// The folder of the queue and of SQLite's database.
    pub(crate) data: PathBuf,
    /// Which database; its password never gets into a log.
    pub(crate) database_url: Secret,
    /// The public address without a slash at its end, if it was given.
    pub(crate) url: Option<String>,
    /// Whose `X-Forwarded-For` is believed.
    pub(crate) trusted_proxies: TrustedProxies,
    /// The address of the SDK for browsers that the loader script fetches.
    pub(crate) js_sdk_url: String,
    /// Where metrics are served without a token.
    pub(crate) metrics_listen: Option<SocketAddr>,
    /// What opens `/metrics` besides the API's tokens.
    pub(crate) metrics_token: Option<Secret>,
    /// How much may wait in the queue, and how much room its disk must have; in bytes.
    pub(crate) queue: queue::Limits,
    /// How logs are written.
    pub(crate) log_format: LogFormat,
}

/// A text that must not be printed.
pub(crate) struct Secret(pub(crate) String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[redacted]")
    }
}

/// How logs are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// For log collectors: an object a line.
    Json,
}

/// The keys of the TOML file, the same as on the command line.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct File {
    listen: Option<String>,
    data: Option<PathBuf>,
    database_url: Option<String>,
    database_url_file: Option<PathBuf>,
    url: Option<String>,
    trusted_proxies: Option<String>,
    js_sdk_url: Option<String>,
    metrics_listen: Option<String>,
    metrics_token: Option<String>,
    metrics_token_file: Option<PathBuf>,
    max_queue: Option<String>,
    min_free_disk: Option<String>,
    log_format: Option<String>,
}

impl Config {
    /// Puts the settings together.
    ///
    /// # Errors
    /// An error that names the key, the value and what is allowed.
    pub(crate) fn load(options: Options) -> anyhow::Result<Self> {
        let file = match &options.config {
            Some(path) => read_file(path)?,
            None => File::default(),
        };
        let data = options
            .data
            .or(file.data)
            .unwrap_or_else(|| PathBuf::from("bugle-data"));
        let database_url = database_url(
            (options.database_url, options.database_url_file),
            (file.database_url, file.database_url_file),
            &data,
        )?;
        Ok(Self {
            listen: match options.listen.or(file.listen) {
                Some(value) => address("listen", &value)?,
                None => SocketAddr::from(([127, 0, 0, 1], 9000)),
            },
            database_url,
            data,
            url: options
                .url
                .or(file.url)
                .map(|url| public_url(&url))
                .transpose()?,
            trusted_proxies: trusted_proxies(options.trusted_proxies.or(file.trusted_proxies))?,
            js_sdk_url: js_sdk_url(options.js_sdk_url.or(file.js_sdk_url))?,
            metrics_listen: options
                .metrics_listen
                .or(file.metrics_listen)
                .map(|value| address("metrics-listen", &value))
                .transpose()?,
            metrics_token: metrics_token(
                (options.metrics_token, options.metrics_token_file),
                (file.metrics_token, file.metrics_token_file),
            )?,
            queue: queue_limits(
                options.max_queue.or(file.max_queue),
                options.min_free_disk.or(file.min_free_disk),
            )?,
            log_format: log_format(options.log_format.or(file.log_format))?,
        })
    }

    /// The public address: the given one, or the one that is listened on.
    pub(crate) fn public_url(&self, listening: SocketAddr) -> String {
        match &self.url {
            Some(url) => url.clone(),
            // A server on all interfaces is reached on this machine by its loopback address.
            None if listening.ip().is_unspecified() => {
                format!("http://127.0.0.1:{}", listening.port())
            }
            None => format!("http://{listening}"),
        }
    }
}

fn read_file(path: &Path) -> anyhow::Result<File> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("could not read the file {}", path.display()))?;
    toml::from_str(&text).with_context(|| format!("invalid file {}", path.display()))
}

fn invalid(key: &str, value: &str, expected: &str) -> anyhow::Error {
    let variable = key.to_uppercase().replace('-', "_");
    anyhow::anyhow!(
        "invalid value '{value}' for {key} (--{key}, BUGLE_{variable}): expected {expected}"
    )
}

fn address(key: &str, value: &str) -> anyhow::Result<SocketAddr> {
    let expected = "ADDRESS:PORT, such as 127.0.0.1:9000 or [::]:9000";
    value.parse().map_err(|_| invalid(key, value, expected))
}

/// A value, or the file that holds it.
type Source = (Option<String>, Option<PathBuf>);

/// The nearer source wins; within a source the file does, so that a secret can replace a default.
fn secret(key: &str, near: Source, far: Source) -> anyhow::Result<Option<String>> {
    for (value, file) in [near, far] {
        if let Some(path) = file {
            let value = std::fs::read_to_string(&path)
                .with_context(|| format!("could not read {key}-file {}", path.display()))?;
            return Ok(Some(value.trim().to_owned()));
        }
        if value.is_some() {
            return Ok(value);
        }
    }
    Ok(None)
}

/// Shorter tokens could be guessed, and an empty file would open what it is meant to close.
const MIN_TOKEN_CHARS: usize = 16;

fn metrics_token(near: Source, far: Source) -> anyhow::Result<Option<Secret>> {
    let token = secret("metrics-token", near, far)?;
    if let Some(token) = &token
        && (token.len() < MIN_TOKEN_CHARS || !token.bytes().all(|byte| byte.is_ascii_graphic()))
    {
        return Err(invalid(
            "metrics-token",
            "…",
            "at least 16 visible ASCII characters, such as the output of: openssl rand -hex 32",
        ));
    }
    Ok(token.map(Secret))
}

fn database_url(near: Source, far: Source, data: &Path) -> anyhow::Result<Secret> {
    if let Some(url) = secret("database-url", near, far)? {
        let scheme = url.split_once(':').map(|(scheme, _)| scheme);
        if !matches!(scheme, Some("sqlite" | "postgres" | "postgresql")) {
            // The value may hold a password: only its scheme is repeated.
            let shown = scheme.map_or("…".to_owned(), |scheme| format!("{scheme}:…"));
            return Err(invalid(
                "database-url",
                &shown,
                "sqlite:FILE or postgres://USER:PASSWORD@HOST/NAME",
            ));
        }
        return Ok(Secret(url));
    }
    Ok(Secret(format!(
        "sqlite:{}",
        data.join("bugle.db").display()
    )))
}

fn public_url(value: &str) -> anyhow::Result<String> {
    let expected =
        "http:// or https://, a host, and no query, such as https://errors.example.com/bugle";
    let url = value.trim().trim_end_matches('/');
    let rest = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"));
    match rest {
        Some(rest)
            if !rest.is_empty()
                && !rest.starts_with('/')
                && !rest.contains(['?', '#', '@', ' ']) =>
        {
            Ok(url.to_owned())
        }
        _ => Err(invalid("url", value, expected)),
    }
}

fn trusted_proxies(value: Option<String>) -> anyhow::Result<TrustedProxies> {
    let value = value.unwrap_or_default();
    value.parse().map_err(|_| {
        invalid(
            "trusted-proxies",
            &value,
            "addresses and networks, such as 127.0.0.1, 10.0.0.0/8, ::1",
        )
    })
}

/// The SDK for browsers, with errors and tracing. A whole address on purpose: pages load it, not this server.
fn js_sdk_url(value: Option<String>) -> anyhow::Result<String> {
    let Some(value) = value else {
        return Ok(DEFAULT_JS_SDK_URL.to_owned());
    };
    let url = value.trim();
    let rest = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"));
    match rest {
        Some(rest) if !rest.is_empty() && !rest.starts_with('/') && !rest.contains(' ') => {
            Ok(url.to_owned())
        }
        _ => Err(invalid(
            "js-sdk-url",
            &value,
            "http:// or https:// and the address of a script, such as https://static.example.com/sentry.min.js",
        )),
    }
}

fn queue_limits(
    max_queue: Option<String>,
    min_free_disk: Option<String>,
) -> anyhow::Result<queue::Limits> {
    let mut limits = queue::Limits::default();
    if let Some(value) = max_queue {
        limits.max_backlog_bytes = size::parse(&value)
            .filter(|bytes| *bytes > 0)
            .ok_or_else(|| invalid("max-queue", &value, "a size above 0, such as 10GiB"))?;
    }
    if let Some(value) = min_free_disk {
        limits.min_free_bytes =
            size::parse(&value).ok_or_else(|| invalid("min-free-disk", &value, size::EXPECTED))?;
    }
    Ok(limits)
}

fn log_format(value: Option<String>) -> anyhow::Result<LogFormat> {
    match value.as_deref() {
        None | Some("text") => Ok(LogFormat::Text),
        Some("json") => Ok(LogFormat::Json),
        Some(other) => Err(invalid("log-format", other, "text or json")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    fn load(options: Options) -> Result<Config, String> {
        Config::load(options).map_err(|error| format!("{error:#}"))
    }

    #[test]
    fn the_defaults_need_nothing() {
        let config = load(Options::default()).unwrap();
        assert_eq!(config.listen, "127.0.0.1:9000".parse().unwrap());
        assert_eq!(config.database_url.0, "sqlite:bugle-data/bugle.db");
        assert_eq!(
            config.public_url("0.0.0.0:9000".parse().unwrap()),
            "http://127.0.0.1:9000"
        );
        assert_eq!(config.js_sdk_url, DEFAULT_JS_SDK_URL);
        assert!(format!("{config:?}").contains("database_url: [redacted]"));
    }

    #[test]
    fn a_bad_value_names_the_key_the_value_and_what_is_allowed() {
        let text = |text: &str| Some(text.to_owned());
        for (options, message) in [
            (
                Options {
                    listen: text("9000"),
                    ..Options::default()
                },
                "invalid value '9000' for listen (--listen, BUGLE_LISTEN): expected ADDRESS:PORT, such as 127.0.0.1:9000 or [::]:9000",
            ),
            (
                Options {
                    database_url: text("mysql://root:s3cret@db/x"),
                    ..Options::default()
                },
                "invalid value 'mysql:…' for database-url (--database-url, BUGLE_DATABASE_URL): expected sqlite:FILE or postgres://USER:PASSWORD@HOST/NAME",
            ),
            (
                Options {
                    url: text("errors.example.com"),
                    ..Options::default()
                },
                "invalid value 'errors.example.com' for url (--url, BUGLE_URL): expected http:// or https://, a host, and no query, such as https://errors.example.com/bugle",
            ),
            (
                Options {
                    log_format: text("xml"),
                    ..Options::default()
                },
                "invalid value 'xml' for log-format (--log-format, BUGLE_LOG_FORMAT): expected text or json",
            ),
            (
                Options {
                    trusted_proxies: text("10.0.0.0/99"),
                    ..Options::default()
                },
                "invalid value '10.0.0.0/99' for trusted-proxies (--trusted-proxies, BUGLE_TRUSTED_PROXIES): expected addresses and networks, such as 127.0.0.1, 10.0.0.0/8, ::1",
            ),
            (
                Options {
                    js_sdk_url: text("/sentry.js"),
                    ..Options::default()
                },
                "invalid value '/sentry.js' for js-sdk-url (--js-sdk-url, BUGLE_JS_SDK_URL): expected http:// or https:// and the address of a script, such as https://static.example.com/sentry.min.js",
            ),
        ] {
            assert_eq!(load(options).unwrap_err(), message);
        }
    }

    #[test]
    fn sizes_bound_the_queue() {
        let text = |text: &str| Some(text.to_owned());
        let limits = load(Options {
            max_queue: text("2GiB"),
            min_free_disk: text("0"),
            ..Options::default()
        })
        .unwrap()
        .queue;
        assert_eq!(
            (limits.max_backlog_bytes, limits.min_free_bytes),
            (2 << 30, 0)
        );
        for (options, message) in [
            (
                Options {
                    max_queue: text("0"),
                    ..Options::default()
                },
                "invalid value '0' for max-queue (--max-queue, BUGLE_MAX_QUEUE): expected a size above 0, such as 10GiB",
            ),
            (
                Options {
                    min_free_disk: text("5%"),
                    ..Options::default()
                },
                "invalid value '5%' for min-free-disk (--min-free-disk, BUGLE_MIN_FREE_DISK): expected a size, such as 512MiB, 10GiB or 0",
            ),
        ] {
            assert_eq!(load(options).unwrap_err(), message);
        }
    }

    #[test]
    fn the_command_line_goes_before_the_file() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        writeln!(
            file,
            "listen = \"0.0.0.0:1\"\ndata = \"/srv/bugle\"\nurl = \"https://e.example.com/x/\""
        )
        .unwrap();
        let options = Options {
            config: Some(file.path().to_owned()),
            listen: Some("127.0.0.1:2".to_owned()),
            ..Options::default()
        };
        let config = load(options).unwrap();
        assert_eq!(config.listen.port(), 2);
        assert_eq!(config.data, Path::new("/srv/bugle"));
        assert_eq!(config.url.as_deref(), Some("https://e.example.com/x"));
    }

    #[test]
    fn an_unknown_key_of_the_file_is_named() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        writeln!(file, "lisen = \"0.0.0.0:1\"").unwrap();
        let error = load(Options {
            config: Some(file.path().to_owned()),
            ..Options::default()
        })
        .unwrap_err();
        assert!(
            error.contains("unknown field `lisen`") && error.contains("`listen`"),
            "{error}"
        );
    }

    #[test]
    fn a_weak_token_for_metrics_is_refused_and_not_repeated() {
        for weak in [
            "",
            "0123456789abcde",
            "0123456789 abcdef",
            "0123456789abcdéf",
        ] {
            let options = Options {
                metrics_token: Some(weak.to_owned()),
                ..Options::default()
            };
            let error = load(options).unwrap_err();
            assert!(
                error.starts_with("invalid value '…' for metrics-token (--metrics-token,"),
                "{error}"
            );
        }
        let options = Options {
            metrics_token: Some("0123456789abcdef".to_owned()),
            metrics_listen: Some("127.0.0.1:9464".to_owned()),
            ..Options::default()
        };
        let config = load(options).unwrap();
        assert_eq!(config.metrics_token.unwrap().0, "0123456789abcdef");
        assert_eq!(config.metrics_listen.unwrap().port(), 9464);
    }

    #[test]
    fn a_secret_may_come_from_a_file() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        writeln!(file, "postgres://bugle:s3cret@db/bugle").unwrap();
        let options = || Options {
            database_url_file: Some(file.path().to_owned()),
            ..Options::default()
        };
        assert_eq!(
            load(options()).unwrap().database_url.0,
            "postgres://bugle:s3cret@db/bugle"
        );
        let both = Options {
            database_url: Some("sqlite:x".to_owned()),
            ..options()
        };
        assert_eq!(
            load(both).unwrap().database_url.0,
            "postgres://bugle:s3cret@db/bugle"
        );
    }
}
