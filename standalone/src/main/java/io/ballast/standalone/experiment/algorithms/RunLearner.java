package io.ballast.standalone.experiment.algorithms;

import io.ballast.inference.store.ModelStore;
import io.ballast.kit.error.MeshException;
import io.ballast.mesh.v1.Priority;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.orchestrator.adapter.SpecParser;
import io.ballast.orchestrator.core.peer.Patience;
import io.ballast.orchestrator.core.spec.RewardSpec;
import io.ballast.orchestrator.v1.CreateRunRequest;
import io.ballast.orchestrator.v1.GetRunRequest;
import io.ballast.orchestrator.v1.IterationMetrics;
import io.ballast.orchestrator.v1.PromptSource;
import io.ballast.orchestrator.v1.Run;
import io.ballast.orchestrator.v1.RunServiceGrpc;
import io.ballast.orchestrator.v1.RunServiceGrpc.RunServiceBlockingStub;
import io.ballast.orchestrator.v1.WatchRunRequest;
import io.ballast.orchestrator.v1.WatchRunResponse;
import io.ballast.rl.algorithm.Algorithm;
import io.grpc.Channel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.function.ToLongFunction;
import java.util.stream.Stream;

/**
 * Has a mesh learn by an algorithm, from a spec to the test of its candidate, as a user's run does,
 * and measures the weights along the way. What iterations sample from lies in the mesh's model
 * folder for two iterations; it is copied when an iteration ends, and measured beside the run. What
 * learns from labelled data has it made first, by the same budget. Threads may share one.
 */
final class RunLearner implements CurveSource {
  private static final long SECONDS = 60;

  private final AlgorithmsPlan plan;
  private final RunPrompts prompts;
  private final RunServiceBlockingStub runs;
  private final RunSpecs specs;
  private final OfflinePairs pairs;
  private final Path data;
  private final Path models;
  private final Path work;
  private final GoldMeasure gold;
  private final Executor measuring;

  /**
   * Binds what runs share.
   *
   * @param channel to a mesh
   * @param pairs what is learned from labelled data
   * @param data its data folder, where its models are
   * @param work a folder for weights until they are measured
   * @param measuring one thread
   */
  RunLearner(
      AlgorithmsPlan plan,
      RunPrompts prompts,
      Channel channel,
      OfflinePairs pairs,
      Path data,
      Path work,
      GoldMeasure gold,
      Executor measuring) {
    this.plan = plan;
    this.prompts = prompts;
    this.runs = RunServiceGrpc.newBlockingStub(channel);
    this.specs = new RunSpecs(plan);
    this.pairs = pairs;
    this.data = data;
    this.models = data.resolve("models");
    this.work = work;
    this.gold = gold;
    this.measuring = measuring;
  }

  /**
   * What a mesh is asked, and the tokens that what it then tells stands for.
   *
   * @param soFar tokens sampled for the weights after an iteration
   * @param made what it learns from, where that is there before
   */
  private record Asked(
      String spec, ToLongFunction<IterationMetrics> soFar, Optional<OfflinePairs.Made> made) {}

  /**
   * What a mesh took.
   *
   * @param id the run's
   * @param from what it learns from, where that is there before; else empty
   */
  private record Created(String id, String from) {}

  @Override
  public LearningCurve learn(Algorithm algorithm, int seed, Runnable iterated) throws IOException {
    List<String> heldOut = heldOut(algorithm, seed);
    if (RunSpecs.fromData(algorithm)) {
      RewardSpec reward = new SpecParser().apply(labelled(algorithm, seed, 1, heldOut)).reward();
      OfflinePairs.Made made;
      try {
        made = pairs.make(seed, reward, data);
      } catch (MeshException e) {
        if (Patience.mayPass(e.fault())) {
          throw new IOException("the mesh is gone: " + e.getMessage(), e);
        }
        return LearningCurve.failed(
            algorithm, seed, new LearningCurve.Spent(0, 0, "", ""), "pairs: " + e.getMessage());
      }
      if (made.pairs() < plan.prompts()) {
        return LearningCurve.failed(
            algorithm,
            seed,
            new LearningCurve.Spent(0, made.tokens(), "", ""),
            "%,d pairs (expected: those of an iteration, %,d)"
                .formatted(made.pairs(), plan.prompts()));
      }
      return learn(
          algorithm,
          seed,
          new Asked(
              labelled(algorithm, seed, made.updates(), heldOut),
              iteration -> made.tokens() * iteration.getIteration() / made.updates(),
              Optional.of(made)),
          iterated);
    }
    return learn(
        algorithm,
        seed,
        new Asked(
            specs.sampling(algorithm, seed, heldOut),
            iteration -> iteration.getSpent().getCompletionTokensCount(),
            Optional.empty()),
        iterated);
  }

  private String labelled(Algorithm algorithm, int seed, int iterations, List<String> heldOut) {
    return specs.labelled(algorithm, seed, iterations, OfflinePairs.file(seed), heldOut);
  }

  private List<String> heldOut(Algorithm algorithm, int seed) {
    int first = (plan.algorithms().indexOf(algorithm) * plan.seeds() + seed) * RunSpecs.HELD_OUT;
    return prompts.tests().subList(first, first + RunSpecs.HELD_OUT);
  }

  private LearningCurve learn(Algorithm algorithm, int seed, Asked asked, Runnable iterated)
      throws IOException {
    Created created;
    try {
      created = create(asked);
    } catch (StatusRuntimeException e) {
      if (e.getStatus().getCode() == Status.Code.UNAVAILABLE) {
        throw new IOException("the mesh is gone: " + e.getStatus(), e);
      }
      return LearningCurve.failed(
          algorithm, seed, new LearningCurve.Spent(0, 0, "", ""), "refused: " + e.getStatus());
    }
    String id = created.id();
    List<CompletableFuture<Measured>> points = new ArrayList<>();
    Iterator<WatchRunResponse> events =
        runs.watchRun(WatchRunRequest.newBuilder().setMetadata(metadata()).setRunId(id).build());
    long tokens = 0;
    while (events.hasNext()) {
      WatchRunResponse event = events.next();
      if (event.hasIteration()) {
        IterationMetrics iteration = event.getIteration();
        int before = iteration.getIteration() - 1;
        if (before > 0 && before % plan.every() == 0) {
          point(sampled(id, iteration.getIteration()), before, tokens, seed).ifPresent(points::add);
        }
        tokens = asked.soFar().applyAsLong(iteration);
        iterated.run();
      }
      Run run = event.getRun();
      if (event.hasIteration() && event.getIteration().getIteration() < run.getIterationsDone()) {
        continue; // the run is told as it is now, and its later iterations are still to come
      }
      LearningCurve.Spent spent =
          new LearningCurve.Spent(
              run.getIterationsDone(), tokens, created.from(), run.getEarlyStopReason());
      Optional<LearningCurve> ended = ended(algorithm, seed, run, spent, points);
      if (ended.isPresent()) {
        return ended.get();
      }
    }
    throw new IOException("run %s: the stream ended before the run".formatted(id));
  }

  private Created create(Asked asked) {
    String id =
        runs.withDeadlineAfter(SECONDS, TimeUnit.SECONDS)
            .createRun(
                CreateRunRequest.newBuilder().setMetadata(metadata()).setSpec(asked.spec()).build())
            .getRun()
            .getRunId();
    return new Created(id, asked.made().map(made -> from(made, leftOut(id))).orElse(""));
  }

  /** How many rows of its data the mesh could not read. */
  private long leftOut(String id) {
    return runs
        .withDeadlineAfter(SECONDS, TimeUnit.SECONDS)
        .getRun(GetRunRequest.newBuilder().setMetadata(metadata()).setRunId(id).build())
        .getPromptSourcesList()
        .stream()
        .mapToLong(PromptSource::getBadRowsCount)
        .sum();
  }

  private String from(OfflinePairs.Made made, long leftOut) {
    double passes = (double) made.updates() * plan.prompts() / (made.pairs() - leftOut);
    return String.format(
        Locale.ROOT,
        "%,d pairs, %,d of them left out, %.2f passes over the others",
        made.pairs(),
        leftOut,
        passes);
  }

  private Path sampled(String runId, int iteration) {
    return models.resolve(RunSpecs.MODEL + "-rollout").resolve(runId + "-" + iteration);
  }

  private Optional<LearningCurve> ended(
      Algorithm algorithm,
      int seed,
      Run run,
      LearningCurve.Spent spent,
      List<CompletableFuture<Measured>> points) {
    return switch (run.getState()) {
      case RUN_STATE_HELD, RUN_STATE_NO_SOLUTION_FOUND, RUN_STATE_REFUSED, RUN_STATE_PROMOTED -> {
        Path candidate =
            models
                .resolve(run.getCandidateVersion().getModel())
                .resolve(run.getCandidateVersion().getVersion());
        points.add(
            point(candidate, LearningCurve.Point.LAST, spent.tokens(), seed)
                .orElseThrow(() -> new IllegalStateException(candidate + ": not there")));
        List<Measured> measured = points.stream().map(CompletableFuture::join).toList();
        yield Optional.of(
            new LearningCurve(
                algorithm,
                seed,
                measured.stream().map(Measured::point).toList(),
                measured.getLast().gold(),
                spent,
                ""));
      }
      case RUN_STATE_STOPPED, RUN_STATE_FAILED, RUN_STATE_CANCELLED ->
          Optional.of(
              LearningCurve.failed(
                  algorithm, seed, spent, run.getState() + ": " + run.getMessage()));
      case RUN_STATE_UNSPECIFIED,
          RUN_STATE_QUEUED,
          RUN_STATE_LEARNING,
          RUN_STATE_TESTING,
          RUN_STATE_PAUSED,
          UNRECOGNIZED ->
          Optional.empty();
    };
  }

  /** A point, and what is kept at each position there. */
  private record Measured(LearningCurve.Point point, Gold gold) {}

  /**
   * Measures weights when their turn comes.
   *
   * @return empty if they are gone already: whoever follows the run was late, and the curve has a
   *     point less
   */
  private Optional<CompletableFuture<Measured>> point(
      Path weights, int iteration, long tokens, int seed) {
    Optional<Path> kept = kept(weights);
    return kept.map(
        folder ->
            CompletableFuture.supplyAsync(
                () -> {
                  Gold found = gold.of(folder, seed);
                  delete(folder);
                  return new Measured(
                      new LearningCurve.Point(iteration, tokens, found.mean()), found);
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
      } catch (NoSuchFileException gone) {
        delete(folder);
        return Optional.empty();
      } catch (IOException e) {
        delete(folder);
        throw e;
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

  private static RequestMetadata metadata() {
    return RequestMetadata.newBuilder()
        .setTenant("experiment")
        .setPriority(Priority.PRIORITY_TRAINER)
        .build();
  }
}
