package io.ballast.inference.triton;

import static io.ballast.inference.triton.Failures.failure;
import static io.ballast.inference.triton.Requests.faulty;
import static io.ballast.inference.triton.Requests.repeat;
import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.inference.triton.TritonException.Reason;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What the real Triton does with one request and any number of answers. */
class TritonStreamIT {
  private static final KServeClient CLIENT = SharedTriton.client();

  @BeforeEach
  void clearNotes() {
    SharedTriton.server().clearNotes();
  }

  private static List<Integer> read(InferStream stream) {
    List<Integer> numbers = new ArrayList<>();
    for (Optional<InferAnswer> answer = stream.next(); answer.isPresent(); answer = stream.next()) {
      numbers.add(answer.get().output("INDEX").ints()[0]);
    }
    return numbers;
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 5, 200})
  void noneOneOrManyAnswers(int count) {
    try (InferStream stream = CLIENT.stream(repeat(count, "").id("r").build())) {
      assertThat(read(stream))
          .containsExactlyElementsOf(IntStream.range(0, count).boxed().toList());
      assertThat(stream.marked()).isTrue();
      assertThat(stream.next()).as("after the end").isEmpty();
    }
  }

  @Test
  void theMarkMayComeWithTheLastAnswer() {
    try (InferStream stream = CLIENT.stream(repeat(3, "last").build())) {
      assertThat(read(stream)).containsExactly(0, 1, 2);
      assertThat(stream.marked()).isTrue();
    }
  }

  @Test
  void aStreamWithoutFinalMarkEndsAtItsDeadline() {
    InferRequest request = repeat(2, "endless").deadline(Duration.ofMillis(700)).build();
    try (InferStream stream = CLIENT.stream(request)) {
      assertThat(stream.next()).isPresent();
      assertThat(stream.next()).isPresent();

      assertThat(failure(Reason.SILENT, stream::next))
          .startsWith("model 'repeat', after 2 answers");
      assertThat(stream.marked()).isFalse();
      assertThat(stream.next()).as("after the failure").isEmpty();
    }
  }

  @Test
  void anErrorAmongTheAnswersEndsTheStream() {
    try (InferStream stream = CLIENT.stream(repeat(2, "error").build())) {
      assertThat(stream.next()).isPresent();
      assertThat(stream.next()).isPresent();

      assertThat(failure(Reason.MODEL_FAILED, stream::next))
          .isEqualTo("model 'repeat', after 2 answers: asked to fail");
    }
  }

  @Test
  void aWrongShapeAmongTheAnswersIsNotBelieved() {
    try (InferStream stream = CLIENT.stream(repeat(2, "shape").build())) {
      assertThat(stream.next()).isPresent();

      assertThat(failure(Reason.WRONG_ANSWER, stream::next))
          .isEqualTo("model 'repeat': output 'INDEX': shape [2] (promised: [1])");
    }
  }

  @Test
  void aReaderThatLeavesStopsTheModel() {
    try (InferStream stream = CLIENT.stream(repeat(100_000, "slow").id("leaver").build())) {
      assertThat(stream.next()).isPresent();
    }

    SharedTriton.server().awaitNote("cancelled leaver");
  }

  @Test
  void aModelThatAnswersOnceStreamsOneAnswer() {
    try (InferStream stream = CLIENT.stream(faulty("ok").build())) {
      assertThat(stream.next().orElseThrow().output("Y").floats()).containsExactly(1, 2, 3, 4);
      assertThat(stream.next()).isEmpty();
      assertThat(stream.marked()).isTrue();
    }
  }

  @Test
  void anUnknownVersionIsNamedBeforeTheStream() {
    InferRequest request =
        InferRequest.of(new ServedModel("repeat", "9"))
            .input(Tensor.ints("COUNT", Requests.ONE, 1))
            .build();

    failure(Reason.UNKNOWN_MODEL, () -> CLIENT.stream(request));
  }

  @Test
  void aModelThatHasGoneIsNamedOnTheStreamAndIsFoundAgain() {
    InferRequest request =
        InferRequest.of("versions").input(Tensor.floats("X", Requests.ONE, 1)).build();
    CLIENT.describe(ServedModel.of("versions")); // known, and so not asked for before the stream
    try (KServeConnection other =
        KServeConnection.open(SharedTriton.server().address(), KServeSettings.defaults())) {
      other.client().repository().unload("versions");
      try (InferStream stream = CLIENT.stream(request)) {
        assertThat(failure(Reason.UNKNOWN_MODEL, stream::next))
            .isEqualTo(
                "model 'versions': Request for unknown model: 'versions' has no available"
                    + " versions");
      } finally {
        other.client().repository().load("versions");
      }
    }
    try (InferStream stream = CLIENT.stream(request)) {
      assertThat(stream.next().orElseThrow().output("Y").floats()).containsExactly(4);
    }
  }

  @Test
  void aBadRequestFailsOnTheStream() {
    InferRequest request =
        InferRequest.of("repeat").input(Tensor.floats("COUNT", Requests.ONE, 1)).build();
    try (InferStream stream = CLIENT.stream(request)) {
      assertThat(failure(Reason.BAD_REQUEST, stream::next)).contains("expects 'INT32'");
    }
  }
}
