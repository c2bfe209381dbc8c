package io.ballast.inference.torch;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Optional;
import org.bytedeco.pytorch.global.torch;

/** Settings of libtorch that hold for the whole process. */
public final class TorchRuntime {
  /** Keys of glibc's {@code mallopt}, see its manual page. */
  private static final int TRIM_THRESHOLD = -1;

  private static final int MMAP_THRESHOLD = -3;
  private static final int KEPT_BYTES = 1 << 30;

  private static final Optional<MethodHandle> MALLOC_TRIM =
      ofAllocator("malloc_trim", ValueLayout.JAVA_LONG);

  private static final String PRODUCTS;

  static {
    keepFreedMemory();
    PRODUCTS = ProductsLibrary.settle();
    torch.set_num_threads(1);
  }

  private TorchRuntime() {}

  /**
   * Sets how many threads one operation may use; one unless this is called. On shared or busy cores
   * one is quickest by far: more threads wait for each other, spinning.
   *
   * @param count ≥ 1
   */
  public static void setThreads(int count) {
    if (count < 1) {
      throw new IllegalArgumentException("threads: " + count + " (expected: ≥ 1)");
    }
    torch.set_num_threads(count);
  }

  /** How many threads one operation may use. */
  public static int threads() {
    return torch.get_num_threads();
  }

  /** Which library multiplies matrices of 32 bits, for people: oneMKL or OpenBLAS. */
  public static String productsBy() {
    return PRODUCTS;
  }

  /** Loads the natives and settles the memory allocator; does nothing the second time. */
  static void prepare() {
    threads();
  }

  /**
   * Gives the memory back that tensors have freed and the allocator keeps; some milliseconds, and
   * what is taken next costs page faults. For when something big is gone for good. Other allocators
   * than glibc's do not have the function: they do as they see fit.
   */
  static void releaseFreedMemory() {
    Optional<MethodHandle> trim = MALLOC_TRIM;
    if (trim.isEmpty()) {
      return;
    }
    try {
      int unused = (int) trim.get().invokeExact(0L);
    } catch (Throwable e) {
      throw new IllegalStateException("malloc_trim", e);
    }
  }

  /**
   * Lets glibc keep what tensors free. By default it maps and unmaps each big tensor anew, and the
   * page faults took a fifth of a training step. Other allocators do not have the function.
   */
  private static void keepFreedMemory() {
    Optional<MethodHandle> found =
        ofAllocator("mallopt", ValueLayout.JAVA_INT, ValueLayout.JAVA_INT);
    if (found.isEmpty()) {
      return;
    }
    MethodHandle mallopt = found.get();
    try {
      int unused = (int) mallopt.invokeExact(MMAP_THRESHOLD, KEPT_BYTES);
      unused = (int) mallopt.invokeExact(TRIM_THRESHOLD, KEPT_BYTES);
    } catch (Throwable e) {
      throw new IllegalStateException("mallopt", e);
    }
  }

  /** A function of the allocator that returns an int, if there is one of that name. */
  private static Optional<MethodHandle> ofAllocator(String name, MemoryLayout... arguments) {
    Linker linker = Linker.nativeLinker();
    return linker
        .defaultLookup()
        .find(name)
        .map(
            address ->
                linker.downcallHandle(
                    address, FunctionDescriptor.of(ValueLayout.JAVA_INT, arguments)));
  }
}
