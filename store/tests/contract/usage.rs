use crate::backend::{TestStore, on_both_backends};

on_both_backends!(what_the_store_takes_is_told);

async fn what_the_store_takes_is_told(store: TestStore) {
    let empty = store.database_bytes().await.unwrap();
    assert!((10_000..100_000_000).contains(&empty), "{empty}");

    // A connection goes back to its pool a moment after its answer.
    while store.connections().idle == 0 {
        tokio::task::yield_now().await;
    }

    assert_eq!(store.blobs.bytes().unwrap(), 0);
    for blob in ["one", "three", "one"] {
        store.blobs.put(blob.as_bytes()).unwrap();
    }
    assert_eq!(store.blobs.bytes().unwrap(), 8);
}
