package io.ballast.standalone.experiment.algorithms;

import io.ballast.inference.store.ModelManifest;
import io.ballast.inference.store.ModelStore;
import io.ballast.inference.torch.TorchRuntime;
import io.ballast.rl.algorithm.Algorithm;
import io.ballast.rl.algorithm.SourceKind;
import io.ballast.standalone.demo.mesh.ChildMesh;
import io.ballast.standalone.experiment.Experiment;
import io.ballast.standalone.experiment.ExperimentProgress;
import io.ballast.standalone.experiment.ExperimentReport;
import io.ballast.standalone.experiment.ExperimentSetting;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * The algorithms of runs side by side: each learns the demo's task by real runs on a mesh, from the
 * same weights and with as many completion tokens, and is measured by the simulated programmer,
 * whom no run sees, on held-out prompts.
 */
public final class AlgorithmsExperiment implements Experiment {
  private static final int SEEDS = 3;

  /** Runs at a time; with two cores a third would only wait. */
  private static final int SIDE_BY_SIDE = 2;

  private static final String BASE = "java-tiny";
  private static final String BASE_VERSION = "1";

  @Override
  public String name() {
    return "algorithms";
  }

  @Override
  public String summary() {
    return "sixteen algorithms on one task with one budget of completion tokens: learning curves"
        + " of gold on held-out prompts, ranked with intervals; 40 to 50 minutes on two cores, and"
        + " the same command goes on where it was stopped";
  }

  @Override
  public int seeds() {
    return SEEDS;
  }

  @Override
  public boolean learns() {
    return true;
  }

  @Override
  public ExperimentReport run(ExperimentSetting setting) throws IOException {
    AlgorithmsPlan plan =
        AlgorithmsPlan.standard(
            setting.algorithms(),
            setting.seeds(),
            setting.iterations().orElse(AlgorithmsPlan.ITERATIONS));
    requireSampled(plan);
    Path base = setting.home().resolve("models").resolve(BASE).resolve(BASE_VERSION);
    if (!Files.isDirectory(base)) {
      throw new IOException(base + ": no such folder (run from the checkout, or: ./mesh pretrain)");
    }
    KeptCurves curves =
        new KeptCurves(plan, plan.fingerprint(weights(base)), setting.work().resolve("curves"));
    RunPrompts prompts =
        RunPrompts.draw(
            setting,
            base,
            plan.positions(),
            plan.algorithms().size() * plan.seeds() * RunLearner.TEST_PROMPTS);
    TorchRuntime.setThreads(1);
    HeldOutGold gold = new HeldOutGold(prompts.heldOut(), plan.draws());
    setting.progress().say("measuring the start");
    double start = gold.of(base);
    learn(setting, plan, curves, prompts, gold);
    return AlgorithmsReport.of(plan, start, curves.all());
  }

  /** What learns from labelled data has none here. */
  private static void requireSampled(AlgorithmsPlan plan) throws IOException {
    for (Algorithm algorithm : plan.algorithms()) {
      if (algorithm.recipe(AlgorithmsPlan.NEW_TOKENS).source() == SourceKind.DATA) {
        throw new IOException(
            algorithm
                + ": learns from labelled data (expected: one that samples, such as ONLINE_DPO)");
      }
    }
  }

  private static String weights(Path base) throws IOException {
    return ModelManifest.read(base)
        .flatMap(ModelManifest::weightsSha256)
        .orElseThrow(() -> new IOException(base.resolve(ModelManifest.FILE) + ": not there"));
  }

  private static void learn(
      ExperimentSetting setting,
      AlgorithmsPlan plan,
      KeptCurves curves,
      RunPrompts prompts,
      HeldOutGold gold)
      throws IOException {
    int missing = curves.missing().size();
    int all = plan.algorithms().size() * plan.seeds();
    if (missing == 0) {
      setting.progress().say("all %d runs are there from before".formatted(all));
      return;
    }
    setting.progress().say("%d of %d runs are to be made; starting a mesh".formatted(missing, all));
    Path data = setting.work().resolve("mesh");
    ModelStore.deleteAll(data); // what was under way when it was stopped
    ModelStore.deleteAll(setting.work().resolve("weights"));
    prompts.writeLearning(data);
    ExecutorService workers =
        Executors.newFixedThreadPool(SIDE_BY_SIDE, Thread.ofPlatform().daemon().factory());
    ExecutorService measuring =
        Executors.newSingleThreadExecutor(Thread.ofPlatform().daemon().factory());
    try (ChildMesh mesh = ChildMesh.launch(setting.home(), data, false, properties())) {
      mesh.awaitReady();
      ExperimentProgress.Step step =
          setting.progress().step("learning", "iterations", (long) missing * plan.iterations());
      curves.fill(
          new RunLearner(
              plan,
              prompts,
              mesh.channel(),
              data.resolve("models"),
              setting.work().resolve("weights"),
              gold,
              measuring),
          workers,
          () -> step.done(1));
    } finally {
      workers.shutdownNow();
      measuring.shutdownNow();
    }
    ModelStore.deleteAll(data);
  }

  /** Each run pins the version that it samples from, and the one that it goes on to. */
  private static Map<String, String> properties() {
    return Map.of(
        "ballast.orchestrator.concurrent-runs",
        Integer.toString(SIDE_BY_SIDE),
        "ballast.policy.max-pinned-versions",
        Integer.toString(2 * SIDE_BY_SIDE));
  }
}
