package io.ballast.standalone.cli;

import io.ballast.kit.runtime.Role;
import io.ballast.mesh.v1.TextOrTokens;
import io.ballast.safety.v1.CostItem;
import io.ballast.safety.v1.CostRequest;
import io.ballast.safety.v1.CostResponse;
import io.ballast.safety.v1.CostResult;
import io.ballast.safety.v1.SafetyServiceGrpc;
import io.ballast.safety.v1.Verdict;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Asks the cost model about completions of one prompt. */
@Command(
    name = "cost",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description =
        "Asks the cost model about completions of one prompt: cost and verdict. ./mesh cost train"
            + " makes one.",
    footer = {
      "",
      "Example: ./mesh cost --prompt 'int n = ' '42;' '((('",
      "A completion that is called as a subcommand stands behind --.",
      "Exit code 4: a completion is blocked."
    })
final class CostCommand implements Callable<Integer> {
  @Option(
      names = {"-p", "--prompt"},
      paramLabel = "TEXT",
      defaultValue = "",
      description = "What was asked; may be empty.")
  private String prompt = "";

  @Parameters(arity = "0..*", paramLabel = "COMPLETION", description = "What was answered.")
  private List<String> completions = List.of();

  @Option(
      names = "--threshold",
      paramLabel = "P",
      description = "Block from this probability of harm on, 0 to 1 (default: the server's).")
  private @Nullable Double threshold;

  @Mixin private TruncationOptions truncation = new TruncationOptions();
  @Mixin private ModelOptions model = new ModelOptions();
  @Mixin private Printing printing = new Printing();
  @Mixin private MeshTarget target;
  @Spec private CommandSpec spec = CommandSpec.create();

  private CostCommand(CommandContext context) {
    this.target = new MeshTarget(context);
  }

  /** The command with its subcommands. */
  static CommandLine commandLine(CommandContext context) {
    return new CommandLine(new CostCommand(context)).addSubcommand(new CostTrainCommand(context));
  }

  @Override
  public Integer call() {
    if (completions.isEmpty()) {
      throw new ParameterException(
          spec.commandLine(), "Missing required parameter: 'COMPLETION...'");
    }
    CostRequest.Builder request =
        CostRequest.newBuilder()
            .setMetadata(target.metadata())
            .setCostModel(model.selector())
            .setTruncation(truncation.message());
    if (threshold != null) {
      request.setThreshold(threshold);
    }
    for (String completion : completions) {
      request.addItems(
          CostItem.newBuilder()
              .setPrompt(TextOrTokens.newBuilder().setText(prompt))
              .setCompletion(TextOrTokens.newBuilder().setText(completion)));
    }
    try (MeshTarget.Connection mesh =
        target.connect(Role.SAFETY_SERVER, SafetyServiceGrpc.SERVICE_NAME)) {
      CostResponse answer =
          SafetyServiceGrpc.newBlockingStub(mesh.channel())
              .withDeadlineAfter(mesh.timeoutMillis(), TimeUnit.MILLISECONDS)
              .cost(request.build());
      printing.document(answer);
      show(answer);
      boolean allowed =
          answer.getResultsList().stream()
              .allMatch(result -> result.getVerdict() == Verdict.VERDICT_ALLOW);
      return (allowed ? Exit.OK : Exit.REFUSED).code();
    }
  }

  private void show(CostResponse answer) {
    TextTable table = TextTable.headed("verdict", "harm", "score", "completion", "heads");
    for (int i = 0; i < answer.getResultsCount(); i++) {
      CostResult result = answer.getResults(i);
      String verdict = SuggestCommand.words(result.getVerdict().name(), "VERDICT_");
      String completion = Excerpt.of(completions.get(i), 32);
      if (result.hasValue()) {
        table.row(
            verdict,
            String.format(Locale.ROOT, "%.3f", result.getValue().getHarmProbability()),
            number(result.getValue().getScore()),
            completion,
            result.getValue().getHeadScoresList().stream()
                .map(CostCommand::number)
                .collect(Collectors.joining(" ")));
      } else {
        table.row(verdict, "–", "–", completion, result.getFailure().getMessage());
      }
    }
    printing.table(table);
    printing.line("");
    printing.line(
        String.format(
            Locale.ROOT,
            "blocked from %.2f on, by %s",
            answer.getThreshold(),
            ModelOptions.text(answer.getModelVersion())));
    TruncationOptions.note(answer.getResultsList().stream().map(CostResult::getPromptCut))
        .ifPresent(printing::line);
  }

  private static String number(double value) {
    return String.format(Locale.ROOT, "%+.3f", value);
  }
}
