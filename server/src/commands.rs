//! The commands beside `serve`: small things on the database, each printing what a script would want.

use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::time::Duration;

use anyhow::{Context as _, bail};
use bugle_protocol::{Dsn, UnixMillis};
use bugle_store::{
    NewProject, Options, PasswordHash, Project, Role, Scope, Store, make_private_folder,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::cli::{Command, ProjectCommand, TokenCommand, UserCommand};
use crate::config::Config;
use crate::setup::{SETUP_TOKEN_HASH, first_organization, new_key, random};
use crate::{forget, jobs, limit_commands, rule_commands};

/// How long a health check waits.
const HEALTH_TIMEOUT: Duration = Duration::from_secs(5);

/// Runs a command other than `serve`.
pub(crate) async fn run(command: Command, config: &Config) -> anyhow::Result<()> {
    if let Command::Healthcheck = command {
        return healthcheck(config).await;
    }
    let store = open(config).await?;
    let applied = store.migrate().await?;
    let done = match command {
        Command::Migrate => migrated(applied),
        Command::Project(command) => project(command, &store, config).await,
        Command::User(command) => user(command, &store).await,
        Command::Token(TokenCommand::Add { name, scope }) => add_token(&store, &name, &scope).await,
        Command::Limit(command) => limit_commands::run(command, &store).await,
        Command::Rules(command) => rule_commands::run(command, &store).await,
        Command::Forget(options) => forget::run(options, &store, config).await,
        Command::Rescrub {
            project,
            dry_run,
            json,
        } => jobs::rescrub(&project, dry_run, json, &store, config).await,
        Command::Job(command) => jobs::run(command, &store).await,
        Command::Serve | Command::Healthcheck | Command::Queue(_) | Command::Explain { .. } => {
            Ok(())
        }
    };
    store.close().await;
    done
}

/// Opens the database, with a message that says which one.
pub(crate) async fn open(config: &Config) -> anyhow::Result<Store> {
    // Queue and database hold what users sent: a folder that is made here is for this user alone.
    make_private_folder(&config.data).context("could not make the data folder")?;
    let options = Options {
        database_url: config.database_url.0.clone(),
        blob_folder: config.data.join("blobs"),
    };
    Store::open(&options)
        .await
        .context("could not open the database of database-url")
}

fn migrated(applied: usize) -> anyhow::Result<()> {
    match applied {
        0 => eprintln!("the database is up to date"),
        n => eprintln!("applied {n} migrations"),
    }
    Ok(())
}

async fn project(command: ProjectCommand, store: &Store, config: &Config) -> anyhow::Result<()> {
    let organization = first_organization(store, UnixMillis::now()).await?;
    match command {
        ProjectCommand::Add {
            name,
            platform,
            json,
        } => {
            if name.trim().is_empty() {
                bail!("the name of a project must not be empty");
            }
            let platform = platform.as_deref();
            let new = NewProject {
                organization_id: organization.id,
                name: name.trim(),
                platform,
                public_key: new_key()?,
            };
            let project = store.create_project(&new, UnixMillis::now()).await?;
            let dsn = dsn_of(store, &project, config).await?;
            if json {
                let answer = serde_json::json!({ "id": project.id, "slug": project.slug, "dsn": dsn.to_string() });
                println!("{answer}");
            } else {
                println!("{dsn}");
            }
        }
        ProjectCommand::List => {
            for project in store.projects(organization.id).await? {
                println!(
                    "{}\t{}\t{}",
                    project.id,
                    project.slug,
                    dsn_of(store, &project, config).await?
                );
            }
        }
    }
    Ok(())
}

async fn dsn_of(store: &Store, project: &Project, config: &Config) -> anyhow::Result<Dsn> {
    let keys = store.project_keys(project.id).await?;
    let key = keys
        .iter()
        .find(|key| key.is_active)
        .context("the project has no active key")?;
    Ok(Dsn::new(
        &config.public_url(config.listen),
        key.public_key,
        project.id,
    )?)
}

async fn user(command: UserCommand, store: &Store) -> anyhow::Result<()> {
    let organization = first_organization(store, UnixMillis::now()).await?;
    match command {
        UserCommand::Add {
            email,
            role,
            password_stdin,
        } => {
            let role: Role = role.parse().map_err(anyhow::Error::msg)?;
            if !looks_like_an_address(&email) {
                bail!("invalid e-mail address '{email}': expected NAME@HOST");
            }
            let hash = PasswordHash::new(&password(password_stdin)?)?;
            store
                .create_user(organization.id, &email, &hash, role, UnixMillis::now())
                .await?;
            // An instance with an owner needs no link to make one.
            if role == Role::Owner {
                store.remove_setting(SETUP_TOKEN_HASH).await?;
            }
            eprintln!("added {} as {}", email.trim().to_lowercase(), role.as_str());
        }
        UserCommand::List => {
            for user in store.users(organization.id).await? {
                let last_login = user
                    .last_login_at
                    .map_or_else(|| "never".to_owned(), UnixMillis::to_rfc3339);
                println!("{}\t{}\t{last_login}", user.email, user.role.as_str());
            }
        }
        UserCommand::ResetPassword {
            email,
            password_stdin,
        } => {
            let hash = PasswordHash::new(&password(password_stdin)?)?;
            store.set_password(&email, &hash).await?;
            eprintln!("set a new password for {email}; all sessions of the user have ended");
        }
    }
    Ok(())
}

fn looks_like_an_address(email: &str) -> bool {
    let email = email.trim();
    let parts = email.split_once('@');
    parts.is_some_and(|(name, host)| !name.is_empty() && !host.is_empty() && !host.contains('@'))
        && !email.contains(char::is_whitespace)
}

/// Reads a password: a line of standard input, asked for if a person sits there.
fn password(from_stdin: bool) -> anyhow::Result<String> {
    if !from_stdin {
        if !std::io::stdin().is_terminal() {
            bail!("no terminal to ask for the password: use --password-stdin");
        }
        eprint!("Password (at least 8 characters, shown as you type): ");
        std::io::stderr()
            .flush()
            .context("could not ask for the password")?;
    }
    let mut line = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut line)
        .context("could not read the password")?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

async fn add_token(store: &Store, name: &str, scopes: &[String]) -> anyhow::Result<()> {
    let scopes = match scopes {
        [] => Scope::ALL.to_vec(),
        scopes => scopes
            .iter()
            .map(|s| s.parse())
            .collect::<Result<_, String>>()
            .map_err(anyhow::Error::msg)?,
    };
    let organization = first_organization(store, UnixMillis::now()).await?;
    println!(
        "{}",
        store
            .create_token(organization.id, name, &scopes, random()?, UnixMillis::now())
            .await?
    );
    Ok(())
}

/// Asks `/readyz` of the server that these settings would start. Plain HTTP on the listening address: no client is needed.
async fn healthcheck(config: &Config) -> anyhow::Result<()> {
    let mut address = config.listen;
    if address.ip().is_unspecified() {
        address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
    }
    let answer = tokio::time::timeout(HEALTH_TIMEOUT, get_readyz(address)).await;
    let answer =
        answer.with_context(|| format!("no answer of http://{address}/readyz within 5 s"))?;
    let answer = answer.with_context(|| format!("could not ask http://{address}/readyz"))?;
    let status = answer.split(' ').nth(1).unwrap_or_default();
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    if status != "200" {
        bail!("not ready: {}", body.trim());
    }
    println!("{}", body.trim());
    Ok(())
}

async fn get_readyz(address: std::net::SocketAddr) -> std::io::Result<String> {
    let mut stream = tokio::net::TcpStream::connect(address).await?;
    let request = format!("GET /readyz HTTP/1.0\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.take(64 * 1024).read_to_string(&mut answer).await?;
    Ok(answer)
}
