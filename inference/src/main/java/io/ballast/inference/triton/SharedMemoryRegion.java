package io.ballast.inference.triton;

import com.google.protobuf.ByteString;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Memory that client and server share, under a name of its own. Close it: the server forgets it
 * then, and the memory is given back. After a server has restarted, {@link SharedMemory#register}
 * it again. Its bytes are whoever's writes them: who writes while a request reads gets nonsense.
 */
public final class SharedMemoryRegion implements AutoCloseable {
  private final SharedMemory memory;
  private final SharedMemoryFile file;
  private final Arena arena = Arena.ofShared();
  private final MemorySegment segment;
  private final AtomicBoolean closed = new AtomicBoolean();

  /** The file is the region's from now on; it is deleted if it cannot be one. */
  SharedMemoryRegion(SharedMemory memory, SharedMemoryFile file) {
    this.memory = memory;
    this.file = file;
    try {
      this.segment = file.map(arena);
    } catch (RuntimeException e) {
      arena.close();
      file.delete();
      throw e;
    }
  }

  /** Its name on the server. */
  public String name() {
    return file.name();
  }

  /** The name by which the server opens it. */
  String key() {
    return "/" + file.name();
  }

  /** How long it is. */
  public long bytes() {
    return segment.byteSize();
  }

  /** Returns some of its bytes, for an output to be written to. */
  public SharedSlice slice(long offset, long bytes) {
    return new SharedSlice(this, offset, bytes);
  }

  /**
   * Writes a tensor's elements from {@code offset} on, and returns the tensor that lies there.
   *
   * @throws IllegalArgumentException if it does not fit
   */
  public SharedTensor write(long offset, Tensor tensor) {
    SharedSlice slice = slice(offset, tensor.content().size());
    tensor.content().copyTo(segment.asSlice(offset, slice.bytes()).asByteBuffer());
    return new SharedTensor(tensor.name(), tensor.type(), tensor.shape(), slice);
  }

  /**
   * Returns a copy of the elements of a tensor at the beginning of {@code slice}.
   *
   * @throws IllegalArgumentException if the slice is too short for them
   * @throws IllegalStateException if the region is closed
   */
  ByteString read(SharedSlice slice, String name, TensorType type, List<Long> shape) {
    long most = Math.min(slice.bytes(), Integer.MAX_VALUE); // of a buffer, and of an answer
    ByteBuffer bytes = segment.asSlice(slice.offset(), most).asByteBuffer();
    return ByteString.copyFrom(bytes, Tensor.length(name, type, shape, bytes));
  }

  /** Has the server forget it, and gives the memory back, whether or not the server is there. */
  @Override
  public void close() {
    if (!closed.compareAndSet(false, true)) {
      return;
    }
    try {
      memory.unregisterQuietly(name());
    } finally {
      file.delete();
      arena.close();
    }
  }
}
