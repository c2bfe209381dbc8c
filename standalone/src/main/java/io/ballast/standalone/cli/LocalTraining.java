package io.ballast.standalone.cli;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.store.ModelStore;
import io.ballast.inference.store.ModelStore.StoredModel;
import io.ballast.training.data.BadRowsException;
import io.ballast.training.reward.RewardTraining;
import io.ballast.training.reward.UnusableDataException;
import io.ballast.training.reward.VersionName;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;

/** Trains heads on this machine for a command, shows how far it is, and says what went wrong. */
final class LocalTraining {
  private final CommandContext context;
  private final Printing printing;
  private final CommandSpec spec;

  LocalTraining(CommandContext context, Printing printing, CommandSpec spec) {
    this.context = context;
    this.printing = printing;
    this.spec = spec;
  }

  /** What is done with a work folder, which is deleted afterwards. */
  @FunctionalInterface
  interface Steps {
    /** Trains, publishes and shows. */
    void take(Path work) throws IOException, BadRowsException, UnusableDataException;
  }

  /**
   * Takes the steps, and makes failures of the command of what they throw.
   *
   * @param source what is learned from, for a reader
   * @param version that is to be published
   */
  int run(String source, VersionName version, Steps steps) throws IOException {
    Path work = Files.createTempDirectory("ballast-train");
    try {
      steps.take(work);
      return Exit.OK.code();
    } catch (BadRowsException e) {
      throw badRows("", e);
    } catch (UnusableDataException e) {
      throw new CommandFailure(Exit.FAILED, "UNUSABLE_DATA", source + ": " + e.getMessage());
    } catch (FileAlreadyExistsException e) {
      throw NewVersion.exists(version);
    } catch (ModelException e) {
      throw new CommandFailure(Exit.FAILED, e.reason().name(), String.valueOf(e.getMessage()));
    } finally {
      ModelStore.deleteAll(work);
    }
  }

  /** The threads that were asked for, or the cores of the process. */
  int threads(@Nullable Integer threads) {
    if (threads != null && threads < 1) {
      throw new ParameterException(
          spec.commandLine(), "--threads: " + threads + " (expected: ≥ 1)");
    }
    return threads != null ? threads : Runtime.getRuntime().availableProcessors();
  }

  /** Returns the decoder that {@code --trunk} names. */
  static StoredModel decoder(String trunk, List<Path> roots) {
    ModelChoice choice = ModelChoice.of("--trunk: ", trunk, roots);
    StoredModel decoder = choice.folder(roots);
    ModelKind kind = ModelKind.of(decoder.folder());
    if (kind != ModelKind.DECODER) {
      throw new CommandFailure(
          Exit.USAGE,
          "NO_DECODER",
          "--trunk: %s/%s: %s, not a decoder"
              .formatted(choice.model(), choice.version(), kind.words()));
    }
    return decoder;
  }

  /** The failure that names bad rows. */
  static CommandFailure badRows(String where, BadRowsException e) {
    return new CommandFailure(
        Exit.FAILED, "BAD_ROWS", where + e.getMessage() + "; --skip-bad leaves them out");
  }

  /** Shows how far a training is. */
  RewardTraining.Listener listener() {
    ProgressLine progress = new ProgressLine(printing, context.terminal());
    return new RewardTraining.Listener() {
      @Override
      public void features(int done, int all) {
        progress.at("reading prompts", (double) done / all);
      }

      @Override
      public void blocks(int member, double share) {
        progress.at("training member " + member, share);
      }

      @Override
      public void member(String line) {
        progress.end();
        printing.line(line);
      }
    };
  }
}
