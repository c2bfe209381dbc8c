package io.ballast.safety.adapter;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.store.ModelStore;
import io.ballast.inference.store.ModelStore.StoredModel;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.call.Texts;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.safety.core.gate.AcceptModel;
import io.ballast.safety.core.gate.GateSource;
import io.ballast.safety.core.gate.GateSpec;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** Gate models in model folders, the first of equal names and versions. */
public final class FolderGates implements GateSource {
  private final List<Path> roots;

  /**
   * @param roots folders of {@code <name>/<version>/}
   */
  public FolderGates(List<Path> roots) {
    this.roots = List.copyOf(roots);
  }

  @Override
  public boolean exists(String name, String version) {
    return find(name, version).isPresent();
  }

  @Override
  public AcceptModel open(String name, String version) {
    StoredModel folder =
        find(name, version)
            .orElseThrow(
                () ->
                    new MeshException(
                        Fault.UNKNOWN_MODEL,
                        "gate model '%s', version '%s': in none of the model folders"
                            .formatted(name, version)));
    try {
      return new Translating(GateModelFolder.open(folder.folder(), name, version));
    } catch (ModelException e) {
      throw ModelFaults.translate(e, folder::withoutPath);
    }
  }

  /** Callers may ask for any name; what could be no folder's is not there. */
  private Optional<StoredModel> find(String name, String version) {
    return Texts.isName(name) && Texts.isName(version)
        ? ModelStore.find(roots, name, version)
        : Optional.empty();
  }

  /** Says what an engine's failure means to callers. */
  private record Translating(AcceptModel model) implements AcceptModel {
    @Override
    public PinnedVersion id() {
      return model.id();
    }

    @Override
    public String folderSha256() {
      return model.folderSha256();
    }

    @Override
    public GateSpec spec() {
      return model.spec();
    }

    @Override
    public boolean asksFor(int index) {
      return model.asksFor(index);
    }

    @Override
    public double logOdds(float[] features) {
      try {
        return model.logOdds(features);
      } catch (ModelException e) {
        throw ModelFaults.translate(e);
      }
    }

    @Override
    public double[] contributions(float[] features) {
      try {
        return model.contributions(features);
      } catch (ModelException e) {
        throw ModelFaults.translate(e);
      }
    }

    @Override
    public void close() {
      model.close();
    }
  }
}
