// The four servers: where they are and whether they serve.

import { byId, el, show, table } from "./dom.js";
import { ABSENT, tag, words } from "./words.js";

/** Shows what /api/servers answered. */
export function showServers(place, answer) {
  const serving = answer.servers.filter((server) => server.health === "SERVING").length;
  const all = answer.servers.length;
  byId("summary").textContent = serving === all ? `all ${all} servers are serving` : `${serving} of ${all} servers are serving`;
  byId("summary").className = serving === all ? "" : "bad";
  show(place, table(null, [
    { title: "server", nowrap: true, cell: (server) => server.role },
    { title: "health", cell: health },
    { title: "where", cell: (server) => [
      server.here ? "in this process" : "elsewhere",
      server.addresses.length ? el("div", { class: "mono" }, server.addresses.join(", ")) : null,
    ].filter(Boolean) },
  ], answer.servers));
}

function health(server) {
  if (server.failure) {
    return [tag("not known", "bad"), el("div", { class: "quiet" }, `${server.failure.message} (${server.failure.reason})`)];
  }
  return server.health ? tag(words(server.health, ""), server.health === "SERVING" ? "good" : "bad") : ABSENT;
}
