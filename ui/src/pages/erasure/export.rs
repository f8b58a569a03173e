//! Everything of a person as a file of JSON lines, written while it is read.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bugle_protocol::ProjectId;
use bugle_store::{ExportCursor, Person, Store, StoreError};
use http_body::Frame;

use crate::Ui;

type Page = Result<(String, Option<ExportCursor>), StoreError>;

/// What is left to be written.
struct Export {
    store: Store,
    projects: Vec<ProjectId>,
    person: Person,
    /// The page that is being read; `None` at the end.
    reading: Option<Pin<Box<dyn Future<Output = Page> + Send>>>,
}

/// Answers with everything of a person in some projects.
pub(super) fn download(ui: &Ui, projects: Vec<ProjectId>, person: Person) -> Response {
    let mut export = Export {
        store: ui.store.clone(),
        projects,
        person,
        reading: None,
    };
    export.read(ExportCursor::START);
    let headers = [
        (header::CONTENT_TYPE, "application/x-ndjson"),
        // The name does not say whose it is: it stays in the browser's list.
        (
            header::CONTENT_DISPOSITION,
            "attachment; filename=\"person.jsonl\"",
        ),
        (header::CACHE_CONTROL, "private, no-store"),
    ];
    (headers, Body::new(export)).into_response()
}

impl Export {
    fn read(&mut self, at: ExportCursor) {
        let (store, projects) = (self.store.clone(), self.projects.clone());
        let person = self.person.clone();
        let read = async move { store.export_person(&projects, &person, at).await };
        self.reading = Some(Box::pin(read));
    }
}

impl HttpBody for Export {
    type Data = Bytes;
    type Error = StoreError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, StoreError>>> {
        loop {
            let Some(reading) = &mut self.reading else {
                return Poll::Ready(None);
            };
            let read = std::task::ready!(reading.as_mut().poll(context));
            self.reading = None;
            match read {
                Ok((lines, next)) => {
                    if let Some(next) = next {
                        self.read(next);
                    }
                    if !lines.is_empty() {
                        return Poll::Ready(Some(Ok(Frame::data(lines.into()))));
                    }
                }
                Err(error) => {
                    tracing::error!(%error, "an export broke off");
                    return Poll::Ready(Some(Err(error)));
                }
            }
        }
    }
}
