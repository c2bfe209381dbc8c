package io.ballast.loadtest.bench;

import io.ballast.inference.api.TokenIds;
import io.ballast.inference.onnx.OnnxScorer;
import io.ballast.inference.onnx.ScoreOutcome;
import io.ballast.inference.onnx.ScoringGroup;
import io.ballast.inference.torch.HuggingFaceTokenizerAdapter;
import io.ballast.kit.grpc.MeshServer;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.mesh.v1.TextOrTokens;
import io.ballast.mesh.v1.Truncation;
import io.ballast.reward.config.RewardProperties;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.RewardServiceGrpc.RewardServiceBlockingStub;
import io.ballast.reward.v1.ScoreItem;
import io.ballast.reward.v1.ScoreRequest;
import io.ballast.reward.v1.ScoreResponse;
import io.ballast.reward.wiring.RewardModule;
import io.grpc.ManagedChannel;
import io.grpc.netty.NettyChannelBuilder;
import io.smallrye.config.PropertiesConfigSource;
import io.smallrye.config.SmallRyeConfigBuilder;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

/**
 * Score over gRPC on the loopback, beside the same models called by hand from a pool with a thread
 * a core. The server has its default configuration, but keeps no scores: what is measured is
 * scored.
 */
final class ScoreBench {
  private static final int CALLERS = 32;
  private static final int ITEMS = 8;
  private static final int MAX_PROMPT_TOKENS = 96;
  private static final Duration TIME = Duration.ofSeconds(2);

  private final Path models;
  private final Path work;
  private final int repetitions;
  private final Runnable progress;

  /**
   * Binds what is measured.
   *
   * @param models where java-tiny/1 and java-reward/1 are
   * @param work a folder that may be written
   * @param repetitions of the pair, ≥ 1
   * @param progress told after each pair
   */
  ScoreBench(Path models, Path work, int repetitions, Runnable progress) {
    this.models = models;
    this.work = work;
    this.repetitions = repetitions;
    this.progress = progress;
  }

  /** How often {@link #run} tells of progress. */
  static int steps(int repetitions) {
    return Pairs.measured(repetitions);
  }

  Figure run() {
    RewardProperties defaults =
        new SmallRyeConfigBuilder()
            .withSources(
                new PropertiesConfigSource(Map.of("ballast.reward.cache-bytes", "0"), "bench", 100))
            .withMapping(RewardProperties.class)
            .build()
            .getConfigMapping(RewardProperties.class);
    try (BenchRuntime runtime = new BenchRuntime(models, work.resolve("reward"));
        RewardModule module = new RewardModule(defaults);
        MeshServer server =
            MeshServer.start(
                MeshServer.Options.loopback(0),
                module.start(runtime),
                runtime.meters(),
                runtime.telemetry(),
                System::nanoTime)) {
      ManagedChannel channel =
          NettyChannelBuilder.forAddress("127.0.0.1", server.port()).usePlaintext().build();
      try {
        return compare(RewardServiceGrpc.newBlockingStub(channel));
      } finally {
        channel.shutdownNow();
      }
    }
  }

  private Figure compare(RewardServiceBlockingStub stub) {
    int cores = Runtime.getRuntime().availableProcessors();
    Path trunk = models.resolve("java-tiny/1");
    try (HuggingFaceTokenizerAdapter tokenizer = HuggingFaceTokenizerAdapter.ofFolder(trunk);
        OnnxScorer scorer =
            OnnxScorer.open(trunk, models.resolve("java-reward/1"), work.resolve("onnx"), 1);
        ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor();
        ExecutorService pool = Executors.newFixedThreadPool(cores)) {
      return Pairs.measure(
              repetitions,
              () ->
                  ClosedLoop.itemsPerSecond(
                      CALLERS, TIME, callers, System::nanoTime, index -> ask(stub, index)),
              () ->
                  ClosedLoop.itemsPerSecond(
                      cores,
                      TIME,
                      pool,
                      System::nanoTime,
                      index -> direct(tokenizer, scorer, index)),
              progress)
          .figure(
              "Score, %d callers x %d items, beside %d threads".formatted(CALLERS, ITEMS, cores),
              "items/s",
              new Goal.RatioAtLeast(0.85));
    }
  }

  /** One call of Score; every item must have a value. */
  static long ask(RewardServiceBlockingStub stub, long index) {
    ScoreRequest.Builder request =
        ScoreRequest.newBuilder()
            .setMetadata(RequestMetadata.newBuilder().setTenant("bench"))
            .setTruncation(Truncation.TRUNCATION_KEEP_LAST);
    TextOrTokens prompt = text(BenchTexts.context(index));
    for (String completion : BenchTexts.completions(ITEMS)) {
      request.addItems(ScoreItem.newBuilder().setPrompt(prompt).setCompletion(text(completion)));
    }
    ScoreResponse answer = stub.withDeadlineAfter(60, TimeUnit.SECONDS).score(request.build());
    answer
        .getResultsList()
        .forEach(
            result -> {
              if (result.hasFailure()) {
                throw new IllegalStateException("Score: " + result.getFailure());
              }
            });
    return answer.getResultsCount();
  }

  /** The same by hand: tokenise, one pass, the cautious score. */
  private static long direct(HuggingFaceTokenizerAdapter tokenizer, OnnxScorer scorer, long index) {
    TokenIds prompt = tokenizer.encode(BenchTexts.context(index)).last(MAX_PROMPT_TOKENS);
    List<TokenIds> completions =
        BenchTexts.completions(ITEMS).stream().map(tokenizer::encode).toList();
    List<ScoreOutcome> outcomes =
        scorer.score(List.of(new ScoringGroup(prompt, completions))).getFirst();
    for (ScoreOutcome outcome : outcomes) {
      if (!(outcome instanceof ScoreOutcome.Scored scored)
          || !Double.isFinite(scorer.spec().cautious(scored.scores()))) {
        throw new IllegalStateException("score: " + outcome);
      }
    }
    return outcomes.size();
  }

  private static TextOrTokens text(String text) {
    return TextOrTokens.newBuilder().setText(text).build();
  }
}
