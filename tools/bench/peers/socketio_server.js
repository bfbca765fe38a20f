// SPDX-License-Identifier: MIT
// socket.io with its Redis streams adapter: a client joins the room that its
// query names; events come through the adapter's stream.
//
//   node socketio_server.js PORT REDIS_SOCKET KEY

"use strict";

const { createServer } = require("http");
const { Server } = require("socket.io");
const { createAdapter } = require("@socket.io/redis-streams-adapter");
const Redis = require("ioredis");

const [port, socket, key] = process.argv.slice(2);
const http = createServer();
const io = new Server(http, {
  transports: ["websocket"],
  pingInterval: 600000, // the load client speaks no engine.io pings
  perMessageDeflate: false,
  adapter: createAdapter(new Redis(socket), {
    streamName: key,
    readCount: 1000,
  }),
});

io.on("connection", (client) => client.join(client.handshake.query.stream));
http.listen({ host: "127.0.0.1", port: Number(port), backlog: 4096 });
