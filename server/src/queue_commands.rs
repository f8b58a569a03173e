//! `bugle queue`: what was set aside because it could not be processed. It works on the data folder alone, whether the
//! server runs or not, and needs no database.

use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail};
use bugle_protocol::UnixMillis;
use bugle_protocol::body::{decode, unpack_store};
use bugle_store::queue::{Aside, AsideFile, AsideState, Entry, Queue, QueuedRequest, RequestKind};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::cli::QueueCommand;
use crate::printable::{printable, printable_bytes};

/// How often the running server looks for requests that are to be retried.
const RETRY_EVERY: Duration = Duration::from_secs(1);

/// A body is shown up to this size after decompression; `--raw` has no bound.
const MAX_SHOWN_BYTES: usize = 200 * 1024 * 1024;

/// Runs a command on the queue of a data folder.
pub(crate) fn run(command: QueueCommand, data: &Path) -> anyhow::Result<()> {
    let queue = data.join("queue");
    if !queue.is_dir() {
        bail!(
            "there is no queue in the data folder {} (--data, BUGLE_DATA)",
            data.display()
        );
    }
    let aside = Aside::new(&queue);
    match command {
        QueueCommand::Ls { json } => list(&aside.list()?, json),
        QueueCommand::Show { id, raw } => show(find(&aside.list()?, &id)?, raw),
        QueueCommand::Retry { ids, all } => retry(&aside, &ids, all),
        QueueCommand::Drop { ids, all } => drop_files(&aside, &ids, all),
    }
}

/// Takes requests that are to be retried into the queue, until the server stops.
pub(crate) async fn retries(queue: Queue, mut stopped: watch::Receiver<bool>) {
    loop {
        if let Err(error) = queue.take_retries().await {
            let error: &dyn std::error::Error = &error;
            tracing::error!(error, "could not take a request to be retried");
        }
        let stop = stopped.wait_for(|stop| *stop);
        if tokio::time::timeout(RETRY_EVERY, stop).await.is_ok() {
            return;
        }
    }
}

fn find<'a>(files: &'a [AsideFile], id: &str) -> anyhow::Result<&'a AsideFile> {
    let found = files.iter().find(|file| file.id == id);
    found.with_context(|| {
        format!("nothing called '{id}' is set aside: `bugle queue ls` shows what there is")
    })
}

/// Those that are named, or all that `applies` to.
fn select<'a>(
    files: &'a [AsideFile],
    ids: &[String],
    all: bool,
    applies: impl Fn(&AsideFile) -> bool,
) -> anyhow::Result<Vec<&'a AsideFile>> {
    if all {
        return Ok(files.iter().filter(|file| applies(file)).collect());
    }
    ids.iter().map(|id| find(files, id)).collect()
}

fn list(files: &[AsideFile], as_json: bool) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    if as_json {
        let rows: Vec<Value> = files.iter().map(row).collect();
        writeln!(out, "{}", Value::from(rows))?;
        return Ok(());
    }
    for file in files {
        let row = row(file);
        let columns = [
            "id",
            "state",
            "received_at",
            "project",
            "kind",
            "bytes",
            "client",
        ];
        let columns = columns.map(|column| match &row[column] {
            Value::Null => "-".to_owned(),
            Value::String(text) => printable(text, false),
            other => other.to_string(),
        });
        writeln!(out, "{}", columns.join("\t"))?;
    }
    Ok(())
}

fn row(file: &AsideFile) -> Value {
    let mut row = json!({
        "id": file.id,
        "state": file.state.as_str(),
        "position": file.position,
        "bytes": file.bytes,
        "received_at": null,
        "project": null,
        "kind": null,
        "client": null,
    });
    match &file.entry {
        Some(Entry::Request(QueuedRequest { head, .. })) => {
            row["received_at"] = json!(UnixMillis::to_rfc3339(head.received_at));
            row["project"] = json!(head.project_id);
            row["kind"] = json!(head.kind);
            row["client"] = json!(head.client);
        }
        Some(Entry::Tally(_)) => row["kind"] = json!("tally"),
        None => {}
    }
    row
}

fn show(file: &AsideFile, raw: bool) -> anyhow::Result<()> {
    let entry = file.read()?;
    let mut out = std::io::stdout().lock();
    match entry {
        Some(Entry::Request(request)) if raw => out.write_all(&request.body)?,
        Some(Entry::Request(request)) => {
            writeln!(out, "{}\n", as_text(&request.head)?)?;
            writeln!(out, "{}", body_text(&request))?;
        }
        Some(Entry::Tally(tally)) => writeln!(out, "{}", as_text(&tally)?)?,
        None => bail!("'{}' is no request that this version can read", file.id),
    }
    Ok(())
}

fn as_text(head: &impl serde::Serialize) -> anyhow::Result<String> {
    Ok(printable(&serde_json::to_string_pretty(head)?, true))
}

/// The decoded body; what is wrong with it, if it cannot be decoded.
fn body_text(request: &QueuedRequest) -> String {
    let decoded = decode(request.head.encoding, &request.body, MAX_SHOWN_BYTES);
    let unpacked = decoded.and_then(|body| match request.head.kind {
        RequestKind::Envelope => Ok(body.into_owned()),
        RequestKind::Store => unpack_store(&body, MAX_SHOWN_BYTES).map(|body| body.into_owned()),
    });
    match unpacked {
        Ok(bytes) => printable_bytes(&bytes),
        Err(error) => format!("({error}; --raw writes it as it was received)"),
    }
}

fn retry(aside: &Aside, ids: &[String], all: bool) -> anyhow::Result<()> {
    let files = aside.list()?;
    let chosen = select(&files, ids, all, |file| {
        file.state == AsideState::Failed && file.entry.is_some()
    })?;
    for file in &chosen {
        match file.state {
            AsideState::Retry => continue,
            AsideState::Damaged => bail!(
                "'{}' is a damaged segment: all of it that can be read was processed",
                file.id
            ),
            AsideState::Failed if file.entry.is_none() => {
                bail!("'{}' is no request that this version can read", file.id)
            }
            AsideState::Failed => aside.retry(file)?,
        }
    }
    eprintln!(
        "{} to be retried: at once if the server runs, else when it starts",
        counted(chosen.len())
    );
    Ok(())
}

fn drop_files(aside: &Aside, ids: &[String], all: bool) -> anyhow::Result<()> {
    let files = aside.list()?;
    let chosen = select(&files, ids, all, |file| file.state != AsideState::Retry)?;
    for file in &chosen {
        file.delete()?;
    }
    eprintln!("{} dropped", counted(chosen.len()));
    Ok(())
}

fn counted(n: usize) -> String {
    match n {
        1 => "1 file".to_owned(),
        n => format!("{n} files"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bugle_protocol::body::Encoding;
    use bugle_protocol::{KeyId, ProjectId};
    use bugle_store::queue::RequestHead;

    fn request(encoding: Encoding, kind: RequestKind, body: &'static [u8]) -> QueuedRequest {
        let head = RequestHead {
            project_id: ProjectId(1),
            key_id: KeyId(1),
            received_at: UnixMillis(0),
            kind,
            encoding,
            event_id: None,
            client_ip: None,
            client: Some("evil\x1b[2J".to_owned()),
            user_agent: None,
            charges: Vec::new(),
            limited: Vec::new(),
            is_retry: false,
        };
        let body = body.into();
        QueuedRequest { head, body }
    }

    #[test]
    fn a_body_is_decoded_or_what_is_wrong_with_it_is_said() {
        for (request, text) in [
            (
                request(Encoding::Identity, RequestKind::Envelope, b"{}\n"),
                "{}\n",
            ),
            (
                request(Encoding::Identity, RequestKind::Store, b"eyJhIjoxfQ=="),
                "{\"a\":1}",
            ),
            (
                request(Encoding::Gzip, RequestKind::Envelope, b"nonsense"),
                "(invalid gzip body; --raw writes it as it was received)",
            ),
        ] {
            assert_eq!(body_text(&request), text);
        }
    }

    #[test]
    fn every_command_names_what_it_acts_on() {
        let data = tempfile::tempdir().unwrap();
        let run = |command| run(command, data.path()).map_err(|error| error.to_string());
        let error = run(QueueCommand::Ls { json: false }).unwrap_err();
        assert!(error.starts_with("there is no queue in the data folder"));

        let queue = data.path().join("queue");
        let aside = Aside::new(&queue);
        let poisoned = queue.join("poisoned");
        std::fs::create_dir_all(&poisoned).unwrap();
        let entry = Entry::Request(request(Encoding::Identity, RequestKind::Envelope, b"{}"));
        for n in 1..=3 {
            let path = poisoned.join(format!("{n:020}.request"));
            std::fs::write(path, entry.to_bytes()).unwrap();
        }
        std::fs::write(queue.join("00000000000000000001.damaged"), "").unwrap();
        let states = || -> Vec<(String, &str)> {
            let files = aside.list().unwrap().into_iter();
            files.map(|file| (file.id, file.state.as_str())).collect()
        };
        let ids = |ids: &[&str]| ids.iter().map(|&id| id.to_owned()).collect::<Vec<_>>();
        run(QueueCommand::Ls { json: true }).unwrap();
        let show = |id: &str| QueueCommand::Show {
            id: id.to_owned(),
            raw: false,
        };
        run(show("1")).unwrap();
        assert_eq!(
            run(show("9")).unwrap_err(),
            "nothing called '9' is set aside: `bugle queue ls` shows what there is"
        );
        assert!(run(show("1.damaged")).is_err());

        let (one, none) = (ids(&["1"]), Vec::new());
        run(QueueCommand::Retry {
            ids: one,
            all: false,
        })
        .unwrap();
        let error = run(QueueCommand::Retry {
            ids: ids(&["1.damaged"]),
            all: false,
        });
        assert!(error.unwrap_err().contains("damaged segment"));
        run(QueueCommand::Drop {
            ids: ids(&["3"]),
            all: false,
        })
        .unwrap();
        assert_eq!(
            states(),
            [
                ("2".to_owned(), "failed"),
                ("1".to_owned(), "retry"),
                ("1.damaged".to_owned(), "damaged")
            ]
        );
        run(QueueCommand::Drop {
            ids: none,
            all: true,
        })
        .unwrap();
        assert_eq!(states(), [("1".to_owned(), "retry")]);
    }
}
