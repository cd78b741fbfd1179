//! A question finds its answer among others', over MQTT and over REST.

use fieldline_shadow::client::{Answer, Question};
use fieldline_shadow::json::{Json, Object, parse};
use fieldline_shadow::name::ShadowName;
use fieldline_shadow::rejection::Rejection;
use fieldline_shadow::service::RestRequest;
use fieldline_shadow::topic::Operation;

use crate::support::{lamp, service};

fn object(text: &str) -> Object {
    parse(text).expect("JSON").as_object().expect("an object").clone()
}

fn question(operation: Operation, document: &str, token: &str) -> Question {
    Question::new(lamp(), operation, object(document), token).expect("a good token")
}

fn rejected(code: u16, message: &str) -> Answer {
    Answer::Rejected { code, message: message.to_owned() }
}

#[test]
fn an_answer_is_recognised_by_its_token_and_by_nothing_less() {
    let mut service = service();
    let document = r#"{"state":{"desired":{"on":true}}}"#;
    let (mine, other) =
        (question(Operation::Update, document, "mine"), question(Operation::Update, document, "other"));
    let request = mine.publication();
    let answers = service.answer(&request.topic, request.payload.as_bytes(), 1).publications;
    let found: Vec<Answer> = answers
        .iter()
        .filter_map(|answer| mine.answer_in(&answer.topic, answer.payload.as_bytes()))
        .collect();
    let [Answer::Accepted(body)] = found.as_slice() else { panic!("{found:?} of {answers:?}") };
    assert_eq!(body.get("version"), Some(&Json::from(1)));
    for answer in &answers {
        assert_eq!(other.answer_in(&answer.topic, answer.payload.as_bytes()), None);
    }
}

#[test]
fn a_rejection_has_the_code_and_the_text_of_aws() {
    let mut service = service();
    for (operation, document, expected) in [
        (Operation::Get, "{}", rejected(404, "No shadow exists with name: 'lamp'")),
        (Operation::Delete, "{}", rejected(404, "No shadow exists with name: 'lamp'")),
        (Operation::Update, r#"{"state":{},"version":7}"#, rejected(409, "Version conflict")),
    ] {
        let question = question(operation, document, "mine");
        let request = question.publication();
        let answers = service.answer(&request.topic, request.payload.as_bytes(), 1).publications;
        let found = question.answer_in(&answers[0].topic, answers[0].payload.as_bytes());
        assert_eq!(found, Some(expected.clone()));
        let path = question.path();
        let (path, query) = path.split_once('?').unwrap_or((&path, ""));
        let content = question.content();
        let request = RestRequest { method: question.method(), path, query, body: content.as_bytes() };
        let answer = service.answer_rest(&request, 1).expect("a path of shadows");
        assert_eq!(question.answer_of(answer.status, answer.body.as_bytes()), expected);
    }
}

#[test]
fn a_named_shadow_is_asked_for_in_the_query() {
    let name = ShadowName::named("lamp", "$conf:ig").expect("a name");
    let question = Question::new(name, Operation::Get, Object::new(), "mine").expect("a good token");
    assert_eq!(question.path(), "/things/lamp/shadow?name=$conf:ig");
    assert_eq!((question.method(), question.content().as_str()), ("GET", ""));
}

#[test]
fn a_documents_own_token_is_kept_and_one_that_nobody_answers_is_refused() {
    let own = question(Operation::Update, r#"{"state":{},"clientToken":"own"}"#, "mine");
    assert!(own.publication().payload.contains(r#""clientToken":"own""#));
    let long = format!(r#"{{"clientToken":"{}"}}"#, "x".repeat(65));
    for document in [long.as_str(), r#"{"clientToken":7}"#] {
        let refused = Question::new(lamp(), Operation::Update, object(document), "mine");
        assert_eq!(refused.err(), Some(Rejection::InvalidClientToken));
    }
}

#[test]
fn what_is_no_answer_of_a_shadow_service_is_a_rejection_with_its_text() {
    let question = question(Operation::Get, "{}", "mine");
    assert_eq!(question.answer_of(502, b"<h1>Bad Gateway</h1>\n"), rejected(502, "<h1>Bad Gateway</h1>"));
    assert_eq!(
        question.answer_of(403, br#"{"message":"Forbidden","traceId":"x"}"#),
        rejected(403, "Forbidden")
    );
    assert_eq!(question.answer_of(200, b"hello"), rejected(200, "hello"));
}
