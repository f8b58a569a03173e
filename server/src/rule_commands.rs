//! `bugle rules`: what a team decides about its events, as files.

use std::io::Read as _;
use std::path::Path;

use anyhow::{Context as _, anyhow, bail};
use bugle_protocol::{RuleTopic, UnixMillis};
use bugle_rules::{
    Documents, FiltersDocument, Problem, ProjectRules, SamplingDocument, ScrubbingDocument,
    TagsDocument, hints, plain_error,
};
use bugle_store::{NewRuleVersion, RuleOwner, Saved, Store};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::cli::RulesCommand;
use crate::limit_commands::find_project;
use crate::setup::first_organization;

/// Runs a command on rules. A running server heeds it within 2 seconds.
pub(crate) async fn run(command: RulesCommand, store: &Store) -> anyhow::Result<()> {
    let now = UnixMillis::now();
    let organization = first_organization(store, now).await?;
    match command {
        RulesCommand::Set {
            project,
            topic,
            file,
            comment,
        } => {
            let project = find_project(store, &organization, &project).await?;
            let owner = RuleOwner::Project(organization.id, project.id);
            set(store, owner, topic.0, &file, comment, now).await
        }
        RulesCommand::Show { project, topic } => {
            let project = find_project(store, &organization, &project).await?;
            let owner = RuleOwner::Project(organization.id, project.id);
            show(store, owner, topic.0).await
        }
    }
}

/// Checks a document and saves it, or says what is wrong with it and saves nothing.
async fn set(
    store: &Store,
    owner: RuleOwner,
    topic: RuleTopic,
    file: &Path,
    comment: String,
    now: UnixMillis,
) -> anyhow::Result<()> {
    let (document, problems) = check(topic, &read(file)?)?;
    if !problems.is_empty() {
        let lines: Vec<String> = problems.iter().map(line).collect();
        bail!("the document was not saved:\n{}", lines.join("\n"));
    }
    for hint in hints_of(&document) {
        eprintln!("hint: {}", line(&hint));
    }
    let current = store.current_rules(owner, topic).await?;
    let new = NewRuleVersion {
        owner,
        topic,
        document,
        comment,
        author: None,
        based_on: current.map(|version| version.id),
    };
    match store.save_rules(&new, now).await? {
        Saved::Yes(id) => println!("{}", id.0),
        Saved::Conflict => bail!("somebody saved another version at the same moment; try again"),
    }
    Ok(())
}

/// Prints what applies, with what is not said in its default.
async fn show(store: &Store, owner: RuleOwner, topic: RuleTopic) -> anyhow::Result<()> {
    let current = store.current_rules(owner, topic).await?;
    let text = current.map_or_else(|| "{}".to_owned(), |version| version.document);
    let (document, _) = check(topic, &text).context("the stored document")?;
    let document: serde_json::Value = serde_json::from_str(&document)?;
    println!("{}", serde_json::to_string_pretty(&document)?);
    Ok(())
}

fn read(file: &Path) -> anyhow::Result<String> {
    if file.as_os_str() == "-" {
        let mut text = String::new();
        let read = std::io::stdin().lock().read_to_string(&mut text);
        read.context("could not read the standard input")?;
        return Ok(text);
    }
    std::fs::read_to_string(file).with_context(|| format!("could not read {}", file.display()))
}

/// The document as it is stored, and what of it cannot be used.
fn check(topic: RuleTopic, text: &str) -> anyhow::Result<(String, Vec<Problem>)> {
    let document = match topic {
        RuleTopic::Scrubbing => complete::<ScrubbingDocument>(text)?,
        RuleTopic::Filters => complete::<FiltersDocument>(text)?,
        RuleTopic::Sampling => complete::<SamplingDocument>(text)?,
        RuleTopic::Tags => complete::<TagsDocument>(text)?,
    };
    let of = |wanted| (topic == wanted).then_some(document.as_str());
    let (_, problems) = ProjectRules::compile(&Documents {
        organization_scrubbing: None,
        scrubbing: of(RuleTopic::Scrubbing),
        filters: of(RuleTopic::Filters),
        sampling: of(RuleTopic::Sampling),
        tags: of(RuleTopic::Tags),
    });
    Ok((document, problems))
}

/// What in the rule lines of a document is likely to be a slip of the pen; it is saved all the same.
fn hints_of(document: &str) -> Vec<Problem> {
    let document: serde_json::Value = serde_json::from_str(document).unwrap_or_default();
    let rules = document.get("rules").and_then(serde_json::Value::as_str);
    rules.map(hints).unwrap_or_default()
}

/// Reads a document, and writes it down with all its members. One that is not known would say nothing, silently.
fn complete<D: DeserializeOwned + Serialize>(text: &str) -> anyhow::Result<String> {
    let given: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(text).map_err(|error| invalid("expected a JSON object", &error))?;
    let document: D =
        serde_json::from_str(text).map_err(|error| invalid("invalid document", &error))?;
    let document = serde_json::to_value(document)?;
    for name in given.keys() {
        if document.get(name).is_none() {
            let known = document.as_object().into_iter().flatten();
            let known: Vec<&str> = known.map(|(name, _)| name.as_str()).collect();
            bail!(
                "unknown member '{name}': expected some of {}",
                known.join(", ")
            );
        }
    }
    Ok(document.to_string())
}

fn invalid(what: &str, error: &serde_json::Error) -> anyhow::Error {
    anyhow!("{what}: {}", plain_error(error))
}

/// A problem as people read it, such as `rules, line 2, column 5: expected a value`.
fn line(problem: &Problem) -> String {
    let mut text = problem.field.to_owned();
    for (name, number) in [("line", problem.line), ("column", problem.column)] {
        if let Some(number) = number {
            text.push_str(&format!(", {name} {number}"));
        }
    }
    format!("{text}: {}", problem.message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_completed_and_checked() {
        let (document, problems) =
            check(RuleTopic::Tags, r#"{"rules":"has:a -> tag b=c"}"#).unwrap();
        assert_eq!(
            (document.as_str(), problems.len()),
            (r#"{"rules":"has:a -> tag b=c"}"#, 0)
        );
        let (document, problems) = check(RuleTopic::Scrubbing, "{}").unwrap();
        assert!(
            document.contains(r#""scrubDefaults":true"#) && problems.is_empty(),
            "{document}"
        );
        let (_, problems) = check(RuleTopic::Filters, r#"{"rules":"\n(( -> drop"}"#).unwrap();
        let told = line(&problems[0]);
        assert!(told.starts_with("rules, line 2, column "), "{told}");
    }

    #[test]
    fn hints_are_told_and_keep_nothing_from_being_saved() {
        let text = r#"{"rules":"level:info -> drop\ntype:x -> drop"}"#;
        let (document, problems) = check(RuleTopic::Filters, text).unwrap();
        assert_eq!(problems, []);
        let hints: Vec<String> = hints_of(&document).iter().map(line).collect();
        assert_eq!(hints.len(), 1, "{hints:?}");
        assert!(
            hints[0].starts_with("rules, line 2, column 1: there is no field `type`"),
            "{hints:?}"
        );
        for text in ["{}", r#"{"rules":"level:info -> drop"}"#] {
            let (document, _) = check(RuleTopic::Filters, text).unwrap();
            assert_eq!(hints_of(&document), []);
        }
        let (document, _) = check(RuleTopic::Scrubbing, "{}").unwrap();
        assert_eq!(hints_of(&document), []);
    }

    #[test]
    fn what_is_no_document_is_refused() {
        let refused = |topic, text| format!("{:#}", check(topic, text).unwrap_err());
        for (topic, text, begin) in [
            (
                RuleTopic::Tags,
                "{",
                "expected a JSON object: line 1, column 1: it ends in",
            ),
            (RuleTopic::Tags, "[]", "expected a JSON object: "),
            (
                RuleTopic::Tags,
                r#"{"rules":7}"#,
                "invalid document: line 1, column 10: expected a text, not the number 7",
            ),
            (
                RuleTopic::Sampling,
                r#"{"rule":""}"#,
                "unknown member 'rule': expected some of rules",
            ),
        ] {
            let error = refused(topic, text);
            assert!(error.starts_with(begin), "{error}");
        }
    }
}
