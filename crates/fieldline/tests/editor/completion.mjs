// What an editor with yaml-language-server makes of the pipelines in this repository: it completes fields, marks a
// wrong one, and marks nothing in the examples.
//
//     node crates/fieldline/tests/editor/completion.mjs SERVER
//
// SERVER is `bin/yaml-language-server` of the package from npm. The server is spoken to as an editor does, in LSP over
// its standard input and output; files are read from the working folder, which must be the top of the repository.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

/** A language server, and what it was asked and has said. */
class Server {
  constructor(program) {
    this.process = spawn(process.execPath, [program, "--stdio"], { stdio: ["pipe", "pipe", "inherit"] });
    this.received = Buffer.alloc(0);
    this.answers = new Map();
    this.diagnoses = new Map();
    this.requests = 0;
    this.process.stdout.on("data", (chunk) => this.read(chunk));
    this.process.on("exit", (code) => {
      if (!this.isEnding) throw new Error(`the language server ended with ${code}`);
    });
  }

  send(message) {
    const body = JSON.stringify({ jsonrpc: "2.0", ...message });
    this.process.stdin.write(`Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
  }

  request(method, params) {
    const id = ++this.requests;
    this.send({ id, method, params });
    return new Promise((resolve, reject) => this.answers.set(id, { resolve, reject }));
  }

  notify(method, params) {
    this.send({ method, params });
  }

  /** The diagnostics of a file that is opened with this text; the next it publishes for that file. */
  diagnose(uri, text) {
    this.notify("textDocument/didOpen", { textDocument: { uri, languageId: "yaml", version: 1, text } });
    return new Promise((resolve) => this.diagnoses.set(uri, resolve));
  }

  read(chunk) {
    this.received = Buffer.concat([this.received, chunk]);
    for (;;) {
      const end = this.received.indexOf("\r\n\r\n");
      if (end < 0) return;
      const length = Number(/Content-Length: (\d+)/i.exec(this.received.toString("utf8", 0, end))[1]);
      if (this.received.length < end + 4 + length) return;
      const message = JSON.parse(this.received.toString("utf8", end + 4, end + 4 + length));
      this.received = this.received.subarray(end + 4 + length);
      this.take(message);
    }
  }

  take(message) {
    if (message.method === "textDocument/publishDiagnostics") {
      this.diagnoses.get(message.params.uri)?.(message.params.diagnostics);
    } else if (message.method === "workspace/configuration") {
      // Nothing is set: it is the first line of a file that says where its schema is.
      this.send({ id: message.id, result: message.params.items.map(() => null) });
    } else if (message.method && message.id !== undefined) {
      this.send({ id: message.id, result: null });
    } else if (this.answers.has(message.id)) {
      const { resolve, reject } = this.answers.get(message.id);
      this.answers.delete(message.id);
      if (message.error) reject(new Error(message.error.message));
      else resolve(message.result);
    }
  }

  async end() {
    this.isEnding = true;
    await this.request("shutdown");
    this.notify("exit");
  }
}

/** Every pipeline file below a folder. */
function pipelines(folder) {
  return readdirSync(folder, { recursive: true })
    .filter((name) => name.endsWith(".yaml"))
    .map((name) => join(folder, name))
    .sort();
}

const server = new Server(resolve(process.argv[2]));
await server.request("initialize", {
  processId: process.pid,
  rootUri: pathToFileURL(".").href,
  capabilities: { textDocument: { completion: { completionItem: { documentationFormat: ["markdown"] } } } },
});
server.notify("initialized", {});

const paths = [...pipelines("examples"), ...pipelines("pipelines")];
assert(paths.length > 3, "there are examples");
for (const path of paths) {
  const diagnostics = await server.diagnose(pathToFileURL(path).href, readFileSync(path, "utf8"));
  assert.deepEqual(diagnostics, [], `${path} is marked wrong`);
}
console.log(`${paths.length} files are right`);

const publish = readFileSync("examples/01-publish/publish.yaml", "utf8");
const written = "air: { type: bme680, bus: simulated, every: 1s, read: [temperature] }";
assert(publish.includes(written), "the example reads a BME680");

// A file that is not there, beside the example, so that the schema is found in the same place.
const wrong = pathToFileURL("examples/01-publish/wrong.yaml").href;
const marked = await server.diagnose(wrong, publish.replace("every: 1s", "evry: 1s"));
const messages = marked.map((diagnostic) => diagnostic.message);
assert(messages.some((message) => message.includes("evry")), `a wrong field is marked: ${JSON.stringify(messages)}`);
console.log(`a wrong field is marked: ${messages[0]}`);

// Somebody who writes a new line below the fields of the node.
const begun = "air:\n    type: bme680\n    bus: simulated\n    ";
const text = publish.replace(written, begun);
const uri = pathToFileURL("examples/01-publish/begun.yaml").href;
await server.diagnose(uri, text);
const before = text.slice(0, text.indexOf(begun) + begun.length).split("\n");
const position = { line: before.length - 1, character: before.at(-1).length };
const completion = await server.request("textDocument/completion", { textDocument: { uri }, position });
const items = completion.items ?? completion;
const offered = items.map((item) => item.label);
for (const field of ["address", "every", "read", "oversampling", "filter", "heater", "timeout", "simulation"]) {
  assert(offered.includes(field), `\`${field}\` is offered: ${offered}`);
}
for (const field of ["bus", "type", "topics", "connection", "inputs"]) {
  assert(!offered.includes(field), `\`${field}\` is not offered: ${offered}`);
}
const every = items.find((item) => item.label === "every");
const meaning = every.documentation?.value ?? every.documentation ?? "";
assert(meaning.includes("time between two measurements"), `the meaning of a field is shown: ${meaning}`);
console.log(`offered below a bme680: ${offered.join(", ")}`);

await server.end();
