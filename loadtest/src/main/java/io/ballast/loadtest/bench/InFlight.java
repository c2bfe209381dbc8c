package io.ballast.loadtest.bench;

import com.sun.management.OperatingSystemMXBean;
import io.ballast.inference.triton.InferRequest;
import io.ballast.inference.triton.KServeClient;
import io.ballast.inference.triton.Tensor;
import java.lang.management.ManagementFactory;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/** Our client with so many requests under way at a time, each a copy of the same numbers. */
record InFlight(KServeClient client, float[] numbers, int atOnce, LongSupplier nanoTime) {
  private static final OperatingSystemMXBean PROCESS =
      ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class);

  /**
   * Makes requests; the time of this process's cores counts whole, compilers and collector too.
   *
   * @throws IllegalStateException if an answer is not the copy
   */
  RequestWork requests(String model, int requests) {
    Semaphore room = new Semaphore(atOnce);
    AtomicReference<@Nullable Throwable> failed = new AtomicReference<>();
    long cpu = PROCESS.getProcessCpuTime();
    long start = nanoTime.getAsLong();
    for (int i = 0; i < requests && failed.get() == null; i++) {
      room.acquireUninterruptibly();
      var unused =
          client
              .inferAsync(
                  InferRequest.of(model)
                      .input(Tensor.floats("X", List.of(1L, (long) numbers.length), numbers))
                      .output("Y")
                      .build())
              .thenAccept(answer -> requireCopy(answer.output("Y").floats()))
              .whenComplete(
                  (done, failure) -> {
                    failed.compareAndSet(null, failure);
                    room.release();
                  });
    }
    room.acquireUninterruptibly(atOnce);
    double seconds = (nanoTime.getAsLong() - start) / 1e9;
    Throwable failure = failed.get();
    if (failure != null) {
      throw new IllegalStateException("a request in flight failed", failure);
    }
    return new RequestWork(requests, seconds, (PROCESS.getProcessCpuTime() - cpu) / 1e9);
  }

  private void requireCopy(float[] answer) {
    if (answer.length != numbers.length || answer[1] != numbers[1]) {
      throw new IllegalStateException("Triton's copy differs from what it was given");
    }
  }
}
