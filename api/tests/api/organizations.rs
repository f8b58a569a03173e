//! The root, organisations, projects and keys.

use crate::fixture::Fixture;
use insta::assert_json_snapshot;

#[tokio::test]
async fn the_root_says_what_the_token_may_do() {
    let fixture = Fixture::new().await;
    let tenant = fixture.tenant("acme", 1).await;
    for path in ["/api/0", "/api/0/"] {
        let answer = fixture.get(&tenant.token, path).await;
        assert_json_snapshot!("root", answer.json);
    }
}

#[tokio::test]
async fn organizations_and_projects_have_sentrys_shape_under_every_name() {
    let fixture = Fixture::new().await;
    let tenant = fixture.tenant("acme", 1).await;
    let one = fixture.get(&tenant.token, "/api/0/organizations/1").await;
    assert_json_snapshot!("organization", one.json);
    let list = fixture
        .get(&tenant.token, "/api/0/organizations/?cursor=")
        .await;
    assert_eq!(list.json.as_array().unwrap(), &[one.json]);

    let one = fixture.get(&tenant.token, "/api/0/projects/1/1/").await;
    assert_json_snapshot!("project", one.json);
    for path in ["projects", "organizations/acme/projects/"] {
        let list = fixture.get(&tenant.token, &format!("/api/0/{path}")).await;
        assert_eq!(
            list.json.as_array().unwrap(),
            std::slice::from_ref(&one.json)
        );
    }
    let keys = fixture
        .get(&tenant.token, "/api/0/projects/acme/shop/keys")
        .await;
    assert_json_snapshot!("keys", keys.json);
}
