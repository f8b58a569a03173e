use bugle_protocol::{OrganizationId, RuleTopic, RuleVersionId, UnixMillis};
use bugle_store::{NewRuleVersion, Project, RuleOwner, Saved, StoreError};

use crate::backend::{TestStore, on_both_backends};
use crate::samples::{self, NOW};

on_both_backends!(
    the_newest_version_applies,
    a_version_is_refused_if_another_one_came_first,
    owners_and_topics_have_versions_of_their_own,
    old_versions_are_read_in_pages,
    the_revision_moves_with_every_version,
    a_document_is_bounded,
    of_two_that_save_at_once_one_is_told,
);

fn of(project: &Project) -> RuleOwner {
    RuleOwner::Project(project.organization_id, project.id)
}

fn document(owner: RuleOwner, text: &str, based_on: Option<RuleVersionId>) -> NewRuleVersion {
    NewRuleVersion {
        owner,
        topic: RuleTopic::Tags,
        document: text.to_owned(),
        comment: String::new(),
        author: None,
        based_on,
    }
}

async fn save(store: &TestStore, new: &NewRuleVersion) -> RuleVersionId {
    match store.save_rules(new, NOW).await.unwrap() {
        Saved::Yes(id) => id,
        Saved::Conflict => panic!("a conflict"),
    }
}

async fn the_newest_version_applies(store: TestStore) {
    let project = samples::project(&store).await;
    let owner = of(&project);
    let current = store.current_rules(owner, RuleTopic::Tags).await.unwrap();
    assert_eq!(current, None);
    let first = save(&store, &document(owner, "{}", None)).await;
    let second = NewRuleVersion {
        comment: "undid".to_owned(),
        ..document(owner, r#"{"rules":"a:b -> tag c=d"}"#, Some(first))
    };
    let id = save(&store, &second).await;
    let current = store.current_rules(owner, RuleTopic::Tags).await.unwrap();
    let current = current.unwrap();
    assert_eq!((current.id, current.owner), (id, owner));
    assert_eq!(
        (&current.document, &*current.comment),
        (&second.document, "undid")
    );
    assert_eq!((current.author, current.created_at), (None, NOW));
    let old = store.rule_version(first).await.unwrap().unwrap();
    assert_eq!((old.id, &*old.document), (first, "{}"));
    let none = store.rule_version(RuleVersionId(4711)).await.unwrap();
    assert_eq!(none, None);
}

async fn a_version_is_refused_if_another_one_came_first(store: TestStore) {
    let project = samples::project(&store).await;
    let owner = of(&project);
    let first = save(&store, &document(owner, "1", None)).await;
    for based_on in [None, Some(RuleVersionId(first.0 + 1))] {
        let late = document(owner, "2", based_on);
        let saved = store.save_rules(&late, NOW).await.unwrap();
        assert_eq!(saved, Saved::Conflict);
    }
    let second = save(&store, &document(owner, "2", Some(first))).await;
    let late = document(owner, "3", Some(first));
    assert_eq!(store.save_rules(&late, NOW).await.unwrap(), Saved::Conflict);
    let current = store.current_rules(owner, RuleTopic::Tags).await.unwrap();
    assert_eq!(current.unwrap().id, second);
}

async fn owners_and_topics_have_versions_of_their_own(store: TestStore) {
    let project = samples::project(&store).await;
    let other = samples::second_project(&store, &project).await;
    let organization = RuleOwner::Organization(project.organization_id);
    let owners = [of(&project), of(&other), organization];
    for (owner, text) in owners.into_iter().zip(["1", "2", "3"]) {
        save(&store, &document(owner, text, None)).await;
    }
    let filters = NewRuleVersion {
        topic: RuleTopic::Filters,
        ..document(of(&project), "4", None)
    };
    save(&store, &filters).await;
    for (owner, text) in owners.into_iter().zip(["1", "2", "3"]) {
        let current = store.current_rules(owner, RuleTopic::Tags).await.unwrap();
        assert_eq!(current.unwrap().document, text);
    }
    let all = store.all_current_rules().await.unwrap();
    let all: Vec<_> = all
        .iter()
        .map(|v| (v.owner, v.topic, &*v.document))
        .collect();
    let [own, of_other, of_organization] = owners;
    assert_eq!(
        all,
        [
            (own, RuleTopic::Tags, "1"),
            (of_other, RuleTopic::Tags, "2"),
            (of_organization, RuleTopic::Tags, "3"),
            (own, RuleTopic::Filters, "4"),
        ]
    );
    let stranger = RuleOwner::Organization(OrganizationId(4711));
    let current = store
        .current_rules(stranger, RuleTopic::Tags)
        .await
        .unwrap();
    assert_eq!(current, None);
    let mut projects = store.project_organizations().await.unwrap();
    projects.sort_unstable();
    let organization = project.organization_id;
    assert_eq!(
        projects,
        [(project.id, organization), (other.id, organization)]
    );
}

async fn old_versions_are_read_in_pages(store: TestStore) {
    let project = samples::project(&store).await;
    let owner = of(&project);
    let (mut ids, mut last) = (Vec::new(), None);
    for n in 0..5 {
        let id = save(&store, &document(owner, &n.to_string(), last)).await;
        ids.insert(0, id);
        last = Some(id);
    }
    let page = |before, limit| store.rule_versions(owner, RuleTopic::Tags, before, limit);
    let read =
        |versions: Vec<bugle_store::RuleVersion>| versions.iter().map(|v| v.id).collect::<Vec<_>>();
    assert_eq!(read(page(None, 2).await.unwrap()), ids[..2]);
    assert_eq!(read(page(Some(ids[1]), 2).await.unwrap()), ids[2..4]);
    assert_eq!(read(page(Some(ids[3]), 2).await.unwrap()), ids[4..]);
}

async fn the_revision_moves_with_every_version(store: TestStore) {
    let project = samples::project(&store).await;
    let owner = of(&project);
    let mut seen = vec![(store.rule_revision().await.unwrap(), store.rule_changes())];
    let mut last = None;
    for _ in 0..3 {
        last = Some(save(&store, &document(owner, "{}", last)).await);
        seen.push((store.rule_revision().await.unwrap(), store.rule_changes()));
    }
    assert!(seen.is_sorted_by(|a, b| a.0 < b.0 && a.1 < b.1), "{seen:?}");
}

async fn a_document_is_bounded(store: TestStore) {
    let project = samples::project(&store).await;
    let long = document(of(&project), &"x".repeat(1024 * 1024 + 1), None);
    match store.save_rules(&long, UnixMillis(1)).await {
        Err(StoreError::Invalid(error)) => assert_eq!(error, "the rules exceed 1048576 bytes"),
        other => panic!("{other:?}"),
    }
}

async fn of_two_that_save_at_once_one_is_told(store: TestStore) {
    let project = samples::project(&store).await;
    let owner = of(&project);
    for round in 0..20 {
        let current = store.current_rules(owner, RuleTopic::Tags).await.unwrap();
        let new = document(owner, &round.to_string(), current.map(|version| version.id));
        let (one, other) = tokio::join!(store.save_rules(&new, NOW), store.save_rules(&new, NOW));
        let saved = [one.unwrap(), other.unwrap()];
        let conflicts = saved.iter().filter(|saved| **saved == Saved::Conflict);
        assert_eq!(conflicts.count(), 1, "{saved:?}");
    }
}
