//! What is answered to which body, and what the queue keeps of it.

use bugle_protocol::body::Encoding;
use bugle_store::queue::RequestKind;

use crate::support::{Bench, authorized};

const ID: &str = "9ec79c33ec9942ab8353589fcb2e04dc";

#[tokio::test]
async fn what_is_accepted_is_queued_as_it_came() {
    let mut bench = Bench::open().await;
    let body = format!("{{\"event_id\":\"{ID}\"}}\n{{\"type\":\"event\"}}\n{{broken\n");
    let request = authorized("/api/1/envelope/").header("user-agent", "Browser/1");
    let answer = bench.send(request.body(body.clone().into()).unwrap()).await;
    assert_eq!(answer.short(), (200, &*format!(r#"{{"id":"{ID}"}}"#)));
    let [queued] = &bench.queued()[..] else {
        panic!("one request was sent");
    };
    assert_eq!(queued.body, body.as_bytes());
    let head = &queued.head;
    assert_eq!(head.project_id, bench.project_id);
    assert_eq!(
        (head.kind, head.encoding),
        (RequestKind::Envelope, Encoding::Identity)
    );
    assert_eq!(head.event_id, ID.parse().ok());
    assert_eq!(head.client.as_deref(), Some("test/1.0"));
    assert_eq!(head.user_agent.as_deref(), Some("Browser/1"));
    assert_eq!(head.client_ip, None);
}
