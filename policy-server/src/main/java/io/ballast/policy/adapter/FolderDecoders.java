package io.ballast.policy.adapter;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.memory.MemoryBudget;
import io.ballast.inference.memory.MemoryNeed;
import io.ballast.inference.store.ModelManifest;
import io.ballast.inference.store.ModelStore;
import io.ballast.inference.store.ModelStore.StoredModel;
import io.ballast.inference.torch.DecoderConfig;
import io.ballast.inference.torch.KeptVocabulary;
import io.ballast.inference.torch.ServingOptions;
import io.ballast.inference.torch.TorchDecoder;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.call.Texts;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.policy.core.ModelFaults;
import io.ballast.policy.core.version.DecoderLoader;
import io.ballast.policy.core.version.FolderFacts;
import io.ballast.policy.core.version.LoadedDecoder;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Decoders of model folders {@code <root>/<model>/<version>/}, on libtorch. Thread-safe. */
public final class FolderDecoders implements DecoderLoader {
  private final List<Path> roots;
  private final ServingOptions serving;
  private final MemoryBudget memory;
  private final KeptVocabulary vocabulary;

  /**
   * @param roots in the order of search
   * @param serving how much one decoder takes on at once
   * @param memory what all decoders of this process may take
   * @param vocabulary kept for the next that has the same tokenizer
   */
  public FolderDecoders(
      List<Path> roots, ServingOptions serving, MemoryBudget memory, KeptVocabulary vocabulary) {
    this.roots = List.copyOf(roots);
    this.serving = serving;
    this.memory = memory;
    this.vocabulary = vocabulary;
  }

  @Override
  public FolderFacts inspect(String model, String version) {
    return inspect(find(model, version));
  }

  @Override
  public String folderSha256(String model, String version) {
    Optional<StoredModel> stored = ModelStore.find(roots, model, version);
    try {
      return stored
          .flatMap(found -> ModelManifest.read(found.folder()))
          .map(ModelManifest::contentSha256)
          .orElse("");
    } catch (ModelException e) {
      throw ModelFaults.toCallFailure(e, stored.orElseThrow()::withoutPath);
    }
  }

  @Override
  public LoadedDecoder load(PinnedVersion version) {
    StoredModel stored = find(version.model(), version.version());
    try {
      ModelManifest manifest = manifest(stored);
      String recorded = weightsSha256(manifest); // which loading compares with the file's
      requireRegistered(version, recorded);
      String name = version.model() + "/" + version.version();
      requireFitsAlone(name, DecoderConfig.read(stored.folder()), serving, memory);
      TorchDecoder decoder = TorchDecoder.load(stored.folder(), serving, name, memory, vocabulary);
      requireSame(name, manifest, stored, decoder);
      return new LoadedDecoder(decoder, manifest.contentSha256());
    } catch (ModelException e) {
      throw ModelFaults.toCallFailure(e, stored::withoutPath);
    }
  }

  /** Files were verified against the manifest of then and read afterwards. */
  private static void requireSame(
      String name, ModelManifest before, StoredModel stored, TorchDecoder decoder) {
    try {
      String after = manifest(stored).contentSha256();
      if (!after.equals(before.contentSha256())) {
        throw new MeshException(
            Fault.VERSION_CONFLICT,
            "%s: its folder became another while it was loaded: folder_sha256 %s (expected: %s)"
                .formatted(name, after, before.contentSha256()));
      }
    } catch (RuntimeException e) {
      decoder.close();
      throw e;
    }
  }

  /** Refuses weights that are not those that a version was registered with. */
  static void requireRegistered(PinnedVersion version, String found) {
    if (!found.equals(version.weightsSha256())) {
      throw new MeshException(
          Fault.CORRUPT_WEIGHTS,
          "version %s of %s was registered with weights %s, and there are %s"
              .formatted(version.version(), version.model(), version.weightsSha256(), found),
          Map.of("model", version.model(), "version", version.version()));
    }
  }

  /** What never fits is no matter of waiting. */
  static void requireFitsAlone(
      String name, DecoderConfig config, ServingOptions serving, MemoryBudget memory) {
    MemoryNeed need = TorchDecoder.memoryNeed(config, serving);
    if (need.bytes() > memory.limitBytes()) {
      throw new MeshException(
          Fault.PRECONDITION_FAILED,
          "%s: needs %s, more than ballast.policy.memory-mebibytes: %,d"
              .formatted(name, need, memory.limitBytes() >> 20));
    }
  }

  private StoredModel find(String model, String version) {
    Texts.requireName("model", model);
    Texts.requireName("version", version);
    return ModelStore.find(roots, model, version)
        .orElseThrow(
            () ->
                new MeshException(
                    Fault.UNKNOWN_MODEL,
                    "no model folder has version %s of %s".formatted(version, model),
                    Map.of("model", model, "version", version)));
  }

  private static FolderFacts inspect(StoredModel stored) {
    try {
      ModelManifest manifest = manifest(stored);
      manifest.verify(stored.folder());
      String sha = weightsSha256(manifest);
      DecoderConfig config = DecoderConfig.read(stored.folder());
      return new FolderFacts(sha, config.parameterCount(), config.contextTokens());
    } catch (ModelException e) {
      throw ModelFaults.toCallFailure(e, stored::withoutPath);
    }
  }

  private static ModelManifest manifest(StoredModel stored) {
    return ModelManifest.read(stored.folder()).orElseThrow(() -> missing(ModelManifest.FILE));
  }

  private static String weightsSha256(ModelManifest manifest) {
    return manifest.weightsSha256().orElseThrow(() -> missing(ModelManifest.WEIGHTS));
  }

  private static ModelException missing(String file) {
    return new ModelException(
        ModelException.Reason.INVALID_FOLDER, file + ": the file is missing or not listed");
  }
}
