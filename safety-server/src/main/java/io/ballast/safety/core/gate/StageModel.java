package io.ballast.safety.core.gate;

import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The model of one stage: loaded at the start if it is there, or with the first call after it has
 * come. One that cannot be loaded is reported with every call, and not tried again. Thread-safe.
 */
final class StageModel implements AutoCloseable {
  private final GateStage stage;
  private final GateChoice choice;
  private final GateSource source;
  private volatile @Nullable AcceptModel model;
  private volatile @Nullable MeshException flaw;

  StageModel(GateStage stage, GateChoice choice, GateSource source) {
    this.stage = stage;
    this.choice = choice;
    this.source = source;
  }

  /** Loads the model if it is there; returns why it cannot be, or null. */
  @Nullable MeshException warmUp() {
    if (source.exists(choice.model(), choice.version())) {
      try {
        var unused = get();
      } catch (MeshException e) {
        return e;
      }
    }
    return null;
  }

  /**
   * The model.
   *
   * @throws MeshException UNKNOWN_MODEL if there is none, CORRUPT_WEIGHTS if a checksum differs
   */
  AcceptModel get() {
    AcceptModel loaded = model;
    return loaded == null ? load() : loaded;
  }

  /** The model, if it is loaded. */
  Optional<AcceptModel> loaded() {
    return Optional.ofNullable(model);
  }

  private synchronized AcceptModel load() {
    if (flaw != null) {
      throw flaw;
    }
    AcceptModel loaded = model;
    if (loaded != null) {
      return loaded;
    }
    if (!source.exists(choice.model(), choice.version())) {
      throw new MeshException(
          Fault.UNKNOWN_MODEL,
          "gate model '%s', version '%s': in none of the model folders; put it there, or set ballast.safety.%s-gate and ballast.safety.%s-gate-version"
              .formatted(choice.model(), choice.version(), label(), label()),
          Map.of("model", choice.model(), "version", choice.version()));
    }
    try {
      loaded = source.open(choice.model(), choice.version());
      if (loaded.spec().stage() != stage) {
        GateStage found = loaded.spec().stage();
        loaded.close();
        throw new MeshException(
            Fault.UNKNOWN_MODEL,
            "gate model '%s', version '%s': stage %s (expected: %s)"
                .formatted(choice.model(), choice.version(), found, stage));
      }
      model = loaded;
      return loaded;
    } catch (MeshException e) {
      flaw = e;
      throw e;
    }
  }

  private String label() {
    return stage.name().toLowerCase(Locale.ROOT);
  }

  @Override
  public synchronized void close() {
    AcceptModel loaded = model;
    if (loaded != null) {
      loaded.close();
      model = null;
    }
  }
}
