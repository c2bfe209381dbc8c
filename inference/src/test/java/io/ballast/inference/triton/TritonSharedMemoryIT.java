package io.ballast.inference.triton;

import static io.ballast.inference.triton.Failures.failure;
import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.inference.triton.SharedMemory.Registration;
import io.ballast.inference.triton.TritonException.Reason;
import io.grpc.Context;
import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Tensors in memory that the real Triton shares. */
class TritonSharedMemoryIT {
  private static final KServeClient CLIENT = SharedTriton.client();
  private static final SharedMemory MEMORY = CLIENT.sharedMemory();
  private static final List<Long> SHAPE = List.of(1L, 4L);

  private static InferRequest request(SharedMemoryRegion region, Tensor tensor, long answerAt) {
    return InferRequest.of("identity")
        .input(region.write(0, tensor))
        .output(
            new RequestedOutput(
                tensor.name(), 0, Optional.of(region.slice(answerAt, region.bytes() - answerAt))))
        .build();
  }

  @Test
  void inputAndOutputPassThroughARegion() {
    Tensor tensor = Tensor.floats("FP32", SHAPE, 1, Float.NaN, -0.0f, 4);
    Tensor texts = Tensor.strings("BYTES", SHAPE, "a", "", "ccc", "d");
    try (SharedMemoryRegion region = MEMORY.create(4_096)) {
      assertThat(MEMORY.registration(region.name()))
          .isEqualTo(new Registration(region.name(), "/" + region.name(), 0, 4_096));

      assertThat(CLIENT.infer(request(region, tensor, 1_024)).outputs()).containsExactly(tensor);
      assertThat(CLIENT.infer(request(region, texts, 1_024)).outputs()).containsExactly(texts);
    }
  }

  @Test
  void aClosedRegionIsForgottenHereAndThere() {
    SharedMemoryRegion region = MEMORY.create(64);
    Path file = Path.of("/dev/shm", region.name());
    assertThat(file).exists();

    region.close();
    region.close();

    assertThat(file).doesNotExist();
    assertThat(MEMORY.registrations()).noneMatch(known -> known.name().equals(region.name()));
    failure(Reason.UNKNOWN_REGION, () -> MEMORY.registration(region.name()));
  }

  @Test
  void theServerForgetsTheRegionOfACallerWhoHasLeftToo() {
    SharedMemoryRegion region = MEMORY.create(64);
    try (Context.CancellableContext caller = Context.current().withCancellation()) {
      caller.cancel(null);

      caller.run(region::close);
    }

    assertThat(MEMORY.registrations()).noneMatch(known -> known.name().equals(region.name()));
  }

  @Test
  void anAnswerThatDoesNotFitIsRefused() {
    Tensor tensor = Tensor.floats("FP32", SHAPE, 1, 2, 3, 4);
    try (SharedMemoryRegion region = MEMORY.create(64)) {
      failure(Reason.SERVER_FAILED, () -> CLIENT.infer(request(region, tensor, 56)));
    }
  }

  @Test
  void whatTheServerRefusesIsNamed() {
    try (SharedMemoryRegion region = MEMORY.create(64)) {
      assertThat(failure(Reason.ALREADY_THERE, () -> MEMORY.register(region)))
          .contains("shared memory region '" + region.name() + "' already in manager");
      assertThat(failure(Reason.SERVER_FAILED, () -> MEMORY.register("absent", "/nonexist", 0, 64)))
          .contains("Unable to open shared memory region: '/nonexist'");
      assertThat(
              failure(
                  Reason.SERVER_FAILED,
                  () -> MEMORY.register("long", "/" + region.name(), 0, 1_000_000)))
          .contains("Invalid shared memory region");
    }
  }

  @Test
  void aPlaceOutsideWhatTheServerKnowsIsRefused() {
    Tensor tensor = Tensor.floats("FP32", SHAPE, 1, 2, 3, 4);
    try (SharedMemoryRegion region = MEMORY.create(64)) {
      MEMORY.unregister(region.name());
      MEMORY.register(region.name(), "/" + region.name(), 0, 32);

      assertThat(failure(Reason.BAD_REQUEST, () -> CLIENT.infer(request(region, tensor, 16))))
          .contains("Invalid offset + byte size for shared memory region: '" + region.name() + "'");
    }
  }

  @Test
  void theServerForgetsARegionAndIsToldAgain() {
    Tensor tensor = Tensor.floats("FP32", SHAPE, 1, 2, 3, 4);
    try (SharedMemoryRegion region = MEMORY.create(64)) {
      MEMORY.unregister(region.name()); // as a server that has restarted
      assertThat(failure(Reason.UNKNOWN_REGION, () -> CLIENT.infer(request(region, tensor, 32))))
          .contains("Unable to find shared memory region: '" + region.name() + "'");

      MEMORY.register(region);

      assertThat(CLIENT.infer(request(region, tensor, 32)).outputs()).containsExactly(tensor);
    }
  }

  @Test
  void whatACrashLeftBehindIsRemovedHereAndThere() throws IOException {
    // what a process that was killed leaves: a file that nobody locks, and its registration
    String name = SharedMemoryFile.PREFIX + "of-a-dead-process";
    Path left = Path.of("/dev/shm", name);
    Files.write(left, new byte[64]);
    MEMORY.register(name, "/" + name, 0, 64);
    try (SharedMemoryRegion mine = MEMORY.create(64)) {
      assertThat(left).doesNotExist();
      assertThat(Path.of("/dev/shm", mine.name())).exists();
      assertThat(MEMORY.registrations())
          .extracting(Registration::name)
          .contains(mine.name())
          .doesNotContain(name);
    }
  }

  @Test
  void whatAKilledProcessLeftBehindIsRemovedHereAndThere() throws Exception {
    Process owner =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                RegionOwner.class.getName(),
                SharedTriton.server().address())
            .redirectError(Redirect.DISCARD)
            .start();
    String name = owner.inputReader().readLine();
    Path left = Path.of("/dev/shm", name);
    try {
      assertThat(left).exists();
      MEMORY.removeLeft();
      assertThat(left).as("as long as its owner lives").exists();
      assertThat(MEMORY.registration(name).bytes()).isEqualTo(RegionOwner.BYTES);
    } finally {
      owner.destroyForcibly().waitFor();
    }

    MEMORY.removeLeft();

    assertThat(left).doesNotExist();
    failure(Reason.UNKNOWN_REGION, () -> MEMORY.registration(name));
  }

  @Test
  void allRegionsAreForgottenAtOnce() {
    try (SharedMemoryRegion one = MEMORY.create(64);
        SharedMemoryRegion two = MEMORY.create(64)) {
      assertThat(MEMORY.registrations())
          .extracting(Registration::name)
          .contains(one.name(), two.name());

      MEMORY.unregisterAll();

      assertThat(MEMORY.registrations()).isEmpty();
    }
  }

  @Test
  void everyByteOfARegionIsThere() throws Exception {
    long bytes = (2 << 20) + 3; // a hole in it would end this process where memory has run out
    try (SharedMemoryRegion region = MEMORY.create(bytes)) {
      Process stat =
          new ProcessBuilder("stat", "-c", "%b", Path.of("/dev/shm", region.name()).toString())
              .start();
      assertThat(Long.parseLong(stat.inputReader().readLine()) * 512).isGreaterThanOrEqualTo(bytes);
    }
  }

  @Test
  void cudaIsNotHere() {
    assertThat(MEMORY.cudaRegions()).isZero();
    assertThat(failure(Reason.NOT_HERE, () -> MEMORY.createCuda(0, 64))).contains("without CUDA");
  }
}
