//! Loops through a broker: what a sink publishes comes back to a source from which that sink is reached, directly or
//! through other pipelines, so that every message brings forth the next.

mod filters;

use std::collections::{BTreeSet, HashMap};

use compact_str::CompactString;
use fieldline_core::{Channel, Direction};

use self::filters::Filters;
use super::cycles::cycles;
use super::peer;
use super::reach::reached;
use crate::diagnostics::Diagnostics;
use crate::graph::wire::Wiring;
use crate::nodes::fields::Fields;
use crate::nodes::resolve::Resolved;
use crate::nodes::spec::PipelineSpec;
use crate::text::files::{FileSet, Span};

/// Every source that receives from a broker and reaches a sink that publishes, over the whole program.
#[derive(Default)]
pub(crate) struct Relays(Vec<Relay>);

struct Relay {
    pipeline: CompactString,
    source: CompactString,
    /// At which broker it subscribes.
    peer: String,
    subscriptions: Vec<Topic>,
    publications: Vec<Publication>,
}

/// A topic or filter, and where it is written.
struct Topic {
    text: String,
    span: Span,
}

/// What a sink publishes.
struct Publication {
    sink: CompactString,
    peer: String,
    topic: Topic,
}

/// A publication of one relay that meets a subscription of the next, each by its position.
type Meeting = (usize, usize);

impl Relays {
    /// Adds what one pipeline receives and publishes.
    pub(crate) fn add(
        &mut self,
        spec: &PipelineSpec,
        resolved: &[Option<Resolved>],
        wiring: &Wiring,
        files: &FileSet,
    ) {
        let facts = |node: usize| resolved[node].as_ref().map(|resolved| &resolved.facts);
        let topics = |node: usize, direction| -> Vec<Topic> {
            let fields = Fields::of(&spec.nodes[node].config, files);
            let channels = facts(node).into_iter().flat_map(|facts| facts.channels(direction));
            let topic = |channel: &Channel| Topic {
                text: channel.address.clone(),
                span: fields.value(&spec.nodes[node], &channel.field).0,
            };
            channels.map(topic).collect()
        };
        let mut relays: HashMap<usize, Relay> = HashMap::new();
        for sink in 0..spec.nodes.len() {
            if topics(sink, Direction::Out).is_empty() {
                continue;
            }
            let Some(publisher) = peer(spec, resolved, sink) else { continue };
            let upstream =
                reached(spec.nodes.len(), vec![sink], |node| wiring.into(node).map(|edge| edge.from));
            for source in upstream {
                let subscriptions = topics(source, Direction::In);
                if subscriptions.is_empty() {
                    continue;
                }
                let Some(subscriber) = peer(spec, resolved, source) else { continue };
                let relay = relays.entry(source).or_insert_with(|| Relay {
                    pipeline: spec.name.clone(),
                    source: spec.nodes[source].id.clone(),
                    peer: subscriber,
                    subscriptions,
                    publications: Vec::new(),
                });
                relay.publications.extend(topics(sink, Direction::Out).into_iter().map(|topic| {
                    Publication { sink: spec.nodes[sink].id.clone(), peer: publisher.clone(), topic }
                }));
            }
        }
        let mut relays: Vec<_> = relays.into_iter().collect();
        relays.sort_by_key(|(source, _)| *source);
        self.0.extend(relays.into_iter().map(|(_, relay)| relay));
    }

    /// Complains about every loop; gives the pipelines that are wrong by it.
    pub(crate) fn check(&self, diagnostics: &mut Diagnostics) -> BTreeSet<CompactString> {
        let mut subscriptions = Vec::new();
        let mut filters: HashMap<&str, Filters> = HashMap::new();
        for (index, relay) in self.0.iter().enumerate() {
            let at_peer = filters.entry(&relay.peer).or_insert_with(Filters::new);
            for (position, filter) in relay.subscriptions.iter().enumerate() {
                at_peer.insert(&filter.text, subscriptions.len());
                subscriptions.push((index, position));
            }
        }
        let next = |relay: usize| {
            let mut edges: Vec<(usize, Meeting)> = Vec::new();
            for (position, publication) in self.0[relay].publications.iter().enumerate() {
                let at_peer = filters.get(publication.peer.as_str());
                let numbers =
                    at_peer.map_or(Vec::new(), |filters| filters.overlapping(&publication.topic.text));
                let met = numbers.into_iter().map(|number| subscriptions[number]);
                let mut met: Vec<_> = met.map(|(relay, filter)| (relay, (position, filter))).collect();
                // One filter of each relay says enough.
                met.dedup_by_key(|(relay, _)| *relay);
                edges.extend(met);
            }
            edges
        };
        let mut wrong = BTreeSet::new();
        for way in cycles(self.0.len(), next) {
            wrong.extend(self.complain(&way, diagnostics));
        }
        wrong
    }

    /// Complains about a loop where it is closed. It is an error if the topics are literal, and the pipeline with
    /// the sink that closes it is wrong then; where an event decides about a topic, it is a warning.
    fn complain(&self, way: &[(usize, Meeting)], diagnostics: &mut Diagnostics) -> Option<CompactString> {
        let published = |at: usize| {
            let (relay, (publication, _)) = way[at];
            (&self.0[relay], &self.0[relay].publications[publication])
        };
        // What the publication before meets.
        let subscribed = |at: usize| {
            let (_, (_, filter)) = way[(at + way.len() - 1) % way.len()];
            let relay = &self.0[way[at].0];
            (relay, &relay.subscriptions[filter])
        };
        let certain = (0..way.len()).all(|at| !published(at).1.topic.text.contains(['+', '#']));
        let (relay, closing) = published(way.len() - 1);
        let (fed, filter) = subscribed(0);
        if way.len() == 1 {
            let (topic, filter) =
                ((closing.topic.text.as_str(), closing.topic.span), (filter.text.as_str(), filter.span));
            diagnostics.self_feeding_topic(certain, topic, &fed.source, filter);
        } else {
            let local = way.iter().all(|(index, _)| self.0[*index].pipeline == relay.pipeline);
            let name = |relay: &Relay, node: &str| match local {
                true => node.to_owned(),
                false => format!("{}/{node}", relay.pipeline),
            };
            let mut places = Vec::new();
            for at in 0..way.len() {
                let (relay, filter) = subscribed(at);
                places.push((
                    filter.span,
                    format!("`{}` receives `{}`", name(relay, &relay.source), filter.text),
                ));
                let (relay, publication) = published(at);
                let topic = &publication.topic;
                if at + 1 < way.len() {
                    let label = format!("`{}` publishes `{}`", name(relay, &publication.sink), topic.text);
                    places.push((topic.span, label));
                }
            }
            diagnostics.topic_loop(
                certain,
                (&closing.topic.text, closing.topic.span),
                &name(fed, &fed.source),
                places,
            );
        }
        certain.then(|| relay.pipeline.clone())
    }
}
