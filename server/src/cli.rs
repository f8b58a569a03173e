//! The command line: what there is, and the help that teaches it.

use std::ffi::OsString;
use std::path::PathBuf;
use std::str::FromStr;

use bugle_protocol::RuleTopic;
use clap::error::ErrorKind;
use clap::{Args, Command as Grammar, CommandFactory as _, FromArgMatches as _};
use clap::{Parser, Subcommand, ValueEnum};

/// A self-hosted error tracker that speaks the Sentry protocol.
///
/// `bugle` alone starts the server: one process, one data folder, no other service. Point the SENTRY_DSN of any
/// unmodified Sentry SDK at it.
#[derive(Debug, Parser)]
#[command(name = "bugle", version, propagate_version = true, after_help = AFTER_HELP)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) options: Options,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

impl Cli {
    /// Reads the command line and the environment; says what is wrong, or the help, and ends if there is nothing to do.
    pub(crate) fn read() -> Self {
        Self::read_from(std::env::args_os().collect()).unwrap_or_else(|error| error.exit())
    }

    fn read_from(words: Vec<OsString>) -> Result<Self, clap::Error> {
        let read = Self::try_parse_from(&words);
        read.map_err(|error| match error.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => error,
            // What the environment says would stand in the usage, as if it had to be given.
            _ => without_environment(Self::command())
                .try_get_matches_from(words)
                .and_then(|matches| Self::from_arg_matches(&matches))
                .err()
                .unwrap_or(error),
        })
    }
}

fn without_environment(grammar: Grammar) -> Grammar {
    grammar.mut_args(|option| option.env(None::<&'static str>))
}

const AFTER_HELP: &str = "\
Every option has an environment variable and a key of the same name in the TOML file given by --config.
The command line goes before the environment, the environment before the file.

Examples:
  bugle                                              start on http://127.0.0.1:9000 with ./bugle-data
  bugle --listen 0.0.0.0:9000 --url https://errors.example.com
  bugle --database-url postgres://bugle@db/bugle     keep everything but the queue in PostgreSQL
  bugle project add Shop                             make a project and print its DSN";

const RULES_HELP: &str = "\
Examples:
  bugle rules show shop filters > filters.json       write down what applies, with all members
  bugle rules set shop filters filters.json          save it as a new version
  echo '{\"scrubIpAddresses\":true}' | bugle rules set shop scrubbing - --comment 'No addresses'";

const FORGET_HELP: &str = "\
Examples:
  bugle forget --user ada@example.com --dry-run      count what there is of a person
  bugle forget --user ada@example.com --export ada.jsonl
  bugle forget --user 203.0.113.9 --project shop --own-only";

const RESCRUB_HELP: &str = "\
Examples:
  bugle rescrub shop --dry-run                       count what the rules of today would change
  bugle rescrub shop                                 change it; what is removed is gone";

const JOB_HELP: &str = "\
Examples:
  bugle job list                                     what runs, and what came of the last ones
  bugle job cancel 7";

const EXPLAIN_HELP: &str = "\
Ops of case:
  scrubbing        scrub, convert, selector, pii_config, suggest, chunks
  normalisation    normalize, normalize_raw, pipeline
  everything else  release, version, pattern, glob, codeowners, condition, sampling_config, sampling, seed,
                   import, categories

Examples:
  echo '{\"id\":\"1\",\"op\":\"condition\",\"text\":\"level:error\"}' | bugle explain case
  echo '{\"event\":{\"message\":\"Hi\"}}' | bugle explain event";

/// The options of all commands.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Server options")]
pub(crate) struct Options {
    /// The address to listen on [default: 127.0.0.1:9000]
    #[arg(long, global = true, env = "BUGLE_LISTEN", value_name = "ADDRESS:PORT")]
    pub(crate) listen: Option<String>,
    /// The folder of the queue and, without --database-url, of the database [default: ./bugle-data]
    #[arg(long, global = true, env = "BUGLE_DATA", value_name = "FOLDER")]
    pub(crate) data: Option<PathBuf>,
    /// sqlite:FILE or postgres://USER:PASSWORD@HOST/NAME [default: sqlite in the data folder]
    #[arg(
        long,
        global = true,
        env = "BUGLE_DATABASE_URL",
        hide_env_values = true,
        value_name = "URL"
    )]
    pub(crate) database_url: Option<String>,
    /// A file that holds the database URL, for secrets that must not be in the environment
    #[arg(
        long,
        global = true,
        env = "BUGLE_DATABASE_URL_FILE",
        value_name = "FILE"
    )]
    pub(crate) database_url_file: Option<PathBuf>,
    /// The public address of the server, with a path prefix if it has one [default: http://ADDRESS:PORT]
    #[arg(long, global = true, env = "BUGLE_URL", value_name = "URL")]
    pub(crate) url: Option<String>,
    /// Proxies whose X-Forwarded-For is believed: addresses and networks, separated by commas [default: none]
    #[arg(
        long,
        global = true,
        env = "BUGLE_TRUSTED_PROXIES",
        value_name = "LIST"
    )]
    pub(crate) trusted_proxies: Option<String>,
    /// Where the loader script gets the SDK for browsers [default: 10.47.0 at browser.sentry-cdn.com]
    #[arg(long, global = true, env = "BUGLE_JS_SDK_URL", value_name = "URL")]
    pub(crate) js_sdk_url: Option<String>,
    /// Where to serve /metrics to whoever connects, and nothing else [default: off]
    #[arg(
        long,
        global = true,
        env = "BUGLE_METRICS_LISTEN",
        value_name = "ADDRESS:PORT"
    )]
    pub(crate) metrics_listen: Option<String>,
    /// A token for /metrics, besides the API's tokens with the scope org:read; better given by --metrics-token-file
    #[arg(
        long,
        global = true,
        env = "BUGLE_METRICS_TOKEN",
        hide_env_values = true,
        value_name = "TOKEN"
    )]
    pub(crate) metrics_token: Option<String>,
    /// A file that holds the token for /metrics
    #[arg(
        long,
        global = true,
        env = "BUGLE_METRICS_TOKEN_FILE",
        value_name = "FILE"
    )]
    pub(crate) metrics_token_file: Option<PathBuf>,
    /// How much may wait in the queue before clients are asked to come back later [default: 10GiB]
    #[arg(long, global = true, env = "BUGLE_MAX_QUEUE", value_name = "SIZE")]
    pub(crate) max_queue: Option<String>,
    /// Take nothing in while the disk has less room than this and what waits; 0 is off [default: 512MiB]
    #[arg(long, global = true, env = "BUGLE_MIN_FREE_DISK", value_name = "SIZE")]
    pub(crate) min_free_disk: Option<String>,
    /// How to write logs to standard error: text or json [default: text]
    #[arg(long, global = true, env = "BUGLE_LOG_FORMAT", value_name = "FORMAT")]
    pub(crate) log_format: Option<String>,
    /// A TOML file with any of these options
    #[arg(long, global = true, env = "BUGLE_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start the server (what `bugle` alone does)
    Serve,
    /// Make and list projects
    #[command(subcommand)]
    Project(ProjectCommand),
    /// Make and list users, set passwords
    #[command(subcommand)]
    User(UserCommand),
    /// Make tokens for the web API
    #[command(subcommand)]
    Token(TokenCommand),
    /// Bound how much is taken in: of a key, of a project, of all
    #[command(subcommand)]
    Limit(LimitCommand),
    /// Save and show what is scrubbed, filtered, sampled and tagged
    #[command(subcommand, after_help = RULES_HELP)]
    Rules(RulesCommand),
    /// Look at requests that could not be processed; retry or drop them
    #[command(subcommand)]
    Queue(QueueCommand),
    /// Find, hand over and erase everything of one person; a running server does it, or the command itself
    #[command(after_help = FORGET_HELP)]
    Forget(ForgetOptions),
    /// Apply the scrubbing rules of today to what a project has stored
    #[command(after_help = RESCRUB_HELP)]
    Rescrub {
        /// The slug of the project
        project: String,
        /// Count, and change nothing
        #[arg(long)]
        dry_run: bool,
        /// Print the report as JSON
        #[arg(long)]
        json: bool,
    },
    /// Look at jobs that run in the background, or cancel one
    #[command(subcommand, after_help = JOB_HELP)]
    Job(JobCommand),
    /// Bring the database up to date (`serve` does it on its own)
    Migrate,
    /// Ask a running server whether it is ready; exits 0 if it is
    Healthcheck,
    /// Say what Bugle would do with an input, and why: JSON lines in, JSON lines out
    #[command(after_help = EXPLAIN_HELP)]
    Explain {
        /// What to explain
        #[arg(value_enum)]
        what: Explained,
    },
}

/// Commands on projects.
#[derive(Debug, Subcommand)]
pub(crate) enum ProjectCommand {
    /// Make a project and print its DSN
    Add {
        /// The name, such as "Shop"
        name: String,
        /// What it runs on, such as python-django
        #[arg(long)]
        platform: Option<String>,
        /// Print {"id", "slug", "dsn"} instead of the DSN alone
        #[arg(long)]
        json: bool,
    },
    /// List the projects with their DSNs
    List,
}

/// Commands on users.
#[derive(Debug, Subcommand)]
pub(crate) enum UserCommand {
    /// Make a user; asks for the password, or reads it with --password-stdin
    Add {
        /// The e-mail address to sign in with
        email: String,
        /// owner, admin, member or viewer
        #[arg(long, default_value = "member")]
        role: String,
        /// Read the password from the first line of standard input
        #[arg(long)]
        password_stdin: bool,
    },
    /// List the users
    List,
    /// Set a new password and end the user's sessions
    ResetPassword {
        /// The e-mail address of the user
        email: String,
        /// Read the password from the first line of standard input
        #[arg(long)]
        password_stdin: bool,
    },
}

/// Commands on tokens.
#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Make a token and print it; it is shown only this once
    Add {
        /// A name to recognise it by
        name: String,
        /// What it may do, such as event:read; may be repeated [default: everything]
        #[arg(long)]
        scope: Vec<String>,
    },
}

/// Commands on limits. A running server heeds them within 5 seconds.
#[derive(Debug, Subcommand)]
pub(crate) enum LimitCommand {
    /// Set a limit and print its id; one of the same target, categories and window is changed
    #[command(group = clap::ArgGroup::new("target").required(true))]
    Set {
        /// Bound one project, by its slug
        #[arg(long, group = "target", value_name = "SLUG")]
        project: Option<String>,
        /// Bound one key, by the 32 hex digits of its DSN
        #[arg(long, group = "target", value_name = "PUBLICKEY")]
        key: Option<String>,
        /// Bound all projects together
        #[arg(long, group = "target")]
        organization: bool,
        /// What is counted, all in bytes or all in items, such as error,transaction [default: all that counts as items]
        #[arg(long, value_delimiter = ',', value_name = "LIST")]
        category: Vec<String>,
        /// How much may come in a window; 0 refuses everything
        #[arg(long, value_name = "N")]
        quantity: u64,
        /// The window: 1m to 60m in whole minutes, 1h to 31d in whole hours
        #[arg(long, value_name = "TIME")]
        window: String,
    },
    /// List the limits: id, target, categories, usage/quantity, window, reason
    List {
        /// Print a JSON list
        #[arg(long)]
        json: bool,
    },
    /// Remove a limit
    Remove {
        /// The id, as `limit list` shows it
        id: i64,
    },
    /// Bound a project to five times its usual hour, once it has a history of 24 hours
    SpikeProtection {
        /// The slug of the project
        project: String,
        /// Switch it on or off
        #[arg(value_enum)]
        switch: Switch,
    },
}

/// Commands on rules. A running server heeds them within 2 seconds.
#[derive(Debug, Subcommand)]
pub(crate) enum RulesCommand {
    /// Save a document as a new version and print its number; a document with mistakes is refused
    Set {
        /// The slug of the project
        project: String,
        /// scrubbing, filters, sampling or tags
        topic: Topic,
        /// A JSON file, or - for standard input; what it leaves out has its default
        file: PathBuf,
        /// What was done, for whoever looks at the versions
        #[arg(
            long,
            default_value = "",
            hide_default_value = true,
            value_name = "TEXT"
        )]
        comment: String,
    },
    /// Print the document that applies
    Show {
        /// The slug of the project
        project: String,
        /// scrubbing, filters, sampling or tags
        topic: Topic,
    },
}

/// What rules are about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Topic(pub(crate) RuleTopic);

impl FromStr for Topic {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let known = RuleTopic::ALL.iter().map(|topic| topic.name());
        RuleTopic::from_name(name)
            .map(Self)
            .ok_or_else(|| format!("expected one of {}", known.collect::<Vec<_>>().join(", ")))
    }
}

/// On or off.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Switch {
    /// On
    On,
    /// Off
    Off,
}

/// Commands on what was set aside of the queue. They work while the server runs, and while it does not.
#[derive(Debug, Subcommand)]
pub(crate) enum QueueCommand {
    /// List what was set aside: id, state, time, project, kind, bytes, client
    Ls {
        /// Print a JSON list
        #[arg(long)]
        json: bool,
    },
    /// Print a request: what is known of it, then its decoded body, which is not scrubbed
    Show {
        /// The id, as `queue ls` shows it
        id: String,
        /// Write the body alone, as it was received
        #[arg(long)]
        raw: bool,
    },
    /// Have requests processed again: at once if the server runs, else when it starts
    Retry {
        /// The ids, as `queue ls` shows them
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        ids: Vec<String>,
        /// All requests
        #[arg(long)]
        all: bool,
    },
    /// Delete requests and damaged segments
    Drop {
        /// The ids, as `queue ls` shows them
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        ids: Vec<String>,
        /// All that are not to be retried
        #[arg(long)]
        all: bool,
    },
}

/// Whom to forget, and how.
#[derive(Debug, Args)]
pub(crate) struct ForgetOptions {
    /// An e-mail address, a user id, a user name or an IP address
    #[arg(long, value_name = "EMAIL|ID|IP")]
    pub(crate) user: String,
    /// Only in one project, by its slug [default: all projects]
    #[arg(long, value_name = "SLUG")]
    pub(crate) project: Option<String>,
    /// Count what would be erased, and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Write everything of the person to a new file first, as lines of JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) export: Option<PathBuf>,
    /// Leave alone where data of others mentions the person
    #[arg(long)]
    pub(crate) own_only: bool,
    /// Rewrite the database's files afterwards; takes as long as a copy and needs as much room
    #[arg(long)]
    pub(crate) compact: bool,
    /// Print the report as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Commands on jobs.
#[derive(Debug, Subcommand)]
pub(crate) enum JobCommand {
    /// List the newest jobs: id, kind, state, progress, time
    List {
        /// Print a JSON list with the reports
        #[arg(long)]
        json: bool,
    },
    /// Stop a job; what it has done by then stays done
    Cancel {
        /// The id, as `job list` shows it
        id: i64,
    },
}

/// What `bugle explain` can explain.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Explained {
    /// A case of the processor: {"id", "op", …} -> {"id", "output"}
    Case,
    /// The whole road of an event: {"event", "settings"?} -> {"normalized", "filtered", "sampled", "tags", "scrubbed", "rules",
    /// "grouping", "outcome"}; settings: documents "scrubbing", "filters", "sampling", "tags", and "clientIp", "userAgent"
    Event,
    /// The grouping of an event: {"name", "event"} -> {"name", "variants", "title", …}
    Group,
    /// The parameterised form of a message
    Message,
    /// What stack trace rules make of frames
    Enhancements,
    /// What fingerprint rules make of an event
    Fingerprint,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::error::ErrorKind;

    fn help(words: &[&str]) -> String {
        let words = ["bugle"].iter().chain(words).chain(&["--help"]);
        let error = Cli::read_from(words.map(OsString::from).collect()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::DisplayHelp);
        error.to_string()
    }

    #[test]
    fn the_options_of_a_command_stand_before_those_of_the_server() {
        for (words, own) in [
            (&["forget"][..], "--dry-run"),
            (&["rescrub"], "--json"),
            (&["rules", "set"], "--comment"),
            (&["job", "list"], "--json"),
            (&[], "--version"),
        ] {
            let help = help(words);
            let (before, after) = help.split_once("Server options:").unwrap();
            let after = after.split("Examples:").next().unwrap();
            assert!(before.contains(own) && !after.contains(own), "{help}");
            let server = ["--listen", "--data", "--config", "--log-format"];
            for option in server {
                assert!(!before.contains(option) && after.contains(option), "{help}");
            }
        }
    }

    #[test]
    fn commands_show_how_they_are_used() {
        for command in ["rules", "forget", "rescrub", "job", "explain"] {
            let help = help(&[command]);
            let (_, examples) = help.split_once("Examples:\n").unwrap();
            assert!(examples.lines().count() >= 2, "{help}");
            assert!(examples.contains(&format!("bugle {command} ")), "{help}");
        }
        let help = help(&["explain"]);
        for op in ["pii_config", "pipeline", "categories"] {
            assert!(help.contains(op), "{help}");
        }
    }

    #[test]
    fn the_examples_can_be_read() {
        let texts = [RULES_HELP, FORGET_HELP, RESCRUB_HELP, JOB_HELP];
        let lines = texts.iter().flat_map(|text| text.lines());
        for line in lines.filter(|line| line.starts_with("  bugle ")) {
            let words = line.split("  ").nth(1).unwrap();
            let words = words.split_whitespace().take_while(|word| *word != ">");
            let read = Cli::read_from(words.map(OsString::from).collect());
            assert!(read.is_ok(), "{line}: {read:?}");
        }
    }
}
