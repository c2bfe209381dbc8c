package io.ballast.inference.triton;

import com.google.protobuf.ByteString;
import io.ballast.inference.triton.TritonException.Reason;
import io.ballast.kserve.v2.GRPCInferenceServiceGrpc;
import io.ballast.kserve.v2.ModelRepositoryParameter;
import io.ballast.kserve.v2.RepositoryIndexRequest;
import io.ballast.kserve.v2.RepositoryModelLoadRequest;
import io.ballast.kserve.v2.RepositoryModelUnloadRequest;
import io.grpc.Deadline;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** The models of a server, and loading and unloading them. */
public final class ModelRepository {
  private static final long POLL_NANOS = TimeUnit.MILLISECONDS.toNanos(10);

  private final KServeClient client;
  private final Calls calls;
  private final KServeSettings settings;

  ModelRepository(KServeClient client, Calls calls, KServeSettings settings) {
    this.client = client;
    this.calls = calls;
    this.settings = settings;
  }

  /** How a version stands. */
  public enum State {
    /** It was never asked for. */
    NEVER_LOADED,
    READY,
    LOADING,
    UNLOADING,
    /** It was unloaded, or failed to load; the entry's reason says which. */
    UNAVAILABLE,
    /** The server does not know, or says what this client does not know. */
    UNKNOWN
  }

  /**
   * One version of a model.
   *
   * @param version empty where none is loaded
   * @param reason why it stands so; may be empty
   */
  public record Entry(String model, String version, State state, String reason) {}

  /**
   * What a model is loaded with instead of what the repository has.
   *
   * @param config a configuration as JSON; empty: the repository's. It sticks: later plain loads
   *     keep it, until the model is unloaded
   * @param files by their path below the model's folder, such as {@code 1/model.py}; they need a
   *     config, and replace the repository's files altogether
   */
  public record Override(Optional<String> config, Map<String, ByteString> files) {
    public Override {
      files = Map.copyOf(files);
      if (config.isEmpty() && !files.isEmpty()) {
        throw new IllegalArgumentException("config: none (expected: one, beside files)");
      }
    }

    /** Another configuration for the repository's files. */
    public static Override config(String json) {
      return new Override(Optional.of(json), Map.of());
    }
  }

  /** Returns the versions that the server's repositories have, loaded or not. */
  public List<Entry> index() {
    return index(false);
  }

  /** Returns the versions that take inferences. */
  public List<Entry> indexOfReady() {
    return index(true);
  }

  /** Loads a model, or what has changed of it, and waits until it is ready. */
  public void load(String model) {
    load(model, new Override(Optional.empty(), Map.of()));
  }

  /** Loads a model otherwise than the repository has it, and waits until it is ready. */
  public void load(String model, Override override) {
    RepositoryModelLoadRequest.Builder request =
        RepositoryModelLoadRequest.newBuilder().setModelName(model);
    override
        .config()
        .ifPresent(
            json ->
                request.putParameters(
                    "config", ModelRepositoryParameter.newBuilder().setStringParam(json).build()));
    override
        .files()
        .forEach(
            (path, content) ->
                request.putParameters(
                    "file:" + path,
                    ModelRepositoryParameter.newBuilder().setBytesParam(content).build()));
    try {
      var unused =
          calls.unary(
              GRPCInferenceServiceGrpc.getRepositoryModelLoadMethod(),
              request.build(),
              settings.loadDeadline(),
              subject(model));
    } catch (TritonException e) {
      throw asLoadFailure(e);
    } finally {
      client.forget(model);
    }
  }

  /** Unloads a model, as {@link #unload(String, boolean)} says, and nothing that it is made of. */
  public void unload(String model) {
    unload(model, false);
  }

  /**
   * Unloads a model: it takes no request from now on. Those under way are answered first; only then
   * is its memory free, for which {@link #awaitUnloaded} waits.
   *
   * @param dependents whether models that were loaded because of this one go too
   */
  public void unload(String model, boolean dependents) {
    try {
      var unused =
          calls.unary(
              GRPCInferenceServiceGrpc.getRepositoryModelUnloadMethod(),
              RepositoryModelUnloadRequest.newBuilder()
                  .setModelName(model)
                  .putParameters(
                      "unload_dependents",
                      ModelRepositoryParameter.newBuilder().setBoolParam(dependents).build())
                  .build(),
              settings.loadDeadline(),
              subject(model));
    } finally {
      client.forget(model);
    }
  }

  /**
   * Unloads a model and loads it as the repository has it: brings a dead process back to life and
   * ends overrides, which a plain load does not. What the old one has under way is still answered.
   */
  public void reload(String model) {
    unload(model);
    load(model);
  }

  /**
   * Waits until no version of a model is ready or being unloaded any more. Triton's index loses a
   * model that was sent as files at once; its process may take a second more.
   *
   * @throws TritonException SILENT if that takes longer than loading may, as with requests that are
   *     never answered
   */
  public void awaitUnloaded(String model) {
    Deadline deadline = Calls.deadline(settings.loadDeadline());
    while (true) {
      List<Entry> left =
          index(false).stream()
              .filter(entry -> entry.model().equals(model))
              .filter(entry -> entry.state() == State.READY || entry.state() == State.UNLOADING)
              .toList();
      if (left.isEmpty()) {
        return;
      }
      if (deadline.isExpired()) {
        throw new TritonException(
            Reason.SILENT,
            "%s: still %s"
                .formatted(
                    subject(model), left.getFirst().state().name().toLowerCase(Locale.ROOT)));
      }
      LockSupport.parkNanos(POLL_NANOS);
    }
  }

  private List<Entry> index(boolean ready) {
    return calls
        .unary(
            GRPCInferenceServiceGrpc.getRepositoryIndexMethod(),
            RepositoryIndexRequest.newBuilder().setReady(ready).build(),
            settings.controlDeadline(),
            "repository")
        .getModelsList()
        .stream()
        .map(
            wire ->
                new Entry(
                    wire.getName(), wire.getVersion(), state(wire.getState()), wire.getReason()))
        .toList();
  }

  private static State state(String wire) {
    return switch (wire) {
      case "" -> State.NEVER_LOADED;
      case "READY" -> State.READY;
      case "LOADING" -> State.LOADING;
      case "UNLOADING" -> State.UNLOADING;
      case "UNAVAILABLE" -> State.UNAVAILABLE;
      default -> State.UNKNOWN;
    };
  }

  /** Whatever the server's code for it is, a model that it will not load is that. */
  private static TritonException asLoadFailure(TritonException e) {
    return switch (e.reason()) {
      case BAD_REQUEST, SERVER_FAILED, MODEL_FAILED, UNKNOWN_MODEL ->
          new TritonException(Reason.LOAD_FAILED, String.valueOf(e.getMessage()), e);
      default -> e;
    };
  }

  private static String subject(String model) {
    return "model '" + model + "'";
  }
}
