package io.ballast.orchestrator.adapter;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.store.ModelManifest;
import io.ballast.inference.store.ModelStore;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.file.DurableMove;
import io.ballast.orchestrator.core.Faults;
import io.ballast.orchestrator.core.learner.WeightsStore;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Stream;

/**
 * Model folders {@code <root>/<model>/<version>/}, of which the first root is written, and
 * checkpoints {@code <checkpoints>/<tenant>/<name>.safetensors}.
 */
public final class ModelFolders implements WeightsStore {
  private static final String CHECKPOINT = ".safetensors";

  private final List<Path> roots;
  private final Path checkpoints;

  /**
   * @param roots in the order of search; at least one, the first may be written
   */
  public ModelFolders(List<Path> roots, Path checkpoints) {
    this.roots = List.copyOf(roots);
    this.checkpoints = checkpoints;
  }

  /**
   * Returns the folder of a version.
   *
   * @throws MeshException UNKNOWN_MODEL
   */
  public Path folder(String model, String version) {
    return stored(model, version).folder();
  }

  /**
   * Returns a version as it is stored.
   *
   * @throws MeshException UNKNOWN_MODEL
   */
  ModelStore.StoredModel stored(String model, String version) {
    Faults.requireName("model", model);
    Faults.requireName("version", version);
    return ModelStore.find(roots, model, version)
        .orElseThrow(
            () ->
                new MeshException(
                    Fault.UNKNOWN_MODEL,
                    "there is no version '%s' of model '%s'".formatted(version, model),
                    Map.of("model", model, "version", version)));
  }

  /**
   * Returns a version with the checksum that its manifest records.
   *
   * @throws MeshException UNKNOWN_MODEL; PRECONDITION_FAILED if it records none
   */
  public PinnedVersion version(String model, String version) {
    ModelStore.StoredModel stored = stored(model, version);
    try {
      String sha =
          ModelManifest.read(stored.folder())
              .flatMap(ModelManifest::weightsSha256)
              .orElseThrow(
                  () ->
                      Faults.precondition(
                          "version '%s' of model '%s' records no checksum (expected: %s)"
                              .formatted(version, model, ModelManifest.FILE)));
      return new PinnedVersion(model, version, sha);
    } catch (ModelException e) {
      throw Faults.of(e, stored::withoutPath);
    }
  }

  @Override
  public PinnedVersion publish(
      String model, String version, Map<String, String> notes, Writer writer) {
    try {
      Optional<PinnedVersion> there = published(model, version);
      if (there.isEmpty()) {
        var unused = new ModelStore(roots.getFirst()).publish(model, version, writer::write, notes);
        return version(model, version);
      }
      return requireSame(there.get(), writer);
    } catch (FileAlreadyExistsException e) {
      return requireSame(version(model, version), writer);
    } catch (IOException e) {
      throw diskFailed(e);
    }
  }

  private Optional<PinnedVersion> published(String model, String version) {
    return ModelStore.find(roots, model, version).map(there -> version(model, version));
  }

  /** Writes the weights aside and compares them with those that are there. */
  private PinnedVersion requireSame(PinnedVersion there, Writer writer) {
    try {
      Path aside = Files.createTempDirectory(Files.createDirectories(checkpoints), "compare");
      try {
        writer.write(aside);
        String sha = ModelManifest.write(aside, Map.of()).weightsSha256().orElse("");
        if (!sha.equals(there.weightsSha256())) {
          throw new MeshException(
              Fault.ALREADY_EXISTS,
              "version '%s' of model '%s' is there with other weights"
                  .formatted(there.version(), there.model()),
              Map.of("model", there.model(), "version", there.version()));
        }
        return there;
      } finally {
        ModelStore.deleteAll(aside);
      }
    } catch (IOException e) {
      throw diskFailed(e);
    }
  }

  @Override
  public void keepCheckpoint(String tenant, String name, Writer writer) {
    Path target = file(tenant, name);
    Path written = target.resolveSibling(name + ".new-" + UUID.randomUUID());
    try {
      DurableMove.createFolders(checkpoints.resolve(tenant));
      try {
        writer.write(written);
        DurableMove.file(written, target);
      } finally {
        Files.deleteIfExists(written);
      }
    } catch (IOException e) {
      throw diskFailed(e);
    }
  }

  @Override
  public Path checkpoint(String tenant, String name) {
    Path file = file(tenant, name);
    if (!Files.isRegularFile(file)) {
      throw Faults.unknown("checkpoint", name);
    }
    return file;
  }

  @Override
  public List<Kept> checkpoints(String tenant) {
    Path folder = checkpoints.resolve(Faults.requireFileName("tenant", tenant));
    if (!Files.isDirectory(folder)) {
      return List.of();
    }
    List<Kept> all = new ArrayList<>();
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.toList()) {
        kept(file).ifPresent(all::add);
      }
    } catch (IOException e) {
      throw diskFailed(e);
    }
    all.sort(Comparator.comparing(Kept::keptAt).reversed().thenComparing(Kept::name));
    return all;
  }

  /** What a file is a checkpoint of; empty: of nothing, or it has just gone. */
  private static Optional<Kept> kept(Path file) throws IOException {
    String name = String.valueOf(file.getFileName());
    if (!name.endsWith(CHECKPOINT)) {
      return Optional.empty();
    }
    try {
      BasicFileAttributes attributes = Files.readAttributes(file, BasicFileAttributes.class);
      return Optional.of(
          new Kept(
              name.substring(0, name.length() - CHECKPOINT.length()),
              attributes.size(),
              attributes.lastModifiedTime().toInstant()));
    } catch (NoSuchFileException e) {
      return Optional.empty();
    }
  }

  @Override
  public void deleteCheckpoint(String tenant, String name) {
    try {
      if (!Files.deleteIfExists(file(tenant, name))) {
        throw Faults.unknown("checkpoint", name);
      }
    } catch (IOException e) {
      throw diskFailed(e);
    }
  }

  @Override
  public void forgetCheckpoints(String tenant, String prefix, Set<String> kept) {
    Path folder = checkpoints.resolve(Faults.requireFileName("tenant", tenant));
    if (!Files.isDirectory(folder)) {
      return;
    }
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.toList()) {
        String name = String.valueOf(file.getFileName());
        if (name.startsWith(prefix)
            && kept.stream().noneMatch(each -> name.equals(each + CHECKPOINT))) {
          Files.deleteIfExists(file);
        }
      }
    } catch (IOException e) {
      throw diskFailed(e);
    }
  }

  private Path file(String tenant, String name) {
    return checkpoints
        .resolve(Faults.requireFileName("tenant", tenant))
        .resolve(Faults.requireFileName("checkpoint", name) + CHECKPOINT);
  }

  /** The cause, which is logged, has the path; a caller is told what is wrong with it. */
  private static MeshException diskFailed(IOException e) {
    String reason =
        e instanceof FileSystemException file
            ? Objects.requireNonNullElse(file.getReason(), e.getClass().getSimpleName())
            : String.valueOf(e.getMessage());
    return new MeshException(
        Fault.DEPENDENCY_DOWN, "the folder of weights cannot be used: " + reason, e);
  }
}
