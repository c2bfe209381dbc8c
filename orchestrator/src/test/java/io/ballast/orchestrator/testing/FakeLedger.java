package io.ballast.orchestrator.testing;

import io.ballast.orchestrator.adapter.GrpcLookCheck;
import io.ballast.safety.v1.LedgerEntry;
import io.ballast.safety.v1.LookState;
import io.ballast.safety.v1.ReuseRule;
import io.ballast.safety.v1.SafetyTestSpec;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/** Looks at prompts and accounts of δ, by the rules of docs/certificates.md, in memory. */
final class FakeLedger {
  private static final double ROUNDING = 1e-9;

  /** A look that was not given back. */
  private record Look(SafetyTestSpec spec, List<String> prompts, boolean passed) {
    double delta() {
      boolean split = spec.getReuse() == ReuseRule.REUSE_RULE_SPLIT;
      int parts = split ? spec.getLooks() : Math.max(1, spec.getAccountLooks());
      return spec.getDelta() / parts;
    }

    String weights() {
      return spec.getCandidate().getWeightsSha256();
    }

    /** Whether a test that passed renews what it proved. */
    boolean proves(SafetyTestSpec other, double delta) {
      return passed
          && spec.getCostModel().equals(other.getCostModel())
          && spec.getThreshold() <= other.getThreshold()
          && delta() <= delta + ROUNDING;
    }
  }

  private final Map<String, Look> looks = new LinkedHashMap<>();

  /**
   * Takes a look.
   *
   * @return the prompts that it is at
   * @throws StatusRuntimeException as the safety-server refuses
   */
  synchronized List<String> take(String key, SafetyTestSpec spec) {
    List<String> prompts = prompts(spec);
    Look look = new Look(spec, prompts, false);
    requireAccount(look);
    looks.put(key, look);
    return prompts;
  }

  private List<String> prompts(SafetyTestSpec spec) {
    Set<String> used = new HashSet<>();
    looks.values().forEach(look -> used.addAll(look.prompts()));
    List<String> given = spec.getPromptsList();
    if (spec.getReuse() == ReuseRule.REUSE_RULE_SPLIT) {
      requireOpen(spec, used);
      return given;
    }
    List<String> free = given.stream().filter(prompt -> !used.contains(prompt)).toList();
    if (spec.getDrawCount() > 0) {
      if (free.size() < spec.getDrawCount()) {
        throw refused(
            "POOL_USED_UP",
            "spec.draw_count: %d; of the %d prompts of the pool %d were never used"
                .formatted(spec.getDrawCount(), given.size(), free.size()));
      }
      return free.subList(0, spec.getDrawCount());
    }
    if (free.size() < given.size()) {
      throw refused(
          "PROMPTS_SPENT",
          "spec.prompts: %d of %d were used before"
              .formatted(given.size() - free.size(), given.size()));
    }
    return given;
  }

  private void requireOpen(SafetyTestSpec spec, Set<String> used) {
    List<Look> ofSet =
        looks.values().stream()
            .filter(look -> look.spec().getPromptsList().equals(spec.getPromptsList()))
            .toList();
    if (ofSet.isEmpty() && spec.getPromptsList().stream().anyMatch(used::contains)) {
      throw refused("PROMPTS_SPENT", "spec.prompts: some were used before");
    }
    if (ofSet.size() >= spec.getLooks() || ofSet.stream().anyMatch(Look::passed)) {
      throw refused("SET_CLOSED", "spec.prompts: the set is closed");
    }
  }

  private void requireAccount(Look look) {
    SafetyTestSpec spec = look.spec();
    List<Look> named =
        spec.getAccount().isEmpty()
            ? List.of()
            : of(each -> each.spec().getAccount().equals(spec.getAccount())).toList();
    if (!named.isEmpty()) {
      SafetyTestSpec first = named.getFirst().spec();
      if (first.getAccountLooks() != spec.getAccountLooks()) {
        throw refused("OTHER_ACCOUNT_RULE", "spec.account_looks: another than the first");
      }
      if (first.getAccountLooks() > 0 && named.size() >= first.getAccountLooks()) {
        throw refused("ACCOUNT_SPENT", "spec.account: its looks are taken");
      }
    }
    List<Look> before = of(each -> each.weights().equals(look.weights())).toList();
    if (before.isEmpty() || before.getLast().proves(spec, look.delta())) {
      return;
    }
    double total = before.getFirst().spec().getDelta();
    double spent = before.stream().mapToDouble(Look::delta).sum();
    if (spent + look.delta() > total * (1 + ROUNDING)) {
      throw refused(
          "WEIGHTS_SPENT",
          "spec.candidate: looks at these weights had delta %s of %s; there is no room for %s"
              .formatted(spent, total, look.delta()));
    }
  }

  private Stream<Look> of(java.util.function.Predicate<Look> which) {
    return looks.values().stream().filter(which);
  }

  synchronized void giveBack(String key) {
    looks.remove(key);
  }

  synchronized void passed(String key) {
    Optional.ofNullable(looks.get(key))
        .ifPresent(look -> looks.put(key, new Look(look.spec(), look.prompts(), true)));
  }

  /** Looks at a set. */
  synchronized List<LedgerEntry> entries(String promptsSha256) {
    List<LedgerEntry> entries = new ArrayList<>();
    looks.forEach(
        (key, look) -> {
          if (GrpcLookCheck.sha256(look.prompts()).equals(promptsSha256)) {
            entries.add(
                LedgerEntry.newBuilder()
                    .setEntryId("test-" + key)
                    .setReuse(look.spec().getReuse())
                    .setState(LookState.LOOK_STATE_TAKEN)
                    .setClosed(look.passed())
                    .build());
          }
        });
    return entries;
  }

  private static StatusRuntimeException refused(String refusal, String message) {
    return FakeFaults.of(
        Status.FAILED_PRECONDITION, "PRECONDITION_FAILED", message, Map.of("refusal", refusal));
  }
}
