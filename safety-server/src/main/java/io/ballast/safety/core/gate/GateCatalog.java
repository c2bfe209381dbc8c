package io.ballast.safety.core.gate;

import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Function;

/**
 * The gate versions that serve, and those that decisions are replayed with. The former are asked
 * side by side; the latter one at a time, loaded when they are first asked for. Thread-safe.
 */
final class GateCatalog implements AutoCloseable {
  private static final int MOST_PINNED = 8;

  private record Key(GateStage stage, GateChoice choice) {}

  private final GateSource source;
  private final Map<Key, StageModel> pinned = new LinkedHashMap<>(16, 0.75f, true);
  private Pair serving; // guarded by this

  GateCatalog(GateSource source, GateChoice context, GateChoice suggestion) {
    this.source = source;
    this.serving = new Pair(source, context, suggestion);
  }

  /**
   * The models of both stages, which are swapped together. Its counts are guarded by the catalog.
   */
  private static final class Pair {
    private final Map<GateStage, GateChoice> choices = new EnumMap<>(GateStage.class);
    private final Map<GateStage, StageModel> models = new EnumMap<>(GateStage.class);
    private int users;
    private boolean retired;

    Pair(GateSource source, GateChoice context, GateChoice suggestion) {
      choices.put(GateStage.CONTEXT, context);
      choices.put(GateStage.SUGGESTION, suggestion);
      choices.forEach((stage, choice) -> models.put(stage, new StageModel(stage, choice, source)));
    }

    void close() {
      models.values().forEach(StageModel::close);
    }
  }

  /** The pair that serves, for one call: it stays open, and the same, until this is closed. */
  final class Held implements AutoCloseable {
    private final Pair pair;

    private Held(Pair pair) {
      this.pair = pair;
    }

    /** The model that serves. */
    AcceptModel serving(GateStage stage) {
      return Objects.requireNonNull(pair.models.get(stage)).get();
    }

    /**
     * Works with a version.
     *
     * @throws MeshException UNKNOWN_MODEL if there is none, CORRUPT_WEIGHTS if a checksum differs,
     *     PRECONDITION_FAILED if its weights or its folder are others than those of the pin
     */
    <T> T use(GateStage stage, Optional<GateCall.Pin> pin, Function<AcceptModel, T> work) {
      if (pin.isEmpty()) {
        return work.apply(serving(stage));
      }
      if (pin.get().choice().equals(pair.choices.get(stage))) {
        return work.apply(checked(serving(stage), pin.get()));
      }
      return usePinned(stage, pin.get(), work);
    }

    @Override
    public void close() {
      release(pair);
    }
  }

  /** The pair that serves now. */
  synchronized Held hold() {
    serving.users++;
    return new Held(serving);
  }

  private void release(Pair pair) {
    boolean last;
    synchronized (this) {
      pair.users--;
      last = pair.retired && pair.users == 0;
    }
    if (last) {
      pair.close();
    }
  }

  /**
   * Lets another pair serve, after both are loaded; calls that have the one before keep it.
   *
   * @return whether it is another
   * @throws MeshException if one of the two cannot be loaded: nothing is turned then
   */
  boolean turn(GateChoice context, GateChoice suggestion) {
    Pair next = new Pair(source, context, suggestion);
    synchronized (this) {
      if (serving.choices.equals(next.choices)) {
        return false;
      }
    }
    try {
      next.models.values().forEach(StageModel::get);
    } catch (MeshException e) {
      next.close();
      throw e;
    }
    Pair before;
    boolean idle;
    synchronized (this) {
      before = serving;
      serving = next;
      before.retired = true;
      idle = before.users == 0;
    }
    if (idle) {
      before.close();
    }
    return true;
  }

  private synchronized Pair serving() {
    return serving;
  }

  /** Loads the models that serve and are there; returns what kept the others from being loaded. */
  List<MeshException> warmUp() {
    return serving().models.values().stream()
        .map(StageModel::warmUp)
        .filter(Objects::nonNull)
        .toList();
  }

  /** The models that serve and are loaded. */
  List<AcceptModel> loaded() {
    return serving().models.values().stream().flatMap(stage -> stage.loaded().stream()).toList();
  }

  private synchronized <T> T usePinned(
      GateStage stage, GateCall.Pin pin, Function<AcceptModel, T> work) {
    Key key = new Key(stage, pin.choice());
    StageModel known = pinned.get(key);
    StageModel model = known == null ? new StageModel(stage, pin.choice(), source) : known;
    AcceptModel opened = model.get(); // one that cannot be loaded is not remembered
    if (known == null) {
      pinned.put(key, model);
      if (pinned.size() > MOST_PINNED) {
        var oldest = pinned.entrySet().iterator();
        oldest.next().getValue().close();
        oldest.remove();
      }
    }
    return work.apply(checked(opened, pin));
  }

  private static AcceptModel checked(AcceptModel model, GateCall.Pin pin) {
    requireSame(model, "weights", model.id().weightsSha256(), pin.weightsSha256());
    requireSame(model, "folder", model.folderSha256(), pin.folderSha256());
    return model;
  }

  private static void requireSame(AcceptModel model, String what, String found, String pinned) {
    if (!pinned.isEmpty() && !pinned.equals(found)) {
      throw new MeshException(
          Fault.PRECONDITION_FAILED,
          "gate model '%s', version '%s': %s %s (expected: %s)"
              .formatted(model.id().model(), model.id().version(), what, found, pinned),
          Map.of("model", model.id().model(), "version", model.id().version()));
    }
  }

  @Override
  public synchronized void close() {
    serving.close();
    pinned.values().forEach(StageModel::close);
    pinned.clear();
  }
}
