package io.ballast.orchestrator.core.run;

import io.ballast.kit.call.Texts;
import io.ballast.orchestrator.core.Faults;
import io.ballast.orchestrator.core.peer.PromptArchive;
import io.ballast.orchestrator.core.spec.PromptSource;
import io.ballast.orchestrator.core.spec.RunSpec;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/** Reads the prompts of a new run, and refuses what nobody could sample from or test on. */
final class PromptReader {
  private static final int MAX_PROMPT_BYTES = 65_536;
  private static final long MAX_TOTAL_BYTES = 64L << 20;
  private static final int MIN_TEST = 2;
  private static final int MAX_TEST = 10_000;
  private static final long MAX_TEST_BYTES = 8L << 20; // they travel in one message

  private final PromptArchive archive;

  PromptReader(PromptArchive archive) {
    this.archive = archive;
  }

  /**
   * Reads both sets.
   *
   * @throws io.ballast.kit.error.MeshException MALFORMED_REQUEST, naming the prompt;
   *     DEPENDENCY_DOWN
   */
  PromptSets read(RunSpec spec, String tenant) {
    List<String> test = read("safety_test.prompts", spec.safetyTest().prompts(), tenant);
    Set<String> heldOut = heldOut("safety_test.prompts", test);
    requireDraw(spec, test.size());
    requireEnough("safety_test.prompts", spec, test.size());
    List<String> training = read("prompts", spec.prompts(), tenant);
    if (spec.prompts() instanceof PromptSource.Feedback) {
      training = training.stream().filter(prompt -> !heldOut.contains(prompt)).toList();
    }
    for (int i = 0; i < training.size(); i++) {
      if (heldOut.contains(training.get(i))) {
        throw Faults.malformed(
            "prompts[" + i + "]",
            "is also a prompt of the safety test (expected: prompts that were never trained on)");
      }
    }
    if (training.size() < spec.rollout().promptsPerIteration()) {
      throw Faults.malformed(
          "prompts",
          "%,d prompts (expected: at least rollout.prompts_per_iteration, %,d)"
              .formatted(training.size(), spec.rollout().promptsPerIteration()));
    }
    return new PromptSets(training, test);
  }

  /**
   * Other prompts for the safety test of a run.
   *
   * @param before the run's
   * @throws io.ballast.kit.error.MeshException MALFORMED_REQUEST, naming the prompt
   */
  static PromptSets fresh(RunSpec spec, PromptSets before, List<String> test) {
    String field = "test_prompts";
    Set<String> heldOut = heldOut(field, valid(field, test));
    requireEnough(field, spec, test.size());
    Set<String> training = new HashSet<>(before.training());
    Set<String> used = new HashSet<>(before.test());
    for (int i = 0; i < test.size(); i++) {
      String path = field + "[" + i + "]";
      if (training.contains(test.get(i))) {
        throw Faults.malformed(path, "was trained on (expected: prompts that never were)");
      }
      if (used.contains(test.get(i))) {
        throw Faults.malformed(path, "is of the test before, which has used it up");
      }
    }
    return new PromptSets(before.training(), List.copyOf(heldOut));
  }

  private static void requireEnough(String field, RunSpec spec, int prompts) {
    int least = MIN_TEST * spec.constraints().size();
    if (spec.safetyTest().drawCount() == 0 && prompts < least) {
      throw Faults.malformed(
          field,
          "%,d prompts (expected: at least %,d, %d for the test of each constraint)"
              .formatted(prompts, least, MIN_TEST));
    }
  }

  private static void requireDraw(RunSpec spec, int pool) {
    if ((long) spec.safetyTest().drawCount() * spec.constraints().size() > pool) {
      throw Faults.malformed(
          "safety_test.draw_count",
          "%,d (expected: for each constraint at most its part of the pool, %,d prompts)"
              .formatted(spec.safetyTest().drawCount(), pool));
    }
  }

  /** The prompts of a safety test, in their order. */
  private static Set<String> heldOut(String field, List<String> test) {
    if (test.size() < MIN_TEST || test.size() > MAX_TEST) {
      throw Faults.malformed(field, "%,d prompts (expected: 2 to 10,000)".formatted(test.size()));
    }
    long bytes =
        test.stream().mapToLong(each -> each.getBytes(StandardCharsets.UTF_8).length).sum();
    if (bytes > MAX_TEST_BYTES) {
      throw Faults.malformed(
          field, "%,d bytes together, limit %,d".formatted(bytes, MAX_TEST_BYTES));
    }
    Set<String> heldOut = new LinkedHashSet<>();
    for (int i = 0; i < test.size(); i++) {
      if (!heldOut.add(test.get(i))) {
        throw Faults.malformed(field + "[" + i + "]", "is there twice (expected: no two equal)");
      }
    }
    return heldOut;
  }

  private List<String> read(String field, PromptSource source, String tenant) {
    return switch (source) {
      case PromptSource.Inline(List<String> prompts) -> valid(field + ".inline", prompts);
      case PromptSource.InFile(String path) ->
          valid(field + ".file", archive.ofFile(field + ".file", path));
      case PromptSource.Feedback(int max) ->
          archive.ofFeedback(tenant, max).stream()
              .filter(prompt -> Texts.storageFlaw(prompt) == null) // no user's text stops a run
              .toList();
    };
  }

  private static List<String> valid(String field, List<String> prompts) {
    long total = 0;
    for (int i = 0; i < prompts.size(); i++) {
      String prompt = prompts.get(i);
      String path = field + "[" + i + "]";
      int bytes = prompt.getBytes(StandardCharsets.UTF_8).length;
      total += bytes;
      if (bytes == 0) {
        throw Faults.malformed(path, "empty (expected: at least one character)");
      }
      if (bytes > MAX_PROMPT_BYTES) {
        throw Faults.malformed(path, "%,d bytes, limit %,d".formatted(bytes, MAX_PROMPT_BYTES));
      }
      requireStorable(path, prompt);
    }
    if (total > MAX_TOTAL_BYTES) {
      throw Faults.malformed(
          field, "%,d bytes together, limit %,d".formatted(total, MAX_TOTAL_BYTES));
    }
    return prompts;
  }

  /**
   * Refuses text that neither UTF-8 nor PostgreSQL can hold.
   *
   * @throws io.ballast.kit.error.MeshException MALFORMED_REQUEST, naming {@code path}
   */
  static void requireStorable(String path, String text) {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == 0) {
        throw Faults.malformed(path, "character %d is NUL (expected: text)".formatted(i));
      }
      if (Character.isHighSurrogate(c)
          && i + 1 < text.length()
          && Character.isLowSurrogate(text.charAt(i + 1))) {
        i++;
      } else if (Character.isSurrogate(c)) {
        throw Faults.malformed(
            path, "character %d is a lone surrogate (expected: valid UTF-8)".formatted(i));
      }
    }
  }
}
