//! What is valid for us is valid for the MQTT library: it refuses a request with an invalid topic as if its
//! queue were full.

use fieldline_mqtt::topic::{check_filter, check_name};
use proptest::prelude::*;

proptest! {
    #[test]
    fn the_library_accepts_every_topic_and_filter_that_we_accept(text in "[a+#/$ü]{0,8}|\\$share/[a+#/]{0,8}") {
        if check_filter(&text).is_ok() {
            prop_assert!(rumqttc::mqttbytes::valid_filter(&text));
        }
        if check_name(&text).is_ok() {
            prop_assert!(rumqttc::mqttbytes::valid_topic(&text));
        }
    }
}
