//! Topics and names.

use fieldline_shadow::topic::Topic;

#[test]
fn every_topic_is_written_as_it_was_read() {
    for prefix in ["$aws/things/lamp/shadow", "$aws/things/lamp/shadow/name/$config:1"] {
        for suffix in [
            "get",
            "update",
            "delete",
            "get/accepted",
            "get/rejected",
            "update/accepted",
            "update/rejected",
            "update/delta",
            "update/documents",
            "delete/accepted",
            "delete/rejected",
        ] {
            let text = format!("{prefix}/{suffix}");
            let topic: Topic = text.parse().expect("a shadow topic");
            assert_eq!(topic.to_string(), text);
        }
    }
}
