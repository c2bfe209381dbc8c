package io.ballast.standalone.cli;

import io.ballast.kit.error.MeshException;
import io.ballast.mesh.v1.ModelSelector;
import io.ballast.mesh.v1.ModelVersion;
import io.ballast.mesh.v1.SamplingOptions;
import io.ballast.orchestrator.adapter.PromptFile;
import io.ballast.orchestrator.core.spec.GroupedPrompts;
import io.ballast.rl.bound.BoundMethod;
import io.ballast.safety.v1.ReuseRule;
import io.ballast.safety.v1.SafetyTestSpec;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.Spec.Target;

/**
 * On what, by whom and how strictly a version is tested. Defaults are those of {@code safety_test}
 * in a run's spec.
 */
final class SafetyTestOptions {
  private static final String NONE = "none";

  @Option(
      names = "--prompts",
      paramLabel = "FILE",
      required = true,
      description =
          "Held-out prompts that nothing was trained on, 2 to 10,000: JSON lines or Parquet, in a"
              + " column `prompt`, those of one file with its name in `group`. A prompt serves one"
              + " test.")
  private Path prompts = Path.of("");

  @Option(
      names = "--threshold",
      paramLabel = "TAU",
      required = true,
      description =
          "τ, the mean harm probability that you can bear, 0 to below 1; with CLOPPER_PEARSON the"
              + " share of harmful completions.")
  private double threshold;

  @Option(
      names = "--optimised",
      paramLabel = "NAME/VERSION",
      required = true,
      description =
          "A cost model that the version was trained against, once for each; none: there is none."
              + " Who leaves one out takes the guarantee away.")
  private List<String> optimised = List.of();

  @Option(
      names = "--delta",
      paramLabel = "DELTA",
      defaultValue = "0.1",
      description =
          "δ, the probability of passing a version that is over τ, above 0, below 1 (default:"
              + " ${DEFAULT-VALUE}).")
  private double delta;

  @Option(
      names = "--draw",
      paramLabel = "N",
      defaultValue = "0",
      description =
          "n: so many prompts are drawn from those that no test has used (default: all are used).")
  private int draw;

  @Option(
      names = "--cost-model",
      paramLabel = "NAME/VERSION",
      defaultValue = "java-cost/2",
      description = "The cost model that judges (default: ${DEFAULT-VALUE}).")
  private String costModel = "";

  @Option(
      names = "--same-cost-model",
      description =
          "It may be one of --optimised, or have learned from the same labels. The certificate says"
              + " so, and proves little.")
  private boolean sameCostModel;

  @Option(
      names = "--bound",
      paramLabel = "METHOD",
      defaultValue = "STUDENT_T",
      description =
          "How the mean is bounded: ${COMPLETION-CANDIDATES} (default: ${DEFAULT-VALUE}).")
  private BoundMethod bound = BoundMethod.STUDENT_T;

  @Option(
      names = "--looks",
      paramLabel = "N",
      defaultValue = "0",
      description =
          "So many tests of whatever versions may look at these prompts, each at δ/N, and tell no"
              + " numbers until one passes or all are done (default: one looks).")
  private int looks;

  @Option(
      names = "--account",
      paramLabel = "NAME",
      defaultValue = "",
      description =
          "Where the look is counted besides the weights' own account (default: the run that made"
              + " the version, if one did).")
  private String account = "";

  @Option(
      names = "--account-looks",
      paramLabel = "N",
      defaultValue = "0",
      description =
          "So many tests share δ, each on prompts of its own (default: this one has all of it).")
  private int accountLooks;

  @Option(
      names = "--temperature",
      paramLabel = "T",
      defaultValue = "1",
      description = "The one that the version would serve with (default: ${DEFAULT-VALUE}).")
  private double temperature;

  @Option(
      names = "--max-new-tokens",
      paramLabel = "N",
      defaultValue = "24",
      description = "The most tokens of a completion (default: ${DEFAULT-VALUE}).")
  private int maxNewTokens;

  @Option(
      names = "--max-prompt-tokens",
      paramLabel = "N",
      defaultValue = "96",
      description =
          "The most prompt tokens used, the last ones; 0: as many as fit (default:"
              + " ${DEFAULT-VALUE}).")
  private int maxPromptTokens;

  @Option(
      names = "--stop",
      paramLabel = "TEXT",
      description = "A completion ends before it; once for each (default: the end of the line).")
  private List<String> stops = List.of();

  @Spec(Target.MIXEE)
  private CommandSpec spec = CommandSpec.create();

  /** What was chosen; which version is tested is still to be said. */
  SafetyTestSpec.Builder message() throws IOException {
    ModelVersion judge = version("--cost-model", costModel);
    GroupedPrompts heldOut = heldOut();
    return SafetyTestSpec.newBuilder()
        .setCostModel(
            ModelSelector.newBuilder().setModel(judge.getModel()).setVersion(judge.getVersion()))
        .addAllOptimisedCostModels(optimised())
        .addAllPrompts(heldOut.prompts())
        .addAllGroups(heldOut.groups())
        .setThreshold(threshold)
        .setDelta(delta)
        .setBoundMethod(method())
        .setSampling(
            SamplingOptions.newBuilder()
                .setTemperature(temperature)
                .setMaxNewTokens(maxNewTokens)
                .addAllStopStrings(stops.isEmpty() ? List.of("\n") : stops))
        .setMaxPromptTokens(maxPromptTokens)
        .setDrawCount(draw)
        .setReuse(looks == 0 ? ReuseRule.REUSE_RULE_REFUSE : ReuseRule.REUSE_RULE_SPLIT)
        .setLooks(looks)
        .setAccount(account)
        .setAccountLooks(accountLooks)
        .setSameCostModel(sameCostModel);
  }

  private GroupedPrompts heldOut() throws IOException {
    try {
      return PromptFile.all(prompts.toString(), InputFile.require(prompts));
    } catch (MeshException e) {
      throw new CommandFailure(Exit.FAILED, "BAD_ROW", String.valueOf(e.getMessage()));
    }
  }

  private List<ModelVersion> optimised() {
    if (optimised.contains(NONE)) {
      if (optimised.size() > 1) {
        throw new ParameterException(
            spec.commandLine(), "--optimised: none beside others (expected: it alone)");
      }
      return List.of();
    }
    return optimised.stream().map(named -> version("--optimised", named)).toList();
  }

  private ModelVersion version(String option, String named) {
    int slash = named.indexOf('/');
    if (slash < 1 || slash == named.length() - 1) {
      throw new ParameterException(
          spec.commandLine(), "%s: '%s' (expected: NAME/VERSION)".formatted(option, named));
    }
    return ModelVersion.newBuilder()
        .setModel(named.substring(0, slash))
        .setVersion(named.substring(slash + 1))
        .build();
  }

  private io.ballast.safety.v1.BoundMethod method() {
    return switch (bound) {
      case STUDENT_T -> io.ballast.safety.v1.BoundMethod.BOUND_METHOD_STUDENT_T;
      case HOEFFDING -> io.ballast.safety.v1.BoundMethod.BOUND_METHOD_HOEFFDING;
      case EMPIRICAL_BERNSTEIN -> io.ballast.safety.v1.BoundMethod.BOUND_METHOD_EMPIRICAL_BERNSTEIN;
      case CLOPPER_PEARSON -> io.ballast.safety.v1.BoundMethod.BOUND_METHOD_CLOPPER_PEARSON;
      case BETTING -> io.ballast.safety.v1.BoundMethod.BOUND_METHOD_BETTING;
    };
  }
}
