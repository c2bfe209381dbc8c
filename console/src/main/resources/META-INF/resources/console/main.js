// The page: asks for each section again and again while somebody looks.

import { get, tokenWanted, useToken } from "./api.js";
import { byId, failure, show } from "./dom.js";
import { showModels } from "./models.js";
import { refreshRun, showRuns } from "./runs.js";
import { showServers } from "./servers.js";
import { startSuggesting } from "./suggest.js";
import { showTests } from "./tests.js";

const SECTIONS = [
  { path: "api/servers", place: "server-list", every: 5000, show: showServers },
  { path: "api/runs", place: "run-list", every: 3000, show: showRuns },
  { path: "api/safety-tests", place: "test-list", every: 5000, show: showTests },
  { path: "api/models", place: "model-list", every: 10000, show: showModels },
];

/** The last answer of each section: one that did not change is not drawn again, so that focus and selection stay. */
const shown = new Map();

async function refresh(section) {
  const place = byId(section.place);
  try {
    const answer = await get(section.path);
    const text = JSON.stringify(answer);
    if (shown.get(section) !== text) {
      shown.set(section, text);
      section.show(place, answer);
    }
  } catch (error) {
    const text = `${error.reason}: ${error.message}`;
    if (shown.get(section) !== text) {
      shown.set(section, text);
      show(place, failure(error));
    }
    if (section.path === "api/servers") {
      byId("summary").textContent = error.message;
      byId("summary").className = "bad";
    }
  }
}

function keep(task, every) {
  const turn = async () => {
    try {
      if (!document.hidden) {
        await task();
      }
    } finally {
      setTimeout(turn, every);
    }
  };
  turn();
}

tokenWanted(() => {
  byId("token-form").hidden = false;
});
byId("token-form").addEventListener("submit", (event) => {
  event.preventDefault();
  useToken(byId("token").value);
  byId("token").value = "";
  byId("token-form").hidden = true;
  SECTIONS.forEach(refresh);
});
startSuggesting();
SECTIONS.forEach((section) => keep(() => refresh(section), section.every));
keep(refreshRun, 2000);
window.addEventListener("hashchange", refreshRun);
