// Versions of the policy, and the aliases that point to them.

import { el, show, table } from "./dom.js";
import { ABSENT, tag, time } from "./words.js";

/** Shows what /api/models answered. */
export function showModels(place, answer) {
  const aliasesOf = (v) => answer.aliases.filter((alias) => alias.model === v.version.model && alias.version === v.version.version);
  const moved = answer.aliases.filter((alias) => alias.moves.length > 1);
  show(place,
    answer.versions.length === 0
      ? el("p", { class: "quiet" }, "No version is registered.")
      : table(null, [
        { title: "version", cell: (v) => [
          el("span", { class: "mono", title: `SHA-256 ${v.version.weights_sha256}` }, `${v.version.model}/${v.version.version}`), " ",
          aliasesOf(v).map((alias) => tag(alias.alias, "good")),
        ].flat() },
        { title: "from", cell: (v) => el("span", { class: "mono" }, v.parent_version || ABSENT) },
        { title: "registered", nowrap: true, cell: (v) => time(v.register_time) },
      ], answer.versions),
    moved.map((alias) => el("details", {},
      el("summary", {}, `${alias.moves.length} moves of ${alias.model}: ${alias.alias}`),
      table(null, [
        { title: "when", nowrap: true, cell: (move) => time(move.move_time) },
        { title: "what", nowrap: true, cell: (move) => move.kind.replace("_", " ") },
        { title: "from", cell: (move) => el("span", { class: "mono" }, move.from_version || ABSENT) },
        { title: "to", cell: (move) => el("span", { class: "mono" }, move.to_version) },
      ], alias.moves))));
}
