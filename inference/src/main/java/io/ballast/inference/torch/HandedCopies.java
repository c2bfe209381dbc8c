package io.ballast.inference.torch;

import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Versions that one server of a process hands to another without a folder. A copy is there, and
 * stays in memory, as long as somebody holds it: who handed it over, and whoever reads from it
 * meanwhile. Safe for use by many threads.
 */
public final class HandedCopies {
  private final Map<Name, Shared> copies = new HashMap<>();

  private record Name(String model, String version) {}

  /** A copy and how many hold it; guarded by the copies. */
  private static final class Shared {
    private final DecoderCopy copy;
    private int holds;

    Shared(DecoderCopy copy) {
      this.copy = copy;
    }
  }

  /**
   * Hands a version over. If it is there already this is one hold more on it.
   *
   * @param copy belongs to these from now on, whatever happens
   * @throws MeshException ALREADY_EXISTS if the version is there with other weights
   */
  public synchronized Hold hand(String model, String version, DecoderCopy copy) {
    Name name = new Name(model, version);
    Shared there = copies.get(name);
    if (there == null) {
      there = new Shared(copy);
      copies.put(name, there);
      return new Hold(name, there);
    }
    String sha = copy.weightsSha256();
    copy.close();
    if (!there.copy.weightsSha256().equals(sha)) {
      throw new MeshException(
          Fault.ALREADY_EXISTS,
          "version '%s' of model '%s' is there with other weights".formatted(version, model),
          Map.of("model", model, "version", version));
    }
    return new Hold(name, there);
  }

  /** Holds a version; empty if it is not there, or no longer. */
  public synchronized Optional<Hold> find(String model, String version) {
    Name name = new Name(model, version);
    return Optional.ofNullable(copies.get(name)).map(shared -> new Hold(name, shared));
  }

  /** What keeps a copy in memory. */
  public final class Hold implements AutoCloseable {
    private final Name name;
    private final Shared shared;
    private final AtomicBoolean closed = new AtomicBoolean();

    /** The caller has locked the copies. */
    private Hold(Name name, Shared shared) {
      this.name = name;
      this.shared = shared;
      shared.holds++;
    }

    /** The copy, which may be read from until this is closed. */
    public DecoderCopy copy() {
      return shared.copy;
    }

    /** Lets go; the last who does frees the memory. A second time has no effect. */
    @Override
    public void close() {
      if (closed.compareAndSet(false, true)) {
        release(name, shared);
      }
    }
  }

  private synchronized void release(Name name, Shared shared) {
    shared.holds--;
    if (shared.holds == 0) {
      copies.remove(name);
      shared.copy.close();
    }
  }
}
