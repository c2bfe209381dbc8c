package io.ballast.standalone.experiment.algorithms;

import io.ballast.rl.algorithm.Algorithm;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;

/**
 * All curves of a plan: those that an earlier command has kept, and the others learned now, each
 * kept as soon as it is there. So the same command goes on where it was stopped.
 */
final class KeptCurves {
  private final AlgorithmsPlan plan;
  private final Fingerprint fingerprint;
  private final Path folder;

  /**
   * Binds where they are kept.
   *
   * @param fingerprint of {@code plan}: others' curves are no part of this comparison, and lie in
   *     folders of their own
   */
  KeptCurves(AlgorithmsPlan plan, Fingerprint fingerprint, Path folder) {
    this.plan = plan;
    this.fingerprint = fingerprint;
    this.folder = folder.resolve(fingerprint.folder());
  }

  /** Where those of this comparison lie. */
  Path folder() {
    return folder;
  }

  /** A run that is to be had. */
  record Wanted(Algorithm algorithm, int seed) {}

  /**
   * Those that are not kept, and those that failed: what failed may have been the machine. Seed by
   * seed, so that whoever stops early has all algorithms.
   */
  List<Wanted> missing() throws IOException {
    List<Wanted> missing = new ArrayList<>();
    for (int seed = 0; seed < plan.seeds(); seed++) {
      for (Algorithm algorithm : plan.algorithms()) {
        if (kept(algorithm, seed).filter(LearningCurve::complete).isEmpty()) {
          missing.add(new Wanted(algorithm, seed));
        }
      }
    }
    return missing;
  }

  private Optional<LearningCurve> kept(Algorithm algorithm, int seed) throws IOException {
    return LearningCurve.read(fingerprint.of(algorithm, seed), algorithm, seed, folder);
  }

  /** Learns what is missing. */
  void fill(CurveSource source, ExecutorService workers, Runnable iterated) throws IOException {
    List<Future<LearningCurve>> running = new ArrayList<>();
    for (Wanted wanted : missing()) {
      running.add(
          workers.submit(
              () -> {
                LearningCurve curve = source.learn(wanted.algorithm(), wanted.seed(), iterated);
                curve.write(fingerprint.of(wanted.algorithm(), wanted.seed()), folder);
                return curve;
              }));
    }
    for (Future<LearningCurve> run : running) {
      await(run);
    }
  }

  private static void await(Future<LearningCurve> run) throws IOException {
    try {
      var unused = run.get();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while it learned", e);
    } catch (ExecutionException e) {
      switch (e.getCause()) {
        case RuntimeException failure -> throw failure;
        case IOException failure -> throw failure;
        case null, default -> throw new IllegalStateException(e);
      }
    }
  }

  /** All of the plan, by algorithm and seed; none may be missing. */
  Map<Algorithm, List<LearningCurve>> all() throws IOException {
    Map<Algorithm, List<LearningCurve>> all = new EnumMap<>(Algorithm.class);
    for (Algorithm algorithm : plan.algorithms()) {
      List<LearningCurve> own = new ArrayList<>();
      for (int seed = 0; seed < plan.seeds(); seed++) {
        own.add(kept(algorithm, seed).orElseThrow());
      }
      all.put(algorithm, own);
    }
    return all;
  }
}
