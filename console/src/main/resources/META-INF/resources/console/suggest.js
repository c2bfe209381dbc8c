// "Try a suggestion": one call of Suggest, why it was decided so, and its trace.

import { get, post } from "./api.js";
import { byId, el, facts, failure, show } from "./dom.js";
import { showTrace } from "./trace.js";
import { ABSENT, id, millis, number, significant, span, tag, version, words } from "./words.js";

const HOW = { DECISION_SHOW: "good", DECISION_WITHHOLD: "warn", DECISION_BLOCK: "bad" };
const PHASES = [
  ["queue", "queue_duration"],
  ["wait for a batch", "batch_wait_duration"],
  ["tokenise", "tokenise_duration"],
  ["in the model", "infer_duration"],
  ["aggregate", "aggregate_duration"],
  ["in all", "total_duration"],
];

let asked = 0;

/** Listens to the form. */
export function startSuggesting() {
  byId("suggest-form").addEventListener("submit", (event) => {
    event.preventDefault();
    suggest();
  });
  byId("prompt").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      byId("suggest-form").requestSubmit();
    }
  });
}

async function suggest() {
  const mine = ++asked;
  const prompt = byId("prompt").value;
  const question = {
    prompt,
    gate_mode: byId("gate-mode").value,
    with_reward: byId("with-reward").checked,
    with_cost: byId("with-cost").checked,
  };
  if (byId("temperature").value !== "") {
    question.temperature = Number(byId("temperature").value);
  }
  if (byId("seed").value !== "") {
    question.seed = byId("seed").value;
  }
  const button = byId("suggest-button");
  button.disabled = true;
  show(byId("trace"));
  show(byId("suggestion"), el("p", { class: "quiet" }, "asking…"));
  try {
    const answer = await post("api/suggestions", question);
    if (mine === asked) {
      draw(prompt, answer.suggestion);
      await trace(mine, answer);
    }
  } catch (error) {
    if (mine === asked) {
      show(byId("suggestion"), failure(error));
    }
  } finally {
    button.disabled = false;
  }
}

function draw(prompt, s) {
  const shown = s.decision === "DECISION_SHOW";
  show(byId("suggestion"),
    el("h3", {}, tag(words(s.decision, "DECISION_"), HOW[s.decision] ?? ""), " ", words(s.reason, "DECISION_REASON_")),
    shown
      ? el("pre", {}, el("span", { class: "typed" }, prompt), el("span", { class: "new" }, s.text))
      : null,
    s.degradations.map((d) => el("p", { class: "failure" }, `${d.peer}: ${d.message}`)),
    facts([
      ["p(accept)", `${number(s.accept_probability)}; withheld below ${number(s.accept_threshold)}`],
      ["stage 1, context", stage(s.stage_one)],
      ["stage 2, suggestion", stage(s.stage_two)],
      ["reward", s.reward ? outcome(s.reward, number(s.reward.value), `spread ${number(s.reward.spread)}`) : null],
      ["cost", s.cost ? outcome(s.cost, number(s.cost.harm_probability), `blocked at ${number(s.cost.threshold)} and above`) : null],
      ["policy", version(s.policy_version)],
      ["propensity", significant(s.propensity)],
      ["generated", s.generated_tokens === 0 ? "nothing" : `${s.generated_tokens} tokens, then ${words(s.stop_reason, "STOP_REASON_")}; seed ${s.seed}`],
      ["time", s.timing ? times(s.timing) : null],
      ["suggestion", id(s.suggestion_id)],
    ]));
}

function stage(answer) {
  if (!answer) {
    return "not asked";
  }
  return [
    `${words(answer.outcome, "GATE_OUTCOME_")}: p ${number(answer.accept_probability)}, threshold ${number(answer.threshold)}`,
    `, propensity ${significant(answer.propensity)}, by `, version(answer.model_version),
  ];
}

function times(timing) {
  return PHASES.filter(([, field]) => timing[field])
    .map(([title, field]) => `${title} ${span(millis(timing[field]))}`).join(", ");
}

function outcome(part, value, more) {
  if (part.failure) {
    return `none: ${part.failure.message} (${words(part.failure.reason, "FAILURE_REASON_")})`;
  }
  return [`${value}, ${more}, by `, version(part.model_version)];
}

/** The last spans of a call end just after its answer: asks until none is missing, a few times. */
async function trace(mine, answer) {
  if (!answer.trace_id) {
    show(byId("trace"), el("p", { class: "quiet" }, "This call was not traced."));
    return;
  }
  for (let attempt = 0; attempt < 4; attempt++) {
    await new Promise((resolve) => setTimeout(resolve, 150 << attempt));
    if (mine !== asked) {
      return;
    }
    try {
      const found = await get(`api/traces/${encodeURIComponent(answer.trace_id)}`);
      showTrace(byId("trace"), found);
      const known = new Set(found.spans.map((s) => s.span_id));
      if (found.spans.every((s) => !s.parent_span_id || known.has(s.parent_span_id))) {
        return;
      }
    } catch (error) {
      show(byId("trace"), error.reason === "PRECONDITION_FAILED"
        ? el("p", { class: "quiet" }, error.message)
        : failure(error));
    }
  }
}
