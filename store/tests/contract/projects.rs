use bugle_protocol::OrganizationId;
use bugle_store::{NewProject, StoreError};

use crate::backend::{TestStore, on_both_backends};
use crate::samples::{self, NOW, public_key};

on_both_backends!(
    a_project_is_found_by_id_slug_and_key,
    a_slug_is_taken_once,
    settings_are_set_read_and_removed_once,
    migrating_again_does_nothing,
);

async fn a_project_is_found_by_id_slug_and_key(store: TestStore) {
    let project = samples::project(&store).await;
    assert_eq!(project.slug, "shop");
    assert_eq!(
        store.project(project.id).await.unwrap().as_ref(),
        Some(&project)
    );
    let by_slug = store
        .project_by_slug(project.organization_id, "shop")
        .await
        .unwrap();
    assert_eq!(by_slug.as_ref(), Some(&project));
    assert_eq!(
        store
            .project_by_slug(OrganizationId(99), "shop")
            .await
            .unwrap(),
        None
    );
    assert_eq!(
        store.projects(project.organization_id).await.unwrap(),
        std::slice::from_ref(&project)
    );

    let key = store.project_key(public_key(1)).await.unwrap().unwrap();
    assert_eq!((key.project_id, key.is_active), (project.id, true));
    assert_eq!(store.project_key(public_key(2)).await.unwrap(), None);
    assert_eq!(
        store.project_keys(project.id).await.unwrap(),
        [(*key).clone()]
    );
}

async fn a_slug_is_taken_once(store: TestStore) {
    let project = samples::project(&store).await;
    let again = NewProject {
        organization_id: project.organization_id,
        name: "shop!",
        platform: Some("python-django"),
        public_key: public_key(2),
    };
    let error = store.create_project(&again, NOW).await.unwrap_err();
    assert!(matches!(error, StoreError::Exists { .. }));
    assert_eq!(error.to_string(), "project 'shop' exists already");
    assert_eq!(
        store.project_key(public_key(2)).await.unwrap(),
        None,
        "the key went with the project"
    );
    let other = NewProject {
        name: "Other",
        ..again
    };
    assert_eq!(
        store
            .create_project(&other, NOW)
            .await
            .unwrap()
            .platform
            .as_deref(),
        Some("python-django")
    );
    assert!(
        store.project_key(public_key(2)).await.unwrap().is_some(),
        "a new key works at once"
    );
}

async fn settings_are_set_read_and_removed_once(store: TestStore) {
    assert_eq!(store.setting("setup").await.unwrap(), None);
    store.set_setting("setup", "a").await.unwrap();
    store.set_setting("setup", "b").await.unwrap();
    assert_eq!(store.setting("setup").await.unwrap().as_deref(), Some("b"));
    assert!(store.remove_setting("setup").await.unwrap());
    assert!(!store.remove_setting("setup").await.unwrap());
}

async fn migrating_again_does_nothing(store: TestStore) {
    assert_eq!(store.migrate().await.unwrap(), 0);
    store.ping().await.unwrap();
}
