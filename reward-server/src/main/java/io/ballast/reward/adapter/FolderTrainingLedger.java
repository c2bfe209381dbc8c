package io.ballast.reward.adapter;

import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.file.DurableMove;
import io.ballast.reward.core.training.Training;
import io.ballast.reward.core.training.TrainingLedger;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A file for each training, written aside and renamed, so that it is the old one or the new. */
public final class FolderTrainingLedger implements TrainingLedger {
  private static final Logger LOG = LoggerFactory.getLogger(FolderTrainingLedger.class);
  private static final String END = ".training";

  private final Path folder;
  private final Format format;

  /** How a training is written. */
  public interface Format {
    /** Returns its bytes. */
    byte[] write(Training training);

    /**
     * Returns the training of {@code bytes}.
     *
     * @throws IOException if they are none
     */
    Training read(byte[] bytes) throws IOException;
  }

  /**
   * @param folder nobody else's; need not exist
   */
  public FolderTrainingLedger(Path folder, Format format) {
    this.folder = folder;
    this.format = format;
  }

  @Override
  public List<Training> all() {
    if (!Files.isDirectory(folder)) {
      return List.of();
    }
    List<Training> trainings = new ArrayList<>();
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.filter(each -> each.toString().endsWith(END)).toList()) {
        read(file).ifPresent(trainings::add);
      }
    } catch (IOException e) {
      LOG.error("the records of trainings cannot be read: {}", e.getMessage());
    }
    trainings.sort(Comparator.comparing(Training::start).thenComparing(Training::id));
    return trainings;
  }

  private Optional<Training> read(Path file) {
    try {
      return Optional.of(format.read(Files.readAllBytes(file)));
    } catch (IOException | IllegalArgumentException e) { // the others are remembered all the same
      LOG.error("the record {} cannot be read: {}", file, e.getMessage());
      return Optional.empty();
    }
  }

  @Override
  public void save(Training training) {
    Path file = file(training.id());
    Path aside = file.resolveSibling(training.id() + ".new");
    try {
      DurableMove.createFolders(folder);
      Files.write(aside, format.write(training));
      DurableMove.file(aside, file);
    } catch (IOException e) {
      throw new MeshException(
          Fault.OVERLOADED, "the training's record cannot be kept: " + StorageWords.of(e), e);
    }
  }

  @Override
  public void forget(UUID id) {
    try {
      Files.deleteIfExists(file(id));
    } catch (IOException e) { // it is remembered again after a restart
      LOG.warn("the record of training {} stays: {}", id, e.getMessage());
    }
  }

  private Path file(UUID id) {
    return folder.resolve(id + END);
  }
}
