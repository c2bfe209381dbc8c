package io.ballast.standalone.experiment.algorithms;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.ballast.inference.store.ModelStore;
import io.ballast.mesh.v1.Priority;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.orchestrator.v1.CreateRunRequest;
import io.ballast.orchestrator.v1.IterationMetrics;
import io.ballast.orchestrator.v1.Run;
import io.ballast.orchestrator.v1.RunServiceGrpc;
import io.ballast.orchestrator.v1.RunServiceGrpc.RunServiceBlockingStub;
import io.ballast.orchestrator.v1.WatchRunRequest;
import io.ballast.orchestrator.v1.WatchRunResponse;
import io.ballast.rl.algorithm.Algorithm;
import io.grpc.Channel;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * Has a mesh learn by an algorithm, from a spec to the test of its candidate, as a user's run does,
 * and measures the weights along the way. What iterations sample from lies in the mesh's model
 * folder for two iterations; it is copied when an iteration ends, and measured beside the run.
 * Threads may share one.
 */
final class RunLearner implements CurveSource {
  private static final String MODEL = "java-tiny";
  private static final String VERSION = "1";
  private static final long SECONDS = 60;

  /** Of a run's safety test, which is not looked at; a prompt serves one test. */
  static final int TEST_PROMPTS = 4;

  private static final ObjectMapper JSON = new ObjectMapper();

  private final AlgorithmsPlan plan;
  private final RunPrompts prompts;
  private final RunServiceBlockingStub runs;
  private final Path models;
  private final Path work;
  private final HeldOutGold gold;
  private final Executor measuring;

  /**
   * Binds what runs share.
   *
   * @param channel to a mesh
   * @param models its folder of models
   * @param work a folder for weights until they are measured
   * @param measuring one thread
   */
  RunLearner(
      AlgorithmsPlan plan,
      RunPrompts prompts,
      Channel channel,
      Path models,
      Path work,
      HeldOutGold gold,
      Executor measuring) {
    this.plan = plan;
    this.prompts = prompts;
    this.runs = RunServiceGrpc.newBlockingStub(channel);
    this.models = models;
    this.work = work;
    this.gold = gold;
    this.measuring = measuring;
  }

  @Override
  public LearningCurve learn(Algorithm algorithm, int seed, Runnable iterated) throws IOException {
    String id =
        runs.withDeadlineAfter(SECONDS, TimeUnit.SECONDS)
            .createRun(
                CreateRunRequest.newBuilder()
                    .setMetadata(metadata())
                    .setSpec(spec(algorithm, seed))
                    .build())
            .getRun()
            .getRunId();
    List<CompletableFuture<LearningCurve.Point>> points = new ArrayList<>();
    Iterator<WatchRunResponse> events =
        runs.watchRun(WatchRunRequest.newBuilder().setMetadata(metadata()).setRunId(id).build());
    long tokensBefore = 0;
    while (events.hasNext()) {
      WatchRunResponse event = events.next();
      if (event.hasIteration()) {
        IterationMetrics iteration = event.getIteration();
        int before = iteration.getIteration() - 1;
        if (before > 0 && before % plan.every() == 0) {
          point(sampled(id, iteration.getIteration()), before, tokensBefore).ifPresent(points::add);
        }
        tokensBefore = iteration.getSpent().getCompletionTokensCount();
        iterated.run();
      }
      Optional<LearningCurve> ended = ended(algorithm, seed, event.getRun(), tokensBefore, points);
      if (ended.isPresent()) {
        return ended.get();
      }
    }
    throw new IOException("run %s: the stream ended before the run".formatted(id));
  }

  private Path sampled(String runId, int iteration) {
    return models.resolve(MODEL + "-rollout").resolve(runId + "-" + iteration);
  }

  private Optional<LearningCurve> ended(
      Algorithm algorithm,
      int seed,
      Run run,
      long tokens,
      List<CompletableFuture<LearningCurve.Point>> points) {
    return switch (run.getState()) {
      case RUN_STATE_HELD, RUN_STATE_NO_SOLUTION_FOUND, RUN_STATE_REFUSED, RUN_STATE_PROMOTED -> {
        Path candidate =
            models
                .resolve(run.getCandidateVersion().getModel())
                .resolve(run.getCandidateVersion().getVersion());
        points.add(
            point(candidate, LearningCurve.Point.LAST, tokens)
                .orElseThrow(() -> new IllegalStateException(candidate + ": not there")));
        yield Optional.of(
            new LearningCurve(
                algorithm, seed, points.stream().map(CompletableFuture::join).toList(), ""));
      }
      case RUN_STATE_STOPPED, RUN_STATE_FAILED, RUN_STATE_CANCELLED ->
          Optional.of(
              LearningCurve.failed(algorithm, seed, run.getState() + ": " + run.getMessage()));
      case RUN_STATE_UNSPECIFIED,
          RUN_STATE_QUEUED,
          RUN_STATE_LEARNING,
          RUN_STATE_TESTING,
          RUN_STATE_PAUSED,
          UNRECOGNIZED ->
          Optional.empty();
    };
  }

  /**
   * Measures weights when their turn comes.
   *
   * @return empty if they are gone already: whoever follows the run was late, and the curve has a
   *     point less
   */
  private Optional<CompletableFuture<LearningCurve.Point>> point(
      Path weights, int iteration, long tokens) {
    Optional<Path> kept = kept(weights);
    return kept.map(
        folder ->
            CompletableFuture.supplyAsync(
                () -> {
                  double found = gold.of(folder);
                  delete(folder);
                  return new LearningCurve.Point(iteration, tokens, found);
                },
                measuring));
  }

  /** A copy that stays when the mesh deletes its own. */
  private Optional<Path> kept(Path weights) {
    try {
      Path folder = Files.createTempDirectory(Files.createDirectories(work), "weights-");
      try (Stream<Path> files = Files.list(weights)) {
        for (Path file : files.toList()) {
          Files.copy(file, folder.resolve(file.getFileName()));
        }
        return Optional.of(folder);
      } catch (IOException gone) {
        delete(folder);
        return Optional.empty();
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void delete(Path folder) {
    try {
      ModelStore.deleteAll(folder);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A limit that is named measures KL in each iteration; none of these is meant to be reached. */
  private String spec(Algorithm algorithm, int seed) {
    int test = (plan.algorithms().indexOf(algorithm) * plan.seeds() + seed) * TEST_PROMPTS;
    return """
        name: %s-%d
        policy: {model: %s, version: "%s"}
        iterations: %d
        budget: {tokens: %d}
        seed: %d
        algorithm: %s
        learning_rate: %s
        rollout: {prompts_per_iteration: %d, completions_per_prompt: %d, max_prompt_tokens: %d, max_new_tokens: %d}
        prompts: {file: %s}
        constraint: {enabled: false}
        kl: {stop_at: 1000}
        stop: {spread_growth: 1000}
        watch: {max_spread_growth: 1000}
        safety_test: {cost_model: {model: java-cost, version: "2"}, threshold: 0.9, delta: 0.1, max_new_tokens: 1, prompts: {inline: %s}}
        promotion: NEVER
        """
        .formatted(
            algorithm.name().toLowerCase(Locale.ROOT).replace('_', '-'),
            seed,
            MODEL,
            VERSION,
            plan.mostIterations(),
            plan.tokens(),
            seed,
            algorithm,
            plan.learningRate(),
            plan.prompts(),
            plan.completions(),
            AlgorithmsPlan.PROMPT_TOKENS,
            AlgorithmsPlan.NEW_TOKENS,
            RunPrompts.LEARNING_FILE,
            quoted(prompts.tests().subList(test, test + TEST_PROMPTS)));
  }

  private static String quoted(List<String> texts) {
    try {
      return JSON.writeValueAsString(texts);
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException(e);
    }
  }

  private static RequestMetadata metadata() {
    return RequestMetadata.newBuilder()
        .setTenant("experiment")
        .setPriority(Priority.PRIORITY_TRAINER)
        .build();
  }
}
