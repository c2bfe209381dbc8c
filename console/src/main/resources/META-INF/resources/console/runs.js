// Runs: the list, and the one that the address names (#run=ID), followed while it learns.

import { get } from "./api.js";
import { Chart } from "./chart.js";
import { byId, el, facts, failure, show, table } from "./dom.js";
import { boundLine, testTag } from "./tests.js";
import { ABSENT, id, number, tag, time, version, words } from "./words.js";

const HOW = {
  RUN_STATE_PROMOTED: "good",
  RUN_STATE_HELD: "warn",
  RUN_STATE_NO_SOLUTION_FOUND: "warn",
  RUN_STATE_REFUSED: "warn",
  RUN_STATE_STOPPED: "warn",
  RUN_STATE_FAILED: "bad",
  RUN_STATE_CANCELLED: "warn",
};

const CHARTS = [
  { title: "mean reward", field: "mean_reward", digits: 3 },
  { title: "reward of held-out prompts", of: (m) => m.evaluation?.mean_reward, digits: 3 },
  { title: "spread of the members", field: "mean_spread", digits: 3 },
  { title: "gold", of: (m) => m.gold?.mean_gold, digits: 3 },
  { title: "reward less gold, in deviations", field: "gold_gap", digits: 3 },
  { title: "KL from the base, nats", field: "kl_nats", digits: 4 },
  { title: "mean cost", field: "mean_cost", digits: 3 },
  { title: "pessimistic cost", field: "pessimistic_cost", digits: 3 },
  { title: "multiplier λ", field: "lambda", digits: 3 },
];

const ALARMS = {
  RUN_ALARM_KIND_SPREAD_GREW: "spread",
  RUN_ALARM_KIND_PROXY_GOLD_GAP: "reward less gold",
  RUN_ALARM_KIND_LAMBDA_AT_CAP: "λ at its cap, cost",
};

function alarmLine(alarm) {
  const what = ALARMS[alarm.kind] ?? words(alarm.kind, "RUN_ALARM_KIND_");
  return `${what} ${number(alarm.observed)} over ${number(alarm.limit)} in iteration ${alarm.iteration} (${words(alarm.action, "WATCH_ACTION_")})`;
}

function harmLine(measured) {
  const value = measured.value;
  return value
    ? `${measured.name} ${number(value.mean_harm)} where cost is ${number(value.mean_cost)}`
    : `${measured.name}: ${measured.failure?.message}`;
}

function evaluationLine(iterations) {
  const last = iterations.findLast((m) => m.evaluation || m.evaluation_failure);
  if (!last) {
    return null;
  }
  const e = last.evaluation;
  return `after iteration ${last.iteration}: ` + (e
    ? `${number(e.mean_reward)} [${number(e.low)}, ${number(e.high)}], n = ${e.n}`
    : last.evaluation_failure.message);
}

function spentLine(spent) {
  return spent
    ? `${spent.completion_tokens_count} completion tokens, ${number(spent.seconds, 1)} s` + (spent.money === undefined ? "" : `, money ${number(spent.money)}`)
    : null;
}

function curveLine(watch) {
  if (!watch?.gold_model) {
    return null;
  }
  const fit = watch.fit;
  return fit
    ? `α ${number(fit.alpha)} [${number(fit.alpha_low)}, ${number(fit.alpha_high)}], β ${number(fit.beta)} [${number(fit.beta_low)}, ${number(fit.beta_high)}]`
    : `no fit: ${watch.no_fit_reason}`;
}

function stateTag(run) {
  return tag(words(run.state, "RUN_STATE_"), HOW[run.state] ?? "");
}

/** Shows what /api/runs answered. */
export function showRuns(place, answer) {
  if (answer.runs.length === 0) {
    show(place, el("p", { class: "quiet" }, "No run yet. ./mesh run SPEC.yaml starts one; docs/run-spec.md says what a spec is."));
    return;
  }
  show(place, table(null, [
    { title: "run", cell: (run) => el("a", { href: `#run=${encodeURIComponent(run.run_id)}` }, run.name) },
    { title: "state", nowrap: true, cell: stateTag },
    { title: "iterations", number: true, cell: (run) => `${run.iterations_done} of ${run.iterations_count}` },
    { title: "reward", number: true, cell: (run) => number(run.latest?.mean_reward) },
    { title: "cost", number: true, cell: (run) => number(run.latest?.mean_cost) },
    { title: "KL", number: true, cell: (run) => number(run.latest?.kl_nats, 4) },
    { title: "candidate", cell: (run) => version(run.candidate_version) },
    { title: "created", nowrap: true, cell: (run) => time(run.create_time) },
  ], answer.runs));
}

let current = null; // {id, charts, head, charted, body, text, ended}

function chosen() {
  const match = /^#run=(.+)$/.exec(location.hash);
  return match ? decodeURIComponent(match[1]) : null;
}

/** Shows the run that the address names, as it is now; nothing if it names none. */
export async function refreshRun() {
  const runId = chosen();
  if (runId === null) {
    return;
  }
  if (current?.id !== runId) {
    open(runId);
  }
  const mine = current;
  try {
    const answer = await get(`api/runs/${encodeURIComponent(runId)}`);
    const text = JSON.stringify(answer);
    if (mine === current && text !== mine.text) {
      mine.text = text;
      draw(mine, answer);
    }
  } catch (error) {
    if (mine === current) {
      mine.text = null;
      show(mine.head, failure(error));
    }
  }
}

function open(runId) {
  current?.charts.forEach((chart) => chart.close());
  const charts = CHARTS.map((c) => new Chart(c.title, c.digits));
  current = {
    id: runId, charts, text: null,
    head: el("div", { "aria-live": "polite" }),
    charted: el("div", { class: "charts", hidden: true }, charts.map((chart) => chart.element)),
    numbers: el("div", {}),
  };
  const place = byId("run");
  show(place, current.head, current.charted, current.numbers);
  place.scrollIntoView({ block: "start" });
  place.focus({ preventScroll: true });
}

function draw(place, answer) {
  const run = answer.run;
  const test = run.safety_test;
  show(place.head,
    el("h3", {}, run.name, " ", stateTag(run), " ",
      el("progress", { max: run.iterations_count, value: run.iterations_done, "aria-label": "iterations done" }), " ",
      el("span", { class: "quiet" }, `${run.iterations_done} of ${run.iterations_count} iterations`)),
    facts([
      ["id", id(run.run_id)],
      ["from", version(run.base_version)],
      ["candidate", run.candidate_version ? version(run.candidate_version) : null],
      ["chosen as", run.candidate_reason],
      ["evaluation", evaluationLine(answer.iterations)],
      ["used", spentLine(run.latest?.spent)],
      ["stopped early", run.early_stop_reason],
      ["alarms", (run.alarms ?? []).map(alarmLine).join("; ")],
      ["harm measured", (run.latest?.measured ?? []).map(harmLine).join("; ")],
      ["gold", curveLine(answer.watch)],
      ["safety test", test ? [testTag(test), " ", boundLine(test) ?? `${test.judged_count} of ${test.prompts_count} prompts judged`] : null],
      ["certificate", test?.certificate_id ? id(test.certificate_id) : null],
      ["because", run.message],
      ["created", time(run.create_time)],
      ["ended", run.end_time ? time(run.end_time) : null],
    ]));
  const iterations = answer.iterations;
  place.charted.hidden = iterations.length === 0;
  const xs = iterations.map((m) => m.iteration);
  CHARTS.forEach((c, i) => {
    const ys = iterations.map((m) => (c.of ? c.of(m) : m[c.field])).map((y) => (typeof y === "number" ? y : null));
    place.charts[i].element.hidden = ys.every((y) => y === null);
    place.charts[i].set(xs, ys);
  });
  const open = place.numbers.querySelector("details[data-of=numbers]")?.open ?? false;
  const specOpen = place.numbers.querySelector("details[data-of=spec]")?.open ?? false;
  show(place.numbers,
    iterations.length === 0
      ? el("p", { class: "quiet" }, "No iteration is done yet.")
      : el("details", { open, "data-of": "numbers" }, el("summary", {}, "The same in numbers"), numbers(iterations)),
    el("details", { open: specOpen, "data-of": "spec" }, el("summary", {}, "Its spec"), el("pre", {}, run.spec || ABSENT)));
}

function numbers(iterations) {
  return table(null, [
    { title: "iteration", number: true, cell: (m) => String(m.iteration) },
    { title: "reward", number: true, cell: (m) => number(m.mean_reward) },
    { title: "held out", number: true, cell: (m) => (m.evaluation_failure ? m.evaluation_failure.reason : number(m.evaluation?.mean_reward)) },
    { title: "spread", number: true, cell: (m) => number(m.mean_spread) },
    { title: "gold", number: true, cell: (m) => (m.gold_failure ? m.gold_failure.reason : number(m.gold?.mean_gold)) },
    { title: "KL", number: true, cell: (m) => number(m.kl_nats, 4) },
    { title: "cost", number: true, cell: (m) => number(m.mean_cost) },
    { title: "pessimistic", number: true, cell: (m) => number(m.pessimistic_cost) },
    { title: "λ", number: true, cell: (m) => number(m.lambda) },
    { title: "entropy", number: true, cell: (m) => number(m.entropy_nats) },
    { title: "tokens", number: true, cell: (m) => number(m.mean_completion_tokens, 1) },
    { title: "samples", number: true, cell: (m) => String(m.samples_count) },
    { title: "dropped", number: true, cell: (m) => String(m.dropped_count) },
    { title: "seconds", number: true, cell: (m) => number(m.sample_seconds + m.judge_seconds + m.learn_seconds, 1) },
  ], iterations);
}
