package io.ballast.inference.triton;

import io.ballast.inference.triton.TritonException.Reason;
import io.ballast.kserve.v2.CudaSharedMemoryStatusRequest;
import io.ballast.kserve.v2.GRPCInferenceServiceGrpc;
import io.ballast.kserve.v2.SystemSharedMemoryRegisterRequest;
import io.ballast.kserve.v2.SystemSharedMemoryStatusRequest;
import io.ballast.kserve.v2.SystemSharedMemoryUnregisterRequest;
import io.grpc.Context;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Memory that client and server share; both must be on one machine, and see one another's. */
public final class SharedMemory {
  private static final Logger LOG = LoggerFactory.getLogger(SharedMemory.class);

  /** Where Linux keeps shared-memory objects. */
  private static final Path FOLDER = Path.of("/dev/shm");

  private final Calls calls;
  private final KServeSettings settings;

  SharedMemory(Calls calls, KServeSettings settings) {
    this.calls = calls;
    this.settings = settings;
  }

  /**
   * A region that the server knows.
   *
   * @param key the name by which it opened it
   */
  public record Registration(String name, String key, long offset, long bytes) {}

  /**
   * Creates a region and registers it. What processes that have ended left behind is removed first,
   * here and on the server.
   *
   * @throws TritonException NOT_HERE where the system has no shared memory in a folder, or no room
   *     for so much
   */
  public SharedMemoryRegion create(long bytes) {
    if (bytes < 1) {
      throw new IllegalArgumentException("bytes: " + bytes + " (expected: ≥ 1)");
    }
    if (!Files.isDirectory(FOLDER)) {
      throw new TritonException(
          Reason.NOT_HERE, "shared memory: there is no " + FOLDER + " on this system");
    }
    removeLeft();
    SharedMemoryRegion region =
        new SharedMemoryRegion(this, SharedMemoryFile.create(FOLDER, bytes));
    try {
      register(region);
      return region;
    } catch (RuntimeException e) {
      region.close();
      throw e;
    }
  }

  /** Registers a region, as after the server has restarted. */
  public void register(SharedMemoryRegion region) {
    register(region.name(), region.key(), 0, region.bytes());
  }

  /** Registers an object that somebody else made. */
  public void register(String name, String key, long offset, long bytes) {
    var unused =
        calls.unary(
            GRPCInferenceServiceGrpc.getSystemSharedMemoryRegisterMethod(),
            SystemSharedMemoryRegisterRequest.newBuilder()
                .setName(name)
                .setKey(key)
                .setOffset(offset)
                .setByteSize(bytes)
                .build(),
            settings.controlDeadline(),
            subject(name));
  }

  /** Returns all regions that the server knows. */
  public List<Registration> registrations() {
    return registrations("");
  }

  /**
   * Returns the region of this name.
   *
   * @throws TritonException UNKNOWN_REGION if there is none
   */
  public Registration registration(String name) {
    return registrations(name).stream()
        .filter(known -> known.name().equals(name))
        .findFirst()
        .orElseThrow(
            () -> new TritonException(Reason.UNKNOWN_REGION, subject(name) + ": there is none"));
  }

  /** Has the server forget a region; one that it does not know is forgotten already. */
  public void unregister(String name) {
    if (name.isEmpty()) {
      throw new IllegalArgumentException("region: no name");
    }
    unregisterNamed(name);
  }

  /** Has the server forget all regions, those of others too. */
  public void unregisterAll() {
    unregisterNamed("");
  }

  /** Removes what processes that have ended left behind, here and on the server. */
  public void removeLeft() {
    for (String name : SharedMemoryFile.deleteLeft(FOLDER)) {
      LOG.info("removed the shared memory {} that an ended process left", name);
      unregisterQuietly(name);
    }
  }

  /** Returns how many regions of GPU memory the server knows: all that can be asked from here. */
  public int cudaRegions() {
    return calls
        .unary(
            GRPCInferenceServiceGrpc.getCudaSharedMemoryStatusMethod(),
            CudaSharedMemoryStatusRequest.getDefaultInstance(),
            settings.controlDeadline(),
            "CUDA shared memory")
        .getRegionsCount();
  }

  /**
   * Would create a region in a GPU's memory.
   *
   * @throws TritonException always, NOT_HERE: this client runs without CUDA
   */
  public SharedMemoryRegion createCuda(int device, long bytes) {
    throw new TritonException(
        Reason.NOT_HERE,
        "CUDA shared memory: %,d bytes on device %d, but this client runs without CUDA"
            .formatted(bytes, device));
  }

  /**
   * Has the server forget a region if it can, also on behalf of a caller who has left: what it does
   * not forget it keeps in memory until it ends. Here the memory goes in any case.
   */
  void unregisterQuietly(String name) {
    try {
      Context.current().fork().run(() -> unregisterNamed(name));
    } catch (TritonException e) {
      LOG.debug("not unregistered: {}", e.getMessage());
    }
  }

  private void unregisterNamed(String name) {
    var unused =
        calls.unary(
            GRPCInferenceServiceGrpc.getSystemSharedMemoryUnregisterMethod(),
            SystemSharedMemoryUnregisterRequest.newBuilder().setName(name).build(),
            settings.controlDeadline(),
            subject(name));
  }

  private List<Registration> registrations(String name) {
    return calls
        .unary(
            GRPCInferenceServiceGrpc.getSystemSharedMemoryStatusMethod(),
            SystemSharedMemoryStatusRequest.newBuilder().setName(name).build(),
            settings.controlDeadline(),
            subject(name))
        .getRegionsMap()
        .values()
        .stream()
        .map(
            wire ->
                new Registration(
                    wire.getName(), wire.getKey(), wire.getOffset(), wire.getByteSize()))
        .toList();
  }

  private static String subject(String name) {
    return name.isEmpty() ? "shared memory" : "shared memory '" + name + "'";
  }
}
