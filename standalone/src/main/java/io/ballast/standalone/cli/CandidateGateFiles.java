package io.ballast.standalone.cli;

import io.ballast.inference.store.ModelStore.StoredModel;
import io.ballast.safety.adapter.FolderGates;
import io.ballast.safety.adapter.TrainedOnFile;
import io.ballast.safety.core.gate.AcceptModel;
import io.ballast.safety.core.gate.GateStage;
import io.ballast.safety.core.gatefit.CandidateGate;
import io.ballast.safety.core.gatefit.TrainedOn;
import io.ballast.standalone.gate.GatePublisher;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** Both stages of a gate that lies in the model folders, opened. */
final class CandidateGateFiles implements AutoCloseable {
  private final AcceptModel one;
  private final AcceptModel two;
  private final Optional<TrainedOn> trainedOn;

  private CandidateGateFiles(AcceptModel one, AcceptModel two, Optional<TrainedOn> trainedOn) {
    this.one = one;
    this.two = two;
    this.trainedOn = trainedOn;
  }

  /**
   * Opens {@code NAME-context} and {@code NAME-suggestion}.
   *
   * @param named NAME or NAME/VERSION
   * @throws CommandFailure if there are none, or several versions to choose from
   */
  static CandidateGateFiles open(String named, List<Path> roots) throws IOException {
    StoredModel first = folder(named, GateStage.CONTEXT, roots);
    StoredModel second = folder(named, GateStage.SUGGESTION, roots);
    Optional<TrainedOn> one = TrainedOnFile.read(first.folder());
    Optional<TrainedOn> two = TrainedOnFile.read(second.folder());
    AcceptModel context = new FolderGates(roots).open(first.name(), first.version());
    try {
      return new CandidateGateFiles(
          context,
          new FolderGates(roots).open(second.name(), second.version()),
          one.equals(two) ? one : Optional.empty());
    } catch (RuntimeException e) {
      context.close();
      throw e;
    }
  }

  private static StoredModel folder(String named, GateStage stage, List<Path> roots) {
    int slash = named.indexOf('/');
    String base = slash < 0 ? named : named.substring(0, slash);
    String rest = slash < 0 ? "" : named.substring(slash);
    return ModelChoice.of("", GatePublisher.model(base, stage) + rest, roots).folder(roots);
  }

  /** Whose decisions made it; empty if the folders do not say, or not the same. */
  Optional<TrainedOn> trainedOn() {
    return trainedOn;
  }

  AcceptModel one() {
    return one;
  }

  AcceptModel two() {
    return two;
  }

  /** The gate. */
  CandidateGate gate() {
    return new CandidateGate(one, two);
  }

  @Override
  public void close() {
    one.close();
    two.close();
  }
}
