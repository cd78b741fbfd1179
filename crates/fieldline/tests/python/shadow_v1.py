"""AWSIoTPythonSDK 1.6.2, unchanged, against the shadow service of the embedded broker: get, update, conflict, delta and
delete of a classic shadow, over mutual TLS.

    python shadow_v1.py target/release/fieldline
"""

import json
import queue
import sys

from AWSIoTPythonSDK.MQTTLib import AWSIoTMQTTShadowClient

import plant

LIMIT = 10  # seconds the client waits for an answer
PATIENCE = 30  # seconds, as the client sleeps when it subscribes


def ask(call):
    """The status and the document of a call that takes a callback and a limit."""
    answers = queue.Queue()
    call(lambda payload, status, token: answers.put((status, payload)), LIMIT)
    status, payload = answers.get(timeout=PATIENCE)
    return status, json.loads(payload) if status != "timeout" else None


def check(broker):
    client = AWSIoTMQTTShadowClient(plant.DEVICE)
    client.configureEndpoint(plant.HOST, broker.port)
    client.configureCredentials(broker.authority, broker.key, broker.certificate)
    plant.equal("connect", client.connect(), True)
    shadow = client.createShadowHandlerWithName(plant.DEVICE, True)
    deltas = queue.Queue()
    shadow.shadowRegisterDeltaCallback(lambda payload, status, token: deltas.put(json.loads(payload)))

    status, answer = ask(shadow.shadowGet)
    plant.equal("get of nothing", (status, answer["code"]), ("rejected", 404))
    plant.equal("its text", answer["message"], f"No shadow exists with name: '{plant.DEVICE}'")

    def update(document):
        return ask(lambda answer, limit: shadow.shadowUpdate(json.dumps(document), answer, limit))

    status, answer = update({"state": {"desired": {"interval": 5}}})
    plant.equal("update of desired", (status, answer["version"]), ("accepted", 1))
    # The client drops a delta that comes after the answer with its version.
    plant.equal("its own delta", deltas.get(timeout=PATIENCE)["state"], {"interval": 5})
    status, answer = update({"state": {"reported": {"interval": 5}}, "version": 9})
    plant.equal("a conflict", (status, answer["code"], answer["message"]), ("rejected", 409, "Version conflict"))
    status, answer = update({"state": {"reported": {"interval": 5}}, "version": 1})
    plant.equal("update of reported", (status, answer["version"]), ("accepted", 2))
    status, answer = ask(shadow.shadowGet)
    both = {"desired": {"interval": 5}, "reported": {"interval": 5}}
    plant.equal("get", (status, answer["state"]), ("accepted", both))
    plant.equal("no further delta", deltas.empty(), True)
    status, answer = ask(shadow.shadowDelete)
    plant.equal("delete", (status, answer["version"]), ("accepted", 2))
    status, answer = ask(shadow.shadowGet)
    plant.equal("get of what was deleted", (status, answer["code"]), ("rejected", 404))
    client.disconnect()


if __name__ == "__main__":
    with plant.running(sys.argv[1]) as broker:
        check(broker)
