package io.ballast.standalone.cli;

import io.ballast.kit.runtime.Role;
import io.ballast.mesh.v1.TextOrTokens;
import io.ballast.reward.v1.Aggregation;
import io.ballast.reward.v1.AggregationMethod;
import io.ballast.reward.v1.MemberScore;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.ScoreItem;
import io.ballast.reward.v1.ScoreRequest;
import io.ballast.reward.v1.ScoreResponse;
import io.ballast.reward.v1.ScoreResult;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Asks the reward ensemble about completions of one prompt. */
@Command(
    name = "score",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = "Asks the reward ensemble about completions of one prompt.",
    footer = {
      "",
      "Example: ./mesh score --prompt 'for (int i = 0; i < ' 'n; i++) {' 'banana'",
      "Exit code 1: a completion has no value; the line says why."
    })
final class ScoreCommand implements Callable<Integer> {
  @Option(
      names = {"-p", "--prompt"},
      paramLabel = "TEXT",
      defaultValue = "",
      description = "What was asked; may be empty.")
  private String prompt = "";

  @Parameters(arity = "1..*", paramLabel = "COMPLETION", description = "What was answered.")
  private List<String> completions = List.of();

  @Option(
      names = "--aggregation",
      paramLabel = "METHOD",
      description =
          "How members become one reward: ${COMPLETION-CANDIDATES} (default: the server's, WCO).")
  private @Nullable Method method;

  @Option(
      names = "--lambda",
      paramLabel = "L",
      description = "Weight of the variance in UWO, at least 0 (default: the server's, 0.5).")
  private @Nullable Double lambda;

  @Mixin private ModelOptions model = new ModelOptions();
  @Mixin private Printing printing = new Printing();
  @Mixin private MeshTarget target;

  ScoreCommand(CommandContext context) {
    this.target = new MeshTarget(context);
  }

  /** How the members' scores become one reward. */
  enum Method {
    MEAN,
    WCO,
    UWO
  }

  @Override
  public Integer call() {
    ScoreRequest.Builder request =
        ScoreRequest.newBuilder()
            .setMetadata(target.metadata())
            .setRewardModel(model.selector())
            .setAggregation(aggregation());
    for (String completion : completions) {
      request.addItems(
          ScoreItem.newBuilder()
              .setPrompt(TextOrTokens.newBuilder().setText(prompt))
              .setCompletion(TextOrTokens.newBuilder().setText(completion)));
    }
    try (MeshTarget.Connection mesh =
        target.connect(Role.REWARD_SERVER, RewardServiceGrpc.SERVICE_NAME)) {
      ScoreResponse answer =
          RewardServiceGrpc.newBlockingStub(mesh.channel())
              .withDeadlineAfter(mesh.timeoutMillis(), TimeUnit.MILLISECONDS)
              .score(request.build());
      printing.document(answer);
      show(answer);
      boolean complete = answer.getResultsList().stream().allMatch(ScoreResult::hasValue);
      return (complete ? Exit.OK : Exit.FAILED).code();
    }
  }

  private Aggregation aggregation() {
    Aggregation.Builder aggregation = Aggregation.newBuilder();
    if (method != null) {
      aggregation.setMethod(
          switch (method) {
            case MEAN -> AggregationMethod.AGGREGATION_METHOD_MEAN;
            case WCO -> AggregationMethod.AGGREGATION_METHOD_WCO;
            case UWO -> AggregationMethod.AGGREGATION_METHOD_UWO;
          });
    }
    if (lambda != null) {
      aggregation.setUwoLambda(lambda);
    }
    return aggregation.build();
  }

  private void show(ScoreResponse answer) {
    TextTable table = TextTable.headed("reward", "spread", "completion", "members");
    for (int i = 0; i < answer.getResultsCount(); i++) {
      ScoreResult result = answer.getResults(i);
      if (result.hasValue()) {
        table.row(
            number(result.getValue()),
            String.format(Locale.ROOT, "%.3f", result.getSpread()),
            Excerpt.of(completions.get(i), 32),
            members(result.getMembersList()));
      } else {
        table.row("–", "–", Excerpt.of(completions.get(i), 32), result.getFailure().getMessage());
      }
    }
    printing.table(table);
    printing.line("");
    printing.line(
        SuggestCommand.words(answer.getAggregation().getMethod().name(), "AGGREGATION_METHOD_")
                .toUpperCase(Locale.ROOT)
            + " over "
            + ModelOptions.text(answer.getModelVersion()));
  }

  private static String members(List<MemberScore> members) {
    return members.stream()
        .map(m -> m.hasNormalisedScore() ? number(m.getNormalisedScore()) : "–")
        .collect(Collectors.joining(" "));
  }

  private static String number(double value) {
    return String.format(Locale.ROOT, "%+.3f", value);
  }
}
