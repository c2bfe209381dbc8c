package io.ballast.standalone.cli;

import io.ballast.kit.runtime.Role;
import io.ballast.mesh.v1.SamplingOptions;
import io.ballast.mesh.v1.StopReason;
import io.ballast.policy.v1.Decision;
import io.ballast.policy.v1.GateMode;
import io.ballast.policy.v1.PolicyServiceGrpc;
import io.ballast.policy.v1.SuggestRequest;
import io.ballast.policy.v1.SuggestResponse;
import io.ballast.policy.v1.SuggestStreamRequest;
import io.ballast.policy.v1.SuggestStreamResponse;
import io.ballast.policy.v1.SuggestionCost;
import io.ballast.policy.v1.SuggestionReward;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Asks for a suggestion, and says why it is shown or not. */
@Command(
    name = "suggest",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = "Asks for a continuation of a text, and says why it is shown or not.",
    footer = {
      "",
      "Example: ./mesh suggest 'for (int i = 0; i < '",
      "Exit code 4: the suggestion is blocked."
    })
final class SuggestCommand implements Callable<Integer> {
  @Parameters(
      arity = "0..1",
      paramLabel = "PROMPT",
      description = "The text before the cursor; - or nothing with --file reads it.")
  private @Nullable String prompt;

  @Option(
      names = "--file",
      paramLabel = "FILE",
      description = "The text before the cursor is this file's; - is standard input.")
  private @Nullable String file;

  @Option(
      names = "--line",
      paramLabel = "N",
      description = "With --file: the cursor is at the end of this line, counted from 1.")
  private @Nullable Integer line;

  @Option(
      names = "--candidates",
      paramLabel = "N",
      description = "Generate so many and consider the one with the highest reward, 1 to 16.")
  private @Nullable Integer candidates;

  @Option(
      names = "--gate",
      paramLabel = "MODE",
      defaultValue = "ENFORCE",
      description = "What the display gate may do: ${COMPLETION-CANDIDATES} (default: ENFORCE).")
  private Gate gate = Gate.ENFORCE;

  @Option(
      names = "--no-judge",
      description = "Do not ask for reward and cost, which is otherwise done.")
  private boolean noJudge;

  @Option(
      names = "--temperature",
      paramLabel = "T",
      description = "0 takes the likeliest token; else 0.01 to 10.")
  private @Nullable Double temperature;

  @Option(names = "--top-k", paramLabel = "K", description = "Only the K likeliest tokens.")
  private @Nullable Integer topK;

  @Option(
      names = "--top-p",
      paramLabel = "P",
      description = "Only the likeliest tokens that together reach P, above 0 to 1.")
  private @Nullable Double topP;

  @Option(
      names = "--min-p",
      paramLabel = "P",
      description = "Only tokens at least P times as likely as the likeliest, 0 to 1.")
  private @Nullable Double minP;

  @Option(
      names = "--repetition-penalty",
      paramLabel = "X",
      description = "Make what prompt and suggestion contain less likely, 0.01 to 10; 1: not.")
  private @Nullable Double repetitionPenalty;

  @Option(
      names = "--presence-penalty",
      paramLabel = "X",
      description = "Make tokens that the suggestion contains less likely, -2 to 2.")
  private @Nullable Double presencePenalty;

  @Option(
      names = "--frequency-penalty",
      paramLabel = "X",
      description = "Make tokens less likely each time that they come, -2 to 2.")
  private @Nullable Double frequencyPenalty;

  @Option(
      names = "--min-tokens",
      paramLabel = "N",
      description = "Do not end the text before so many.")
  private @Nullable Integer minTokens;

  @Option(
      names = "--regex",
      paramLabel = "PATTERN",
      description = "All of the suggestion matches this regular expression.")
  private @Nullable String regex;

  @Option(
      names = "--json-schema",
      paramLabel = "FILE",
      description = "The suggestion is a JSON document that satisfies the schema in this file.")
  private @Nullable Path jsonSchema;

  @Option(names = "--max-tokens", paramLabel = "N", description = "At most so many, 1 to 4,096.")
  private @Nullable Integer maxTokens;

  @Option(names = "--stop", paramLabel = "TEXT", description = "End before this text; repeatable.")
  private List<String> stops = List.of();

  @Option(names = "--seed", paramLabel = "N", description = "Draw the same again.")
  private @Nullable Long seed;

  @Option(
      names = "--user",
      paramLabel = "NAME",
      defaultValue = "",
      description = "Whose editor asks, a pseudonym.")
  private String user = "";

  @Option(names = "--stream", description = "Show the text as it is generated.")
  private boolean stream;

  @Mixin private ModelOptions model = new ModelOptions();
  @Mixin private Printing printing = new Printing();
  @Mixin private MeshTarget target;

  private final CommandContext context;

  SuggestCommand(CommandContext context) {
    this.context = context;
    this.target = new MeshTarget(context);
  }

  /** What the display gate may do. */
  enum Gate {
    ENFORCE,
    SHADOW,
    OFF
  }

  @Override
  public Integer call() throws IOException {
    String text = PromptText.read(prompt, file, line);
    SuggestRequest request = request(text);
    try (MeshTarget.Connection mesh =
        target.connect(Role.POLICY_SERVER, PolicyServiceGrpc.SERVICE_NAME)) {
      PolicyServiceGrpc.PolicyServiceBlockingStub policy =
          PolicyServiceGrpc.newBlockingStub(mesh.channel())
              .withDeadlineAfter(mesh.timeoutMillis(), TimeUnit.MILLISECONDS);
      SuggestResponse answer =
          stream
              ? streamed(
                  policy.suggestStream(
                      SuggestStreamRequest.newBuilder().setRequest(request).build()))
              : policy.suggest(request);
      printing.document(answer);
      explain(answer, text);
      return (answer.getDecision() == Decision.DECISION_BLOCK ? Exit.REFUSED : Exit.OK).code();
    }
  }

  private SuggestResponse streamed(Iterator<SuggestStreamResponse> events) {
    boolean shown = false;
    while (events.hasNext()) {
      SuggestStreamResponse event = events.next();
      if (event.hasFinished()) {
        printing.line("");
        if (shown && event.getFinished().getDecision() != Decision.DECISION_SHOW) {
          printing.line("The text above is taken back: it is not to be shown.");
        }
        return event.getFinished();
      }
      shown |= !event.getTextDelta().isEmpty();
      if (!printing.json()) {
        printing.out().print(event.getTextDelta());
        printing.out().flush();
      }
    }
    throw new CommandFailure(
        Exit.FAILED, "STREAM_ENDED", "the stream ended without an answer; ask again");
  }

  private SuggestRequest request(String text) throws IOException {
    SamplingOptions.Builder sampling = SamplingOptions.newBuilder().addAllStopStrings(stops);
    if (temperature != null) {
      sampling.setTemperature(temperature);
    }
    if (topK != null) {
      sampling.setTopK(topK);
    }
    if (topP != null) {
      sampling.setTopP(topP);
    }
    if (minP != null) {
      sampling.setMinP(minP);
    }
    if (repetitionPenalty != null) {
      sampling.setRepetitionPenalty(repetitionPenalty);
    }
    if (presencePenalty != null) {
      sampling.setPresencePenalty(presencePenalty);
    }
    if (frequencyPenalty != null) {
      sampling.setFrequencyPenalty(frequencyPenalty);
    }
    if (minTokens != null) {
      sampling.setMinNewTokens(minTokens);
    }
    if (regex != null && jsonSchema != null) {
      throw new CommandFailure(
          Exit.USAGE, "TWO_GRAMMARS", "--regex and --json-schema exclude each other; give one");
    }
    if (regex != null) {
      sampling.setRegex(regex);
    }
    if (jsonSchema != null) {
      sampling.setJsonSchema(Files.readString(jsonSchema));
    }
    if (maxTokens != null) {
      sampling.setMaxNewTokens(maxTokens);
    }
    if (seed != null) {
      sampling.setSeed(seed);
    }
    SuggestRequest.Builder request =
        SuggestRequest.newBuilder()
            .setMetadata(target.metadata())
            .setPolicy(model.selector())
            .setPrompt(text)
            .setSampling(sampling)
            .setGateMode(
                switch (gate) {
                  case ENFORCE -> GateMode.GATE_MODE_ENFORCE;
                  case SHADOW -> GateMode.GATE_MODE_SHADOW;
                  case OFF -> GateMode.GATE_MODE_OFF;
                })
            .setWithReward(!noJudge)
            .setWithCost(!noJudge)
            .setUser(user);
    if (candidates != null) {
      request.setCandidatesCount(candidates);
    }
    return request.build();
  }

  private void explain(SuggestResponse answer, String text) {
    String before = text.substring(text.lastIndexOf('\n') + 1);
    if (answer.getDecision() == Decision.DECISION_SHOW) {
      printing.line(before + "▏" + answer.getText());
      printing.line("");
    }
    TextTable table = TextTable.plain();
    table.row(
        "decision",
        words(answer.getDecision().name(), "DECISION_")
            + ": "
            + words(answer.getReason().name(), "DECISION_REASON_"));
    if (answer.hasAcceptProbability()) {
      table.row(
          "accepted",
          String.format(
              Locale.ROOT,
              "with probability %.2f; shown from %.2f on; propensity %.2f",
              answer.getAcceptProbability(),
              answer.getAcceptThreshold(),
              answer.getPropensity()));
    }
    if (answer.hasReward()) {
      table.row("reward", reward(answer.getReward()));
    }
    if (answer.hasCost()) {
      table.row("cost", cost(answer.getCost()));
    }
    table.row(
        "policy", ModelOptions.text(answer.getPolicyVersion()) + ", seed " + answer.getSeed());
    if (answer.getStopReason() != StopReason.STOP_REASON_UNSPECIFIED) {
      table.row(
          "generated",
          answer.getGeneratedTokens()
              + " tokens, "
              + words(answer.getStopReason().name(), "STOP_REASON_"));
    }
    double seconds =
        answer.getTiming().getTotalDuration().getSeconds()
            + answer.getTiming().getTotalDuration().getNanos() / 1e9;
    table.row("time", DurationText.of(seconds));
    answer
        .getDegradationsList()
        .forEach(d -> table.row("missing", d.getPeer() + ": " + d.getMessage()));
    table.row("id", answer.getSuggestionId());
    printing.table(table);
  }

  private static String reward(SuggestionReward reward) {
    return reward.hasFailure()
        ? "none: " + reward.getFailure().getMessage()
        : String.format(
            Locale.ROOT,
            "%+.3f%s (%s)",
            reward.getValue(),
            reward.hasSpread()
                ? String.format(Locale.ROOT, ", members' spread %.3f", reward.getSpread())
                : "",
            ModelOptions.text(reward.getModelVersion()));
  }

  private static String cost(SuggestionCost cost) {
    return cost.hasFailure()
        ? "none: " + cost.getFailure().getMessage()
        : String.format(
            Locale.ROOT,
            "%.3f probability of harm; blocked from %.2f on (%s)",
            cost.getHarmProbability(),
            cost.getThreshold(),
            ModelOptions.text(cost.getModelVersion()));
  }

  /** An enum's name for people: DECISION_SHOW becomes show. */
  static String words(String name, String prefix) {
    return name.substring(name.startsWith(prefix) ? prefix.length() : 0)
        .toLowerCase(Locale.ROOT)
        .replace('_', ' ');
  }
}
