"""awsiotsdk (version 2), unchanged, against the shadow service of the embedded broker: requests, and the streams of deltas
and documents, of a classic and a named shadow, over mutual TLS.

    python shadow_v2.py target/release/fieldline
"""

import queue
import sys

from awscrt.mqtt_request_response import ClientOptions
from awsiot import ServiceStreamOptions, V2ServiceException, iotshadow, mqtt_connection_builder
from awsiot.iotshadow import IotShadowClientV2, ShadowState

import plant

PATIENCE = 30  # seconds
LIMITS = ClientOptions(
    max_request_response_subscriptions=6, max_streaming_subscriptions=4, operation_timeout_in_seconds=10
)


class Shadow:
    """The requests about one shadow: classic without a name."""

    def __init__(self, client, name):
        self.client = client
        self.named = "Named" if name else ""
        self.address = {"thing_name": plant.DEVICE, **({"shadow_name": name} if name else {})}

    def ask(self, operation, **members):
        """The answer, or the code of the rejection."""
        request = getattr(iotshadow, f"{operation.title()}{self.named}ShadowRequest")
        call = getattr(self.client, f"{operation}{'_named' if self.named else ''}_shadow")
        try:
            return call(request(**self.address, **members)).result(PATIENCE)
        except V2ServiceException as refused:
            return refused.modeled_error.code

    def listen(self, what, request):
        """A queue of what a stream brings, once it is subscribed."""
        events, changes = queue.Queue(), queue.Queue()
        options = ServiceStreamOptions(
            incoming_event_listener=events.put, subscription_status_listener=changes.put
        )
        create = getattr(self.client, f"create_{'named_' if self.named else ''}shadow_{what}_stream")
        subscription = getattr(iotshadow, request.format(self.named))
        stream = create(subscription(**self.address), options)
        stream.open()
        changes.get(timeout=PATIENCE)
        return stream, events


def check(shadow, what):
    deltas_stream, deltas = shadow.listen("delta_updated", "{}ShadowDeltaUpdatedSubscriptionRequest")
    documents_stream, documents = shadow.listen("updated", "{}ShadowUpdatedSubscriptionRequest")
    plant.equal(f"{what}: get of nothing", shadow.ask("get"), 404)
    accepted = shadow.ask("update", state=ShadowState(desired={"mode": "eco"}))
    plant.equal(f"{what}: update of desired", accepted.version, 1)
    plant.equal(f"{what}: delta", deltas.get(timeout=PATIENCE).state, {"mode": "eco"})
    plant.equal(f"{what}: documents", documents.get(timeout=PATIENCE).current.state.desired, {"mode": "eco"})
    conflict = shadow.ask("update", state=ShadowState(reported={"mode": "eco"}), version=7)
    plant.equal(f"{what}: conflict", conflict, 409)
    accepted = shadow.ask("update", state=ShadowState(reported={"mode": "eco"}), version=1)
    plant.equal(f"{what}: update of reported", accepted.version, 2)
    previous = documents.get(timeout=PATIENCE).previous
    plant.equal(f"{what}: the document before", (previous.version, previous.state.reported), (1, None))
    found = shadow.ask("get")
    plant.equal(f"{what}: get", (found.version, found.state.reported, found.state.delta), (2, {"mode": "eco"}, None))
    plant.equal(f"{what}: no further delta", deltas.empty(), True)
    plant.equal(f"{what}: delete", shadow.ask("delete").version, 2)
    plant.equal(f"{what}: delete of nothing", shadow.ask("delete"), 404)
    del deltas_stream, documents_stream


def run(broker):
    connection = mqtt_connection_builder.mtls_from_path(
        endpoint=plant.HOST,
        port=broker.port,
        cert_filepath=broker.certificate,
        pri_key_filepath=broker.key,
        ca_filepath=broker.authority,
        client_id=plant.DEVICE,
    )
    connection.connect().result(PATIENCE)
    client = IotShadowClientV2(connection, LIMITS)
    check(Shadow(client, None), "classic")
    check(Shadow(client, "config"), "named")
    del client
    connection.disconnect().result(PATIENCE)


if __name__ == "__main__":
    with plant.running(sys.argv[1]) as broker:
        run(broker)
