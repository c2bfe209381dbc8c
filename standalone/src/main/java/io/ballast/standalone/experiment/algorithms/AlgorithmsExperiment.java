package io.ballast.standalone.experiment.algorithms;

import io.ballast.inference.store.ModelManifest;
import io.ballast.inference.store.ModelStore;
import io.ballast.inference.torch.TorchRuntime;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.standalone.demo.mesh.ChildMesh;
import io.ballast.standalone.experiment.Experiment;
import io.ballast.standalone.experiment.ExperimentProgress;
import io.ballast.standalone.experiment.ExperimentReport;
import io.ballast.standalone.experiment.ExperimentSetting;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
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

  private static final String REWARD = "java-reward";
  private static final String REWARD_VERSION = "1";

  @Override
  public String name() {
    return "algorithms";
  }

  @Override
  public String summary() {
    return "seventeen algorithms on one task with one budget of completion tokens: learning curves"
        + " of gold on held-out prompts, ranked with intervals; 51 runs: about an hour on two cores,"
        + " and the same command goes on where it was stopped";
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
    Path models = setting.home().resolve("models");
    Path base = models.resolve(RunSpecs.MODEL).resolve(RunSpecs.VERSION);
    if (!Files.isDirectory(base)) {
      throw new IOException(base + ": no such folder (run from the checkout, or: ./mesh pretrain)");
    }
    RunPrompts prompts =
        RunPrompts.draw(
            setting,
            base,
            plan.positions(),
            plan.algorithms().size() * plan.seeds() * RunSpecs.HELD_OUT);
    Fingerprint fingerprint =
        new Fingerprint(
            plan,
            List.of(
                "base " + content(base),
                "reward " + content(models.resolve(REWARD).resolve(REWARD_VERSION)),
                "prompts and positions " + prompts.checksum()));
    KeptCurves curves = new KeptCurves(plan, fingerprint, setting.work().resolve("curves"));
    setting.progress().say("curves are kept in " + curves.folder());
    TorchRuntime.setThreads(1);
    HeldOutGold gold = new HeldOutGold(prompts.heldOut(), plan.draws());
    Start start = start(setting, plan, base, prompts, gold);
    learn(setting, plan, curves, prompts, gold, base);
    return AlgorithmsReport.of(plan, start, curves.all());
  }

  private static Start start(
      ExperimentSetting setting,
      AlgorithmsPlan plan,
      Path base,
      RunPrompts prompts,
      HeldOutGold gold) {
    List<String> files = prompts.heldOutFiles();
    ExperimentProgress.Step step =
        setting
            .progress()
            .step(
                "measuring the start at %,d positions in %,d files"
                    .formatted(files.size(), files.stream().distinct().count()),
                "seeds",
                plan.seeds());
    List<Gold> bySeed = new ArrayList<>();
    for (int seed = 0; seed < plan.seeds(); seed++) {
      bySeed.add(gold.of(base, seed));
      step.done(1);
    }
    return new Start(bySeed, files);
  }

  private static String content(Path model) throws IOException {
    return manifest(model).contentSha256();
  }

  private static ModelManifest manifest(Path model) throws IOException {
    return ModelManifest.read(model)
        .orElseThrow(() -> new IOException(model.resolve(ModelManifest.FILE) + ": not there"));
  }

  private static PinnedVersion pinned(Path base) throws IOException {
    return new PinnedVersion(
        RunSpecs.MODEL, RunSpecs.VERSION, manifest(base).weightsSha256().orElseThrow());
  }

  private static void learn(
      ExperimentSetting setting,
      AlgorithmsPlan plan,
      KeptCurves curves,
      RunPrompts prompts,
      HeldOutGold gold,
      Path base)
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
              OfflinePairs.through(mesh.channel(), plan, prompts.learning(), pinned(base)),
              data,
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

  /**
   * Each run pins the version that it samples from, and the one that it goes on to. They are read
   * from their folders here.
   */
  private static Map<String, String> properties() {
    return Map.of(
        "ballast.orchestrator.concurrent-runs",
        Integer.toString(SIDE_BY_SIDE),
        "ballast.policy.max-pinned-versions",
        Integer.toString(2 * SIDE_BY_SIDE),
        "ballast.orchestrator.rollouts-in-memory",
        "false");
  }
}
