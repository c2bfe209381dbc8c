package io.ballast.inference.torch;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.OptionalInt;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.pytorch.global.torch;
import org.jspecify.annotations.Nullable;

/**
 * What multiplies matrices of 32 bits for libtorch: oneMKL, where it is on the class path and the
 * JVM was started with {@code -Dorg.bytedeco.openblas.load=mkl_rt}, else OpenBLAS.
 */
final class ProductsLibrary {
  /** {@code MKL_THREADING_GNU}: the threads that libtorch has too, not a second pool of them. */
  private static final int THREADS_OF_LIBTORCH = 3;

  /**
   * {@code MKL_CBWR_AUTO}: on one processor, equal numbers give equal products wherever they lie.
   */
  private static final int REPRODUCIBLE = 2;

  private ProductsLibrary() {}

  /**
   * Settles what only can be settled before the first product, whatever the environment says:
   * oneMKL ends the process if it is told of threads by a library that is not there.
   *
   * @return the library's name
   */
  static String settle() {
    Loader.load(torch.class);
    OptionalInt threads = call("MKL_Set_Threading_Layer", THREADS_OF_LIBTORCH);
    if (threads.isEmpty()) {
      return "OpenBLAS";
    }
    require("MKL_Set_Threading_Layer", THREADS_OF_LIBTORCH, threads);
    require("MKL_CBWR_Set", 0, call("MKL_CBWR_Set", REPRODUCIBLE));
    return "oneMKL";
  }

  private static void require(String function, int expected, OptionalInt answer) {
    if (answer.isEmpty() || answer.getAsInt() != expected) {
      throw new IllegalStateException(
          "%s: %s (expected: %d)".formatted(function, answer, expected));
    }
  }

  /** Calls {@code int function(int)}, if a library that is loaded has it. */
  private static OptionalInt call(String function, int argument) {
    @Nullable Pointer address = Loader.addressof(function);
    if (address == null) {
      return OptionalInt.empty();
    }
    MethodHandle handle =
        Linker.nativeLinker()
            .downcallHandle(
                MemorySegment.ofAddress(address.address()),
                FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));
    try {
      return OptionalInt.of((int) handle.invokeExact(argument));
    } catch (Throwable e) {
      throw new IllegalStateException(function, e);
    }
  }
}
