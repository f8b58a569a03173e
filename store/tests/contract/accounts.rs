use std::time::Duration;

use bugle_protocol::UserId;
use bugle_store::{PasswordHash, Role, Scope, SessionToken, StoreError};

use crate::backend::{TestStore, on_both_backends};
use crate::samples::{self, NOW};

on_both_backends!(
    a_user_signs_in_and_out,
    a_session_ends_by_itself,
    a_new_password_ends_all_sessions,
    a_token_is_found_by_its_text_only,
);

const DAY: Duration = Duration::from_secs(24 * 3600);

async fn ada(store: &TestStore) -> UserId {
    let organization = samples::organization(store).await;
    let hash = PasswordHash::new("correct horse").unwrap();
    store
        .create_user(organization, "ada@example.com", &hash, Role::Owner, NOW)
        .await
        .unwrap()
}

async fn a_user_signs_in_and_out(store: TestStore) {
    let organization = samples::organization(&store).await;
    let hash = PasswordHash::new("correct horse").unwrap();
    let id = store
        .create_user(organization, " Ada@Example.com ", &hash, Role::Owner, NOW)
        .await
        .unwrap();
    let again = store
        .create_user(organization, "ada@example.com", &hash, Role::Member, NOW)
        .await;
    assert!(matches!(again, Err(StoreError::Exists { .. })));

    let (found, stored) = store.credentials("ADA@example.com").await.unwrap().unwrap();
    assert_eq!(found, id);
    assert!(stored.matches("correct horse"));
    assert!(
        store
            .credentials("eve@example.com")
            .await
            .unwrap()
            .is_none()
    );

    store.touch_login(id, NOW).await.unwrap();
    let user = store.user(id).await.unwrap().unwrap();
    assert_eq!(
        (user.email.as_str(), user.role, user.last_login_at),
        ("ada@example.com", Role::Owner, Some(NOW))
    );
    assert_eq!(store.users(organization).await.unwrap(), [user]);

    let token = SessionToken::from_random([5; 32]);
    store.create_session(&token, id, NOW).await.unwrap();
    let returned = SessionToken::from_cookie(token.as_str());
    assert_eq!(
        store
            .session(&returned, NOW)
            .await
            .unwrap()
            .unwrap()
            .user_id,
        id
    );
    assert_eq!(
        store
            .session(&SessionToken::from_cookie("forged"), NOW)
            .await
            .unwrap(),
        None
    );
    store.delete_session(&token).await.unwrap();
    assert_eq!(store.session(&token, NOW).await.unwrap(), None);
}

async fn a_session_ends_by_itself(store: TestStore) {
    let id = ada(&store).await;
    let (idle, busy) = (
        SessionToken::from_random([1; 32]),
        SessionToken::from_random([2; 32]),
    );
    store.create_session(&idle, id, NOW).await.unwrap();
    store.create_session(&busy, id, NOW).await.unwrap();
    assert!(
        store
            .session(&busy, NOW.after(10 * DAY))
            .await
            .unwrap()
            .is_some()
    );
    assert!(
        store
            .session(&idle, NOW.after(15 * DAY))
            .await
            .unwrap()
            .is_none(),
        "idle for 14 days"
    );
    assert!(
        store
            .session(&busy, NOW.after(20 * DAY))
            .await
            .unwrap()
            .is_some(),
        "used within 14 days"
    );
    assert!(
        store
            .session(&busy, NOW.after(31 * DAY))
            .await
            .unwrap()
            .is_none(),
        "older than 30 days"
    );
}

async fn a_new_password_ends_all_sessions(store: TestStore) {
    let id = ada(&store).await;
    let token = SessionToken::from_random([1; 32]);
    store.create_session(&token, id, NOW).await.unwrap();
    let new = PasswordHash::new("battery staple").unwrap();
    store.set_password("Ada@example.com", &new).await.unwrap();
    assert_eq!(store.session(&token, NOW).await.unwrap(), None);
    assert!(
        store
            .credentials("ada@example.com")
            .await
            .unwrap()
            .unwrap()
            .1
            .matches("battery staple")
    );
    let error = store
        .set_password("eve@example.com", &new)
        .await
        .unwrap_err();
    assert_eq!(error.to_string(), "user 'eve@example.com' not found");
}

async fn a_token_is_found_by_its_text_only(store: TestStore) {
    let organization = samples::organization(&store).await;
    let text = store
        .create_token(organization, "ci", &[Scope::EventRead], [9; 32], NOW)
        .await
        .unwrap();
    assert_eq!(text, format!("sntryu_{}", "09".repeat(32)));
    let token = store.token(&text, NOW).await.unwrap().unwrap();
    assert_eq!(
        (token.organization_id, token.name.as_str()),
        (organization, "ci")
    );
    assert_eq!(token.scopes, [Scope::EventRead]);
    assert_eq!(store.token(&text[1..], NOW).await.unwrap(), None);
}
