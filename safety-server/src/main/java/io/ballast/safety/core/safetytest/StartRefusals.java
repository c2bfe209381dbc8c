package io.ballast.safety.core.safetytest;

import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.safety.core.safetytest.SafetyTestStore.Start;
import java.util.HashMap;
import java.util.Map;

/**
 * Why a test is not started, in words and for machines: the value {@code refusal} says what of the
 * ledger is taken, or what the judge depends on.
 */
final class StartRefusals {
  private StartRefusals() {}

  static MeshException spent(PromptSet prompts, Start.LookSpent spent) {
    return new MeshException(
        Fault.PRECONDITION_FAILED,
        "spec.prompts: %,d of %,d were used before, in test %s; one look, whatever the candidate: take prompts that no test has used"
            .formatted(spent.spentCount(), prompts.size(), spent.testId()),
        refusal(
            "PROMPTS_SPENT",
            Map.of(
                "test_id", spent.testId().toString(),
                "spent_count", Integer.toString(spent.spentCount()))));
  }

  static MeshException closed(Start.SetClosed closed) {
    return new MeshException(
        Fault.PRECONDITION_FAILED,
        "spec.prompts: the set is closed: %s; take prompts that no test has used"
            .formatted(
                closed.passed()
                    ? "a test passed, the last was " + closed.testId()
                    : "all looks are taken, the last by test " + closed.testId()),
        refusal("SET_CLOSED", Map.of("test_id", closed.testId().toString())));
  }

  static MeshException otherRule(LookRule rule) {
    return new MeshException(
        Fault.PRECONDITION_FAILED,
        "spec.reuse: the first look at these prompts fixed %s with %d looks and delta %s for all of them"
            .formatted(rule.rule(), rule.looks(), rule.totalDelta()),
        refusal("OTHER_RULE", Map.of()));
  }

  static MeshException weightsSpent(Start.WeightsSpent spent, double delta) {
    return new MeshException(
        Fault.PRECONDITION_FAILED,
        "spec.candidate: %,d %s at these weights, the last by test %s, had delta %s of %s together; there is no room for %s: a delta that several tests shall share is shared beforehand, with account_looks"
            .formatted(
                spent.looks(),
                spent.looks() == 1 ? "look" : "looks",
                spent.testId(),
                spent.spent(),
                spent.total(),
                delta),
        refusal(
            "WEIGHTS_SPENT",
            Map.of(
                "test_id", spent.testId().toString(),
                "spent_delta", Double.toString(spent.spent()),
                "total_delta", Double.toString(spent.total()))));
  }

  static MeshException usedUp(TestCommand command, int left) {
    return new MeshException(
        Fault.PRECONDITION_FAILED,
        "spec.draw_count: %,d; of the %,d prompts of the pool %,d were never used"
            .formatted(command.drawCount(), command.prompts().size(), left),
        refusal("POOL_USED_UP", Map.of("left", Integer.toString(left))));
  }

  static MeshException accountSpent(AccountShare account, Start.AccountSpent full) {
    return new MeshException(
        Fault.PRECONDITION_FAILED,
        "spec.account: '%s': its %,d looks are taken, the last by test %s"
            .formatted(account.name(), full.looks(), full.testId()),
        refusal("ACCOUNT_SPENT", Map.of("test_id", full.testId().toString())));
  }

  static MeshException otherAccountRule(AccountShare account, Start.OtherAccountRule other) {
    return new MeshException(
        Fault.PRECONDITION_FAILED,
        "spec.account_looks: %d; the first test of account '%s' fixed %d looks and delta %s"
            .formatted(account.looks(), account.name(), other.looks(), other.totalDelta()),
        refusal("OTHER_ACCOUNT_RULE", Map.of()));
  }

  /** Values of a message, with why for machines. */
  static Map<String, String> refusal(String why, Map<String, String> values) {
    Map<String, String> all = new HashMap<>(values);
    all.put("refusal", why);
    return all;
  }
}
