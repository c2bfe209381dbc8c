package io.ballast.standalone.cli;

import io.ballast.inference.store.ModelStore.StoredModel;
import io.ballast.training.reward.VersionName;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;

/** What a training makes, on which decoder and how, whether of rewards or of costs. */
final class TrainingOptions {
  @Option(
      names = "--name",
      required = true,
      paramLabel = "NAME[/VERSION]",
      description = "What the model is called; without a version: the next number.")
  private String name = "";

  @Option(
      names = "--trunk",
      paramLabel = "NAME[/VERSION]",
      defaultValue = "java-tiny",
      description =
          "The decoder that reads the texts; ./mesh models folders shows them (default:"
              + " ${DEFAULT-VALUE}).")
  private String trunk = "";

  @Mixin private RewardPlanOptions plan = new RewardPlanOptions();

  @Option(
      names = "--skip-bad",
      description = "Leaves rows out that say nothing, and counts them; else one refuses the file.")
  private boolean skipBad;

  @Option(
      names = "--threads",
      paramLabel = "N",
      description = "To read the texts with (default: the cores of the process).")
  private @Nullable Integer threads;

  String name() {
    return name;
  }

  String trunk() {
    return trunk;
  }

  RewardPlanOptions plan() {
    return plan;
  }

  boolean skipBad() {
    return skipBad;
  }

  @Nullable Integer threads() {
    return threads;
  }

  /** The version that is published, below the first of {@code roots}. */
  VersionName version(CommandSpec spec, List<Path> roots) {
    return NewVersion.of(spec, roots, name);
  }

  /** The decoder. */
  StoredModel decoder(List<Path> roots) {
    return LocalTraining.decoder(trunk, roots);
  }
}
