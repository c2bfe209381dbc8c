package io.ballast.standalone.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.kit.call.Texts;
import io.ballast.kit.runtime.Role;
import io.ballast.mesh.v1.PromptCut;
import io.ballast.mesh.v1.TextOrTokens;
import io.ballast.reward.v1.Aggregation;
import io.ballast.reward.v1.BestOfNPoint;
import io.ballast.reward.v1.CandidatePool;
import io.ballast.reward.v1.EstimateBestOfNRequest;
import io.ballast.reward.v1.EstimateBestOfNResponse;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.RewardServiceGrpc.RewardServiceBlockingStub;
import io.ballast.reward.v1.ScoreItem;
import io.ballast.reward.v1.ScoreRequest;
import io.ballast.reward.v1.ScoreResponse;
import io.ballast.reward.v1.ScoreResult;
import io.ballast.standalone.cli.PoolFile.Row;
import io.ballast.standalone.demo.report.BestOfNPage;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Says what best of n by reward is worth by gold. */
@Command(
    name = "bon",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Says what taking the best of n completions by reward is worth by a gold reward of yours:"
          + " unbiased estimates, intervals over prompts, and where the gold reward turns.",
      "FILE has one JSON object a line: {\"prompt_id\": \"a\", \"proxy\": 0.3, \"gold\": 1}, or"
          + " {\"prompt\": \"…\", \"completion\": \"…\", \"gold\": 1}, which is scored first."
    },
    footer = {"", "Example: ./mesh reward bon --file pool.jsonl --plot bon.html"})
final class BestOfNCommand implements Callable<Integer> {
  private static final int ITEMS_A_CALL = 256;
  private static final int CHARACTERS_A_CALL = 2 << 20;

  @Option(
      names = "--file",
      required = true,
      paramLabel = "FILE",
      description = "Completions with their gold rewards, JSON lines.")
  private Path file = Path.of("");

  @Option(
      names = "--n",
      paramLabel = "N",
      split = ",",
      description = "The n to estimate, ascending (default: 1,2,4,… up to the smallest pool).")
  private List<Integer> ns = new ArrayList<>();

  @Option(
      names = "--fit-max-n",
      paramLabel = "N",
      defaultValue = "0",
      description = "Fit the curve to n up to this one only; fix it beforehand (default: all).")
  private int fitMaxN;

  @Option(
      names = "--confidence",
      paramLabel = "P",
      defaultValue = "0.95",
      description = "Of the intervals, above 0, below 1 (default: 0.95).")
  private double confidence = 0.95;

  @Option(
      names = "--resamples",
      paramLabel = "N",
      defaultValue = "1000",
      description = "Bootstrap samples of the prompts, 100 to 10,000 (default: 1000).")
  private int resamples = 1_000;

  @Option(
      names = "--seed",
      paramLabel = "SEED",
      defaultValue = "1",
      description = "Draws them: the same seed, the same answer (default: 1).")
  private long seed = 1;

  @Option(
      names = "--skip-bad",
      description = "Leave bad rows out, and say how many, instead of stopping at the first.")
  private boolean skipBad;

  @Option(
      names = "--plot",
      paramLabel = "FILE.html",
      description = "Write a page with the curves; it needs no network.")
  private @Nullable Path plot;

  @Mixin private TruncationOptions truncation = new TruncationOptions();
  @Mixin private AggregationOptions aggregation = new AggregationOptions();
  @Mixin private ModelOptions model = new ModelOptions();
  @Mixin private Printing printing = new Printing();
  @Mixin private MeshTarget target;

  private final CommandContext context;

  BestOfNCommand(CommandContext context) {
    this.context = context;
    this.target = new MeshTarget(context);
  }

  /** A row with its reward. */
  private record Rewarded(Row row, double proxy) {}

  /**
   * What was scored.
   *
   * @param failed why rows have no reward, each with its line
   * @param cut prompts that were seen in part only
   * @param by who scored, and how; empty text if all rewards were in the file
   */
  private record Scored(List<Rewarded> rows, List<String> failed, List<PromptCut> cut, String by) {}

  @Override
  public Integer call() throws IOException {
    PoolFile pools = PoolFile.read(file, skipBad);
    try (MeshTarget.Connection mesh =
        target.connect(Role.REWARD_SERVER, RewardServiceGrpc.SERVICE_NAME)) {
      RewardServiceBlockingStub stub = RewardServiceGrpc.newBlockingStub(mesh.channel());
      Scored scored =
          pools.rows().getFirst().proxy().isPresent()
              ? given(pools.rows())
              : score(pools.rows(), stub, mesh);
      EstimateBestOfNResponse answer =
          stub.withDeadlineAfter(mesh.timeoutMillis(), TimeUnit.MILLISECONDS)
              .estimateBestOfN(request(scored));
      List<String> notes = notes(pools, scored, answer);
      if (plot != null) {
        page(answer, notes).write(plot);
      }
      document(answer, pools, scored);
      show(answer, notes);
      return Exit.OK.code();
    }
  }

  private static Scored given(List<Row> rows) {
    return new Scored(
        rows.stream().map(row -> new Rewarded(row, row.proxy().orElseThrow())).toList(),
        List.of(),
        List.of(),
        "");
  }

  private Scored score(List<Row> rows, RewardServiceBlockingStub stub, MeshTarget.Connection mesh) {
    List<Rewarded> rewarded = new ArrayList<>();
    List<String> failed = new ArrayList<>();
    List<PromptCut> cut = new ArrayList<>();
    ProgressLine progress = new ProgressLine(printing, context.terminal());
    String by = "";
    int at = 0;
    while (at < rows.size()) {
      int end = portion(rows, at);
      ScoreRequest.Builder request =
          ScoreRequest.newBuilder()
              .setMetadata(target.metadata())
              .setRewardModel(model.selector())
              .setAggregation(aggregation.message())
              .setTruncation(truncation.message());
      for (Row row : rows.subList(at, end)) {
        request.addItems(
            ScoreItem.newBuilder()
                .setPrompt(TextOrTokens.newBuilder().setText(row.prompt()))
                .setCompletion(TextOrTokens.newBuilder().setText(row.completion())));
      }
      ScoreResponse answer =
          stub.withDeadlineAfter(mesh.timeoutMillis(), TimeUnit.MILLISECONDS)
              .score(request.build());
      for (int i = at; i < end; i++) {
        ScoreResult result = answer.getResults(i - at);
        if (result.hasPromptCut()) {
          cut.add(result.getPromptCut());
        }
        if (result.hasValue()) {
          rewarded.add(new Rewarded(rows.get(i), result.getValue()));
        } else {
          failed.add(
              file.getFileName()
                  + ":"
                  + rows.get(i).line()
                  + ": "
                  + result.getFailure().getMessage());
        }
      }
      by = by(answer.getAggregation(), ModelOptions.text(answer.getModelVersion()));
      at = end;
      progress.at("scoring", (double) at / rows.size());
    }
    progress.end();
    if (rewarded.isEmpty()) {
      throw new CommandFailure(
          Exit.FAILED, "NO_REWARD", "no completion has a reward; " + failed.getFirst());
    }
    return new Scored(rewarded, failed, cut, by);
  }

  private static int portion(List<Row> rows, int from) {
    int end = from;
    int characters = 0;
    while (end < rows.size() && end - from < ITEMS_A_CALL) {
      Row row = rows.get(end);
      characters += row.prompt().length() + row.completion().length();
      if (end > from && characters > CHARACTERS_A_CALL) {
        break;
      }
      end++;
    }
    return end;
  }

  private static String by(Aggregation used, String ensemble) {
    return AggregationOptions.text(used) + " over " + ensemble;
  }

  private EstimateBestOfNRequest request(Scored scored) {
    Map<String, CandidatePool.Builder> pools = new LinkedHashMap<>();
    for (Rewarded rewarded : scored.rows()) {
      pools
          .computeIfAbsent(rewarded.row().promptId(), id -> CandidatePool.newBuilder())
          .addProxyRewards(rewarded.proxy())
          .addGoldRewards(rewarded.row().gold());
    }
    EstimateBestOfNRequest.Builder request =
        EstimateBestOfNRequest.newBuilder()
            .setMetadata(target.metadata())
            .addAllNs(ns)
            .setFitMaxN(fitMaxN)
            .setConfidence(confidence)
            .setResamplesCount(resamples)
            .setSeed(seed);
    pools.values().forEach(request::addPools);
    return request.build();
  }

  private List<String> notes(PoolFile pools, Scored scored, EstimateBestOfNResponse answer) {
    List<String> notes = new ArrayList<>();
    notes.add(
        "%s of %s%s"
            .formatted(
                Texts.counted(scored.rows().size(), "completion"),
                Texts.counted(answer.getPromptsCount(), "prompt"),
                scored.by().isEmpty() ? "" : "; rewards: " + scored.by()));
    if (!pools.skipped().isEmpty()) {
      notes.add(
          "%s left out; the first: %s"
              .formatted(
                  Texts.counted(pools.skipped().size(), "bad row"), pools.skipped().getFirst()));
    }
    if (!scored.failed().isEmpty()) {
      notes.add(
          "%s without a reward left out; the first: %s"
              .formatted(Texts.counted(scored.failed().size(), "row"), scored.failed().getFirst()));
    }
    TruncationOptions.note(scored.cut().stream())
        .map(
            note ->
                "%s; of the longest, %s"
                    .formatted(Texts.counted(scored.cut().size(), "completion"), note))
        .ifPresent(notes::add);
    notes.addAll(
        answer.hasFit()
            ? GoldFitText.lines(answer.getFit(), "n = 1")
            : List.of("no fit: " + answer.getNoFitReason()));
    return notes;
  }

  private void document(EstimateBestOfNResponse answer, PoolFile pools, Scored scored) {
    if (printing.json()) {
      ObjectNode document = (ObjectNode) Printing.tree(answer);
      document.put("completions_count", scored.rows().size());
      document.put("skipped_rows_count", pools.skipped().size());
      document.put("unscored_rows_count", scored.failed().size());
      document.put("cut_prompts_count", scored.cut().size());
      document.put("scored_by", scored.by());
      printing.document(document);
    }
  }

  private void show(EstimateBestOfNResponse answer, List<String> notes) {
    TextTable table = TextTable.headed("n", "KL", "reward", "gold", "low", "high");
    for (BestOfNPoint point : answer.getPointsList()) {
      table.row(
          Integer.toString(point.getN()),
          String.format(Locale.ROOT, "%.3f", point.getKlNats()),
          number(point.getProxyReward()),
          number(point.getGoldReward()),
          point.hasGoldLow() ? number(point.getGoldLow()) : "–",
          point.hasGoldHigh() ? number(point.getGoldHigh()) : "–");
    }
    printing.table(table);
    printing.line("");
    notes.forEach(printing::line);
    if (plot != null) {
      printing.line("plot: " + plot);
    }
  }

  private BestOfNPage page(EstimateBestOfNResponse answer, List<String> notes) {
    List<BestOfNPage.Row> rows =
        answer.getPointsList().stream()
            .map(
                point ->
                    new BestOfNPage.Row(
                        point.getN(),
                        point.getKlNats(),
                        point.getProxyReward(),
                        point.getGoldReward(),
                        point.hasGoldLow()
                            ? OptionalDouble.of(point.getGoldLow())
                            : OptionalDouble.empty(),
                        point.hasGoldHigh()
                            ? OptionalDouble.of(point.getGoldHigh())
                            : OptionalDouble.empty()))
            .toList();
    return new BestOfNPage(
        String.valueOf(file.getFileName()),
        rows,
        answer.hasFit() ? Optional.of(GoldFitText.curve(answer.getFit())) : Optional.empty(),
        answer.getConfidence(),
        notes);
  }

  private static String number(double value) {
    return String.format(Locale.ROOT, "%+.3f", value);
  }
}
