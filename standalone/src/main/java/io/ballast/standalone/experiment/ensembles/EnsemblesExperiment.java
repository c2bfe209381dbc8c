package io.ballast.standalone.experiment.ensembles;

import io.ballast.inference.onnx.OnnxFeatureReader;
import io.ballast.inference.store.ModelStore.StoredModel;
import io.ballast.standalone.experiment.Experiment;
import io.ballast.standalone.experiment.ExperimentProgress;
import io.ballast.standalone.experiment.ExperimentReport;
import io.ballast.standalone.experiment.ExperimentSetting;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Whether an ensemble's mean, UWO and WCO withstand optimisation better than one member, with clean
 * labels and with a quarter of them flipped: best of n up to 4,096 at held-out positions by the
 * simulated programmer, the same by people's ratings, learning through Score, and a toy.
 */
public final class EnsemblesExperiment implements Experiment {
  private static final int READER_THREADS = 2;

  /** Parts, and runs of learning, side by side: more than two cores, since each run waits. */
  private static final int SIDE_BY_SIDE = 3;

  private static final String TRUNK = "java-tiny";
  private static final String TRUNK_VERSION = "1";

  /** What choosing gave, and with which ensembles; curves at the learned prompts beside all. */
  private record Chosen(
      CleanAndNoisy curves, GoldCurves atLearned, List<TrainedEnsemble> ensembles) {}

  @Override
  public String name() {
    return "ensembles";
  }

  @Override
  public String summary() {
    return "reward ensembles against over-optimisation: best of n and learning, clean and noisy"
        + " labels (Coste et al. 2024, Gao et al. 2023); 10 to 15 minutes on two cores";
  }

  @Override
  public ExperimentReport run(ExperimentSetting setting) throws IOException {
    return run(setting, EnsemblesPlan.standard(setting.seeds()));
  }

  /** Runs with other sizes. */
  ExperimentReport run(ExperimentSetting setting, EnsemblesPlan plan) throws IOException {
    Path folder = setting.home().resolve("models").resolve(TRUNK).resolve(TRUNK_VERSION);
    if (!Files.isDirectory(folder)) {
      throw new IOException(
          folder + ": no such folder (run from the checkout, or: ./mesh pretrain)");
    }
    StoredModel trunk = new StoredModel(TRUNK, TRUNK_VERSION, folder);
    EnsemblesReport report = new EnsemblesReport(plan);
    ExecutorService workers =
        Executors.newFixedThreadPool(SIDE_BY_SIDE, Thread.ofPlatform().daemon().factory());
    try {
      Future<CleanAndNoisy> toy = workers.submit(() -> toy(setting, plan));
      Future<Optional<PeopleStudy>> people = workers.submit(() -> PeopleStudy.of(setting, plan));
      ProgrammerData data = ProgrammerData.of(setting, plan, trunk.folder());
      Chosen chosen = chosen(setting, plan, data, trunk);
      report.programmer(chosen.curves(), chosen.ensembles());
      report.people(result(people));
      report.toy(result(toy));
      learning(setting, plan, trunk, data, chosen, workers, report);
    } finally {
      workers.shutdownNow(); // where one part failed, the others need not end
    }
    return report.report();
  }

  private static CleanAndNoisy toy(ExperimentSetting setting, EnsemblesPlan plan) {
    HeavyTailToy toy = new HeavyTailToy(plan.members(), HeavyTailToy.PROMPTS, HeavyTailToy.POOL);
    return CleanAndNoisy.measured(
        plan,
        HeavyTailToy.SEEDS,
        setting.progress().step("the toy", "ensembles", 2L * HeavyTailToy.SEEDS),
        (seed, flips) -> toy.curves(plan.ns(), seed, flips));
  }

  private static Chosen chosen(
      ExperimentSetting setting, EnsemblesPlan plan, ProgrammerData data, StoredModel trunk)
      throws IOException {
    try (OnnxFeatureReader reader = ProgrammerEnsembles.reader(setting, trunk, READER_THREADS)) {
      ProgrammerEnsembles trainer = new ProgrammerEnsembles(setting, plan, data, trunk, reader);
      List<TrainedEnsemble> ensembles = new ArrayList<>();
      List<GoldCurves.OfSeed> atLearned = new ArrayList<>();
      CleanAndNoisy curves =
          CleanAndNoisy.measured(
              plan,
              plan.seeds(),
              setting.progress().step("training and choosing", "ensembles", 2L * plan.seeds()),
              (seed, flips) -> {
                TrainedEnsemble ensemble = trainer.train(seed, flips);
                ensembles.add(ensemble);
                List<ScoredPool> pools = trainer.scored(ensemble);
                if (flips == 0) {
                  atLearned.add(GoldCurves.OfSeed.of(plan.ns(), pools.subList(0, plan.learned())));
                }
                return GoldCurves.OfSeed.of(plan.ns(), pools);
              });
      return new Chosen(curves, GoldCurves.of(plan.ns(), atLearned), ensembles);
    }
  }

  private static void learning(
      ExperimentSetting setting,
      EnsemblesPlan plan,
      StoredModel trunk,
      ProgrammerData data,
      Chosen chosen,
      ExecutorService workers,
      EnsemblesReport report)
      throws IOException {
    List<TrainedEnsemble> ensembles = chosen.ensembles();
    setting
        .progress()
        .say("starting a reward-server with %d ensembles".formatted(ensembles.size()));
    try (RewardMesh mesh =
        RewardMesh.serving(
            setting.home(), setting.work().resolve("mesh"), setting.work(), trunk, ensembles)) {
      PolicyLearner learner =
          new PolicyLearner(trunk, plan, data.positions().subList(0, plan.learned()));
      ExperimentProgress.Step step =
          setting
              .progress()
              .step(
                  "learning through Score",
                  "iterations",
                  (long) ensembles.size() * Aggregate.values().length * plan.iterations());
      Map<Double, Map<Aggregate, List<Future<List<PolicyIteration>>>>> running =
          new LinkedHashMap<>();
      for (TrainedEnsemble ensemble : ensembles) {
        for (Aggregate aggregate : Aggregate.values()) {
          int single = ensemble.seed() % plan.members();
          running
              .computeIfAbsent(ensemble.flips(), flips -> new EnumMap<>(Aggregate.class))
              .computeIfAbsent(aggregate, same -> new ArrayList<>())
              .add(
                  workers.submit(
                      () ->
                          learner.run(
                              ensemble.seed(),
                              items -> mesh.score(ensemble, aggregate, single, items),
                              () -> step.done(1))));
        }
      }
      for (var ofFlips : running.entrySet()) {
        Map<Aggregate, List<List<PolicyIteration>>> runs = new EnumMap<>(Aggregate.class);
        for (var ofAggregate : ofFlips.getValue().entrySet()) {
          List<List<PolicyIteration>> own = new ArrayList<>();
          for (Future<List<PolicyIteration>> run : ofAggregate.getValue()) {
            own.add(result(run));
          }
          runs.put(ofAggregate.getKey(), own);
        }
        PolicyStudy study = new PolicyStudy(ofFlips.getKey(), runs);
        report.learning(study, ofFlips.getKey());
        if (ofFlips.getKey() == 0) {
          report.claim(study.atEqualKl(chosen.atLearned()));
        }
      }
      report.work(mesh);
    }
  }

  private static <T> T result(Future<T> future) throws IOException {
    try {
      return future.get();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while it measured", e);
    } catch (ExecutionException e) {
      switch (e.getCause()) {
        case RuntimeException failure -> throw failure;
        case IOException failure -> throw failure;
        case null, default -> throw new IllegalStateException(e);
      }
    }
  }
}
