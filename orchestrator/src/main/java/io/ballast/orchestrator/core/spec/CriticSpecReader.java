package io.ballast.orchestrator.core.spec;

import io.ballast.orchestrator.core.Faults;
import io.ballast.orchestrator.core.learner.CriticSettings;
import io.ballast.orchestrator.core.learner.OptimizerSettings;
import org.jspecify.annotations.Nullable;

/** Reads the section {@code critic} of a spec. */
final class CriticSpecReader {
  private static final int MAX_LABEL = 65_535;
  private static final String CRITIC = "critic";
  private static final String EXPECTED = "of a reward model that is a sequence classifier";

  private CriticSpecReader() {}

  /**
   * Null where a critic, if there is any, is a layer on the policy's trunk.
   *
   * @param advantage whether it has a critic
   * @param learningRate the peak of the policy's
   */
  static @Nullable CriticSettings read(SpecNode root, boolean advantage, double learningRate) {
    if (!root.has(CRITIC)) {
      return null;
    }
    SpecNode node = root.child(CRITIC, "model", "version", "label", "learning_rate");
    if (!advantage) {
      throw Faults.malformed(
          CRITIC, "beside an advantage without one (expected: absent, or advantage GAE)");
    }
    String model = node.requiredText("model", "the name " + EXPECTED);
    String version = node.requiredText("version", "the version " + EXPECTED);
    double rate =
        node.number(
            "learning_rate", learningRate, OptimizerSettings::isRate, OptimizerSettings.RATES);
    return new CriticSettings(
        Faults.requireName(node.pathOf("model"), model),
        Faults.requireName(node.pathOf("version"), version),
        node.integer("label", 0, 0, MAX_LABEL),
        rate / learningRate);
  }
}
