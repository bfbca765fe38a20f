// SPDX-License-Identifier: MIT
// The `ws` library with ioredis: one XREAD loop on one stream whose entries
// are `stream N event E`; the usual loop over the subscribers of a stream.
//
//   node ws_server.js PORT REDIS_SOCKET KEY

"use strict";

const { WebSocketServer } = require("ws");
const Redis = require("ioredis");

const [port, socket, key] = process.argv.slice(2);
const streams = new Map();

const server = new WebSocketServer({
  host: "127.0.0.1",
  port: Number(port),
  perMessageDeflate: false,
  backlog: 4096,
});

function membersOf(name) {
  let members = streams.get(name);
  if (!members) {
    members = new Set();
    streams.set(name, members);
  }
  return members;
}

server.on("connection", (client, request) => {
  const name = new URL(request.url, "http://x").searchParams.get("stream");
  const members = membersOf(name);
  members.add(client);
  client.on("close", () => members.delete(client));
  client.on("error", () => {});
});

function deliver(fields) {
  const members = streams.get(fields[1]);
  if (!members) return;
  for (const client of members) client.send(fields[3]);
}

async function follow() {
  const redis = new Redis(socket);
  let last = "0-0";
  for (;;) {
    const reply = await redis.xread(
      "COUNT", 1000, "BLOCK", 0, "STREAMS", key, last);
    for (const [id, fields] of reply[0][1]) {
      deliver(fields);
      last = id;
    }
  }
}

follow().catch((error) => {
  console.error(error);
  process.exit(1);
});
