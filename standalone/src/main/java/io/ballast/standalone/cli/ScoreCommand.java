package io.ballast.standalone.cli;

import io.ballast.kit.runtime.Role;
import io.ballast.mesh.v1.TextOrTokens;
import io.ballast.reward.v1.ComponentScore;
import io.ballast.reward.v1.MemberScore;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.ScoreItem;
import io.ballast.reward.v1.ScoreRequest;
import io.ballast.reward.v1.ScoreResponse;
import io.ballast.reward.v1.ScoreResult;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Asks the reward ensemble about completions of one prompt. */
@Command(
    name = "score",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = "Asks a reward ensemble or a composite about completions of one prompt.",
    footer = {
      "",
      "Example: ./mesh score --prompt 'for (int i = 0; i < ' 'n; i++) {' 'banana'",
      "         ./mesh score --model java-mix --reference answer=42 'It is 42.'",
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
      names = "--reference",
      paramLabel = "NAME=TEXT",
      description =
          "What components of a composite check every completion against, such as answer=42; "
              + "NAME=@FILE takes a file's text. May be given several times.")
  private Map<String, String> references = Map.of();

  @Mixin private TruncationOptions truncation = new TruncationOptions();
  @Mixin private AggregationOptions aggregation = new AggregationOptions();
  @Mixin private ModelOptions model = new ModelOptions();
  @Mixin private Printing printing = new Printing();
  @Mixin private MeshTarget target;

  ScoreCommand(CommandContext context) {
    this.target = new MeshTarget(context);
  }

  @Override
  public Integer call() {
    ScoreRequest.Builder request =
        ScoreRequest.newBuilder()
            .setMetadata(target.metadata())
            .setRewardModel(model.selector())
            .setAggregation(aggregation.message())
            .setTruncation(truncation.message());
    Map<String, String> texts = references();
    for (String completion : completions) {
      request.addItems(
          ScoreItem.newBuilder()
              .setPrompt(TextOrTokens.newBuilder().setText(prompt))
              .setCompletion(TextOrTokens.newBuilder().setText(completion))
              .putAllReferences(texts));
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

  private Map<String, String> references() {
    Map<String, String> texts = new LinkedHashMap<>();
    references.forEach(
        (name, text) -> {
          try {
            texts.put(
                name, text.startsWith("@") ? Files.readString(Path.of(text.substring(1))) : text);
          } catch (IOException | InvalidPathException e) {
            throw new CommandFailure(
                Exit.USAGE,
                "NO_SUCH_FILE",
                "--reference %s=%s: cannot be read".formatted(name, text));
          }
        });
    return texts;
  }

  private void show(ScoreResponse answer) {
    boolean composite = !answer.hasAggregation();
    TextTable table = TextTable.headed("reward", "spread", "completion", "members");
    for (int i = 0; i < answer.getResultsCount(); i++) {
      ScoreResult result = answer.getResults(i);
      if (result.hasValue()) {
        table.row(
            number(result.getValue()),
            result.hasSpread() ? String.format(Locale.ROOT, "%.3f", result.getSpread()) : "–",
            Excerpt.of(completions.get(i), 32),
            composite ? "–" : members(result.getMembersList()));
      } else {
        table.row("–", "–", Excerpt.of(completions.get(i), 32), result.getFailure().getMessage());
      }
    }
    printing.table(table);
    printing.line("");
    if (composite) {
      printing.table(components(answer));
      printing.line("");
      printing.line("composite " + ModelOptions.text(answer.getModelVersion()));
    } else {
      if (answer.getResultsList().stream().anyMatch(result -> result.getComponentsCount() > 0)) {
        printing.table(components(answer)); // what its objectives say
        printing.line("");
      }
      printing.line(
          AggregationOptions.text(answer.getAggregation())
              + " over "
              + ModelOptions.text(answer.getModelVersion()));
    }
    TruncationOptions.note(answer.getResultsList().stream().map(ScoreResult::getPromptCut))
        .ifPresent(printing::line);
  }

  private TextTable components(ScoreResponse answer) {
    TextTable table = TextTable.headed("completion", "component", "value", "weight", "ms", "why");
    for (int i = 0; i < answer.getResultsCount(); i++) {
      for (ComponentScore component : answer.getResults(i).getComponentsList()) {
        table.row(
            Excerpt.of(completions.get(i), 32),
            component.getName(),
            component.hasValue() ? number(component.getValue()) : "–",
            number(component.getWeight()),
            String.format(
                Locale.ROOT,
                "%.1f",
                component.getDuration().getSeconds() * 1e3
                    + component.getDuration().getNanos() / 1e6),
            why(component));
      }
    }
    return table;
  }

  private static String why(ComponentScore component) {
    if (component.hasFailure()) {
      return component.getFailure().getMessage();
    }
    return component.getMembersCount() > 0
        ? "members " + members(component.getMembersList())
        : component.getDetail();
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
