//! Decides what becomes of rows when a person is erased.

use std::collections::BTreeSet;

use bugle_protocol::Event;
use bugle_protocol::json::{parse_str, to_string};
use bugle_store::{
    Changes, CountedUser, Gone, Mentions, Person, Rewrite, StoreError, StoredKind, StoredRow,
    TextColumn, compress, user_hash,
};

/// What becomes of some rows.
#[derive(Debug, Default)]
pub(super) struct Judgement {
    pub(super) changes: Changes,
    /// Rows whose body could not be read.
    pub(super) unreadable: u64,
    /// Rows of others that hold the identifier as a part of something longer.
    pub(super) near: u64,
    /// As whom the person was counted by something else than the identifier: others' events may be counted for the same.
    pub(super) suspects: Vec<CountedUser>,
    /// Users in question who have an event that stays.
    pub(super) staying: Vec<CountedUser>,
}

/// Judges rows one by one. `in_question` are users who may be counted for events that stay.
///
/// # Errors
/// [`StoreError::Io`] if there is no memory for compressing.
pub(super) fn rows(
    kind: StoredKind,
    rows: &[StoredRow],
    person: &Person,
    in_question: &BTreeSet<CountedUser>,
) -> Result<Judgement, StoreError> {
    let mentions = person.mentions();
    let issues: BTreeSet<_> = in_question.iter().map(|user| user.issue_id).collect();
    let mut judgement = Judgement::default();
    let (mut gone, mut rewritten) = (Vec::new(), Vec::new());
    for row in rows {
        let body = row.body().unwrap_or_else(|_| {
            judgement.unreadable += 1;
            None
        });
        let is_questioned = row.issue_id.is_some_and(|issue| issues.contains(&issue));
        let is_near = |mentions: &Mentions| {
            let label = row.user_label.as_deref().unwrap_or_default();
            let texts = [row.title.as_str(), &row.tags, label];
            let texts = texts.into_iter().map(str::as_bytes);
            let mut texts = texts.chain(body.as_deref());
            texts.any(|text| mentions.is_in(text) && mentions.is_near(text))
        };
        let is_near = mentions.is_some_and(is_near);
        let body = body.filter(|body| is_questioned || person.may_be_in(body));
        let mut event = body.as_deref().and_then(|body| match Event::parse(body) {
            Ok(event) => Some(event),
            Err(_) => {
                judgement.unreadable += 1;
                None
            }
        });
        let label = row.user_label.as_deref();
        let is_own = event.as_ref().is_some_and(|event| person.is_user_of(event))
            || label.is_some_and(|label| person.is(label));
        if is_own {
            let user = event.as_ref().and_then(|event| counted_user(row, event));
            let (identity, user) = user.unzip();
            let is_same = identity.is_some_and(|identity| person.is_identity(&identity));
            judgement.suspects.extend(user.filter(|_| !is_same));
            gone.push(gone_row(row, user.filter(|_| is_same)));
            continue;
        }
        if is_questioned {
            let user = event.as_ref().and_then(|event| counted_user(row, event));
            let user = user.map(|(_, user)| user);
            judgement
                .staying
                .extend(user.filter(|user| in_question.contains(user)));
        }
        judgement.near += u64::from(is_near);
        if let Some(mentions) = mentions {
            rewritten.extend(rewrite(row, event.as_mut(), mentions)?);
        }
    }
    match kind {
        StoredKind::Event => {
            (judgement.changes.gone_events, judgement.changes.events) = (gone, rewritten);
        }
        StoredKind::Transaction => {
            let changes = &mut judgement.changes;
            (changes.gone_transactions, changes.transactions) = (gone, rewritten);
        }
    }
    Ok(judgement)
}

/// Whom an event was counted for, and by what.
fn counted_user(row: &StoredRow, event: &Event<'_>) -> Option<(String, CountedUser)> {
    let identity = event.user()?.identity()?;
    let user = CountedUser {
        project_id: row.project_id,
        issue_id: row.issue_id?,
        user_hash: user_hash(&identity),
    };
    Some((identity, user))
}

fn gone_row(row: &StoredRow, user: Option<CountedUser>) -> Gone {
    Gone {
        row: row.row,
        project_id: row.project_id,
        event_id: row.event_id,
        issue_id: row.issue_id,
        received_at: row.received_at,
        user_hash: user.map(|user| user.user_hash),
    }
}

/// A row of somebody else without the mention of the person; `None` if there is none.
fn rewrite(
    row: &StoredRow,
    event: Option<&mut Event<'_>>,
    mentions: &Mentions,
) -> Result<Option<Rewrite>, StoreError> {
    let mut payload = None;
    if let Some(event) = event
        && mentions.replace_in_event(&mut event.fields)
    {
        payload = Some(compress(event.to_json().as_bytes())?);
    }
    let replaced = |text: &Option<String>| text.as_ref().and_then(|text| mentions.replace(text));
    let title = mentions.replace(&row.title);
    let user_label = replaced(&row.user_label);
    let tags = replace_json(mentions, &row.tags);
    // In names that a project gave, a mere word means nobody.
    let is_name = mentions.is_mere_word();
    let replaced = |text| if is_name { None } else { replaced(text) };
    let environment = replaced(&row.environment);
    let release = replaced(&row.release);
    let texts = [&title, &user_label, &tags, &environment, &release];
    if payload.is_none() && texts.iter().all(|text| text.is_none()) {
        return Ok(None);
    }
    Ok(Some(Rewrite {
        row: row.row,
        project_id: row.project_id,
        received_at: row.received_at,
        title: title.unwrap_or_else(|| row.title.clone()),
        user_label: user_label.or_else(|| row.user_label.clone()),
        tags: tags.unwrap_or_else(|| row.tags.clone()),
        environment: environment.or_else(|| row.environment.clone()),
        release: release.or_else(|| row.release.clone()),
        payload,
    }))
}

/// A text of a column without the mention of the person; `None` if there is none.
pub(super) fn text(column: TextColumn, text: &str, mentions: &Mentions) -> Option<String> {
    if column.is_vocabulary() && mentions.is_mere_word() {
        None
    } else if column.is_json() {
        replace_json(mentions, text)
    } else {
        mentions.replace(text)
    }
}

/// Takes the person out of a JSON text, as a tree: in the text itself, quotes and line feeds are something else.
fn replace_json(mentions: &Mentions, text: &str) -> Option<String> {
    let Ok(mut json) = parse_str(text) else {
        return mentions.replace(text);
    };
    mentions.replace_in(&mut json).then(|| to_string(&json))
}
