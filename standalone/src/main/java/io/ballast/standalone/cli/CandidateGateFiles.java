package io.ballast.standalone.cli;

import io.ballast.inference.store.ModelStore.StoredModel;
import io.ballast.safety.adapter.FolderGates;
import io.ballast.safety.core.gate.AcceptModel;
import io.ballast.safety.core.gate.GateStage;
import io.ballast.safety.core.gatefit.CandidateGate;
import io.ballast.standalone.gate.GatePublisher;
import java.nio.file.Path;
import java.util.List;

/** Both stages of a gate that lies in the model folders, opened. */
final class CandidateGateFiles implements AutoCloseable {
  private final AcceptModel one;
  private final AcceptModel two;

  private CandidateGateFiles(AcceptModel one, AcceptModel two) {
    this.one = one;
    this.two = two;
  }

  /**
   * Opens {@code NAME-context} and {@code NAME-suggestion}.
   *
   * @param named NAME or NAME/VERSION
   * @throws CommandFailure if there are none, or several versions to choose from
   */
  static CandidateGateFiles open(String named, List<Path> roots) {
    AcceptModel one = open(named, GateStage.CONTEXT, roots);
    try {
      return new CandidateGateFiles(one, open(named, GateStage.SUGGESTION, roots));
    } catch (RuntimeException e) {
      one.close();
      throw e;
    }
  }

  private static AcceptModel open(String named, GateStage stage, List<Path> roots) {
    int slash = named.indexOf('/');
    String base = slash < 0 ? named : named.substring(0, slash);
    String rest = slash < 0 ? "" : named.substring(slash);
    StoredModel folder =
        ModelChoice.of("", GatePublisher.model(base, stage) + rest, roots).folder(roots);
    return new FolderGates(roots).open(folder.name(), folder.version());
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
