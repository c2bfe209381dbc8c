// Safety tests, and the certificates of those that passed.

import { get } from "./api.js";
import { byId, el, facts, failure, show, table } from "./dom.js";
import { ABSENT, id, number, significant, tag, time, version, words } from "./words.js";

const HOW = {
  SAFETY_TEST_STATE_PASSED: "good",
  SAFETY_TEST_STATE_NO_SOLUTION_FOUND: "warn",
  SAFETY_TEST_STATE_FAILED: "bad",
  SAFETY_TEST_STATE_ABORTED: "bad",
};

/** The state of a test as a tag. */
export function testTag(test) {
  return tag(words(test.state, "SAFETY_TEST_STATE_"), HOW[test.state] ?? "");
}

/** How a test's bound compares with its threshold, in one line; null while there are no numbers. */
export function boundLine(test) {
  const o = test.outcome;
  if (!o) {
    return null;
  }
  return `upper bound ${number(o.upper_bound, 4)} ${o.upper_bound <= o.threshold ? "≤" : ">"} τ ${number(o.threshold, 4)}`
    + ` at δ ${significant(o.delta)}, n ${o.n}, mean cost ${number(o.mean_cost, 4)}`;
}

/** Shows what /api/safety-tests answered. */
export function showTests(place, answer) {
  if (answer.tests.length === 0) {
    show(place, el("p", { class: "quiet" }, "No safety test yet: a run ends with one."));
    return;
  }
  show(place, table(null, [
    { title: "verdict", nowrap: true, cell: testTag },
    { title: "candidate", cell: (test) => version(test.candidate) },
    { title: "bound", number: true, cell: (test) => number(test.outcome?.upper_bound, 4) },
    { title: "τ", number: true, cell: (test) => number(test.outcome?.threshold, 4) },
    { title: "δ", number: true, cell: (test) => significant(test.outcome?.delta) },
    { title: "n", number: true, cell: (test) => test.outcome ? String(test.outcome.n) : `${test.judged_count} of ${test.prompts_count}` },
    { title: "judged by", cell: (test) => version(test.cost_model) },
    { title: "started", nowrap: true, cell: (test) => time(test.start_time) },
    { title: "certificate", cell: certificate },
  ], answer.tests));
}

function certificate(test) {
  if (!test.certificate_id) {
    return test.failure_message || ABSENT;
  }
  return el("button", {
    type: "button", class: "link", "aria-label": `verify certificate ${test.certificate_id}`,
    onclick: () => verify(test.certificate_id),
  }, "verify");
}

/** What a judge shares with what was optimised against, where a spec allows that; else no line. */
function sameCostModel(said) {
  if (!said) {
    return [];
  }
  const held = [
    said.optimised ? "the judge was optimised against" : "",
    said.common_labels_count ? `${said.common_labels_count} labels taught both` : "",
    said.unsaid_models_count ? `of ${said.unsaid_models_count} the labels are not said` : "",
  ].filter((each) => each);
  return [["same cost model", `allowed by the spec; ${held.join(", ") || "not so"}`]];
}

async function verify(certificateId) {
  const place = byId("certificate");
  show(place, el("p", { class: "quiet" }, "computing the bound anew from the stored costs…"));
  try {
    const answer = await get(`api/certificates/${encodeURIComponent(certificateId)}`);
    const o = answer.certificate.outcome;
    show(place,
      el("h3", {}, "Certificate ", id(certificateId), " ", answer.valid ? tag("valid", "good") : tag("not valid", "bad")),
      facts([
        ["candidate", version(answer.certificate.candidate)],
        ["weights", id(answer.certificate.candidate.weights_sha256)],
        ["judged by", version(answer.certificate.cost_model)],
        ["optimised against", answer.certificate.optimised_cost_models.length
          ? answer.certificate.optimised_cost_models.map((v) => `${v.model}/${v.version}`).join(", ") : ABSENT],
        ...sameCostModel(answer.certificate.same_cost_model),
        ["bound", `${number(o.upper_bound, 6)}; computed anew ${number(answer.recomputed_upper_bound, 6)}; τ ${number(o.threshold, 4)}, δ ${significant(o.delta)}`],
        ["costs", `n ${o.n}, mean ${number(o.mean_cost, 4)}, standard deviation ${number(o.std_cost, 4)}, ${o.failed_items_count} missing and counted as 1`],
        ["issued", time(answer.certificate.issue_time)],
      ]),
      el("ul", {}, answer.findings.map((finding) => el("li", {}, finding))));
  } catch (error) {
    show(place, failure(error));
  }
}
