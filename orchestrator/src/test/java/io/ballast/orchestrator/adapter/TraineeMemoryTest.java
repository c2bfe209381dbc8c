package io.ballast.orchestrator.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.inference.store.ModelManifest;
import io.ballast.inference.torch.Arithmetic;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.orchestrator.core.learner.Trainee;
import io.ballast.orchestrator.core.learner.TraineeOptions;
import io.ballast.orchestrator.core.learner.WhichWeights;
import io.ballast.orchestrator.testing.TinyModel;
import java.io.IOException;
import java.nio.file.Files;
import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

/** What weights in training take, and what is left to passes over groups. */
class TraineeMemoryTest extends TraineeCase {
  @Test
  void aGroupThatMemoryWouldNotHoldIsRefusedBeforeAnythingIsComputed() {
    PinnedVersion base = TinyModel.BASE;
    // D = 16, inner 24, one block, V = 257, in 4 bytes: 256 + 384 + 256 + 512 = 1,408 a token
    // and 257·4 = 1,028 for the head, so seven take 7·2,436 + 7·7·4 = 17,248; the weights leave
    // less than a quarter
    try (Trainee six = loader(4 * 17_247).load(base, PLAIN);
        Trainee seven = loader(4 * 17_248).load(base, PLAIN)) {
      // three of the prompt, three and one of the completions
      assertThat(seven.scores(GROUPS, WhichWeights.CURRENT)).hasSize(1);
      assertThat(train(seven, false)).isPositive();
      for (ThrowingCallable call :
          List.<ThrowingCallable>of(
              () -> six.scores(GROUPS, WhichWeights.CURRENT),
              () -> six.scores(GROUPS, WhichWeights.REFERENCE),
              () -> six.forwardBackward(GROUPS, new PullUp(false)))) {
        assertThatThrownBy(call)
            .isInstanceOfSatisfying(
                MeshException.class, e -> assertThat(e.fault()).isEqualTo(Fault.MALFORMED_REQUEST))
            .hasMessage(
                "groups[0]: 7 tokens, limit 6: a pass over them takes more memory than this may"
                    + " have (17,248 bytes, limit 17,247)");
      }
    }
  }

  @Test
  void memoryIsDividedByAllThatIsTrainedAtATime() {
    assertThat(new TorchTraineeLoader.Memory(1_200, 1).passBytes(500)).isEqualTo(700);
    // three have 400 each: of which the weights leave 300, or nothing, and then it is a quarter
    assertThat(new TorchTraineeLoader.Memory(1_200, 3).passBytes(100)).isEqualTo(300);
    assertThat(new TorchTraineeLoader.Memory(1_200, 3).passBytes(500)).isEqualTo(100);
    assertThatThrownBy(() -> new TorchTraineeLoader.Memory(1_200, 0))
        .hasMessage("memory: 1,200 bytes for 0 trainees (expected: ≥ 1, ≥ 1)");
    PinnedVersion base = TinyModel.BASE;
    try (Trainee six = loader(3 * 4 * 17_247, 3).load(base, PLAIN);
        Trainee seven = loader(3 * 4 * 17_248, 3).load(base, PLAIN)) {
      assertThat(seven.scores(GROUPS, WhichWeights.CURRENT)).hasSize(1);
      assertThatThrownBy(() -> six.scores(GROUPS, WhichWeights.CURRENT))
          .hasMessageStartingWith("groups[0]: 7 tokens, limit 6");
    }
  }

  @Test
  void withOtherMemoryOtherGroupsFitAndTheBaseIsTheSame() throws IOException {
    PinnedVersion base = TinyModel.BASE;
    TraineeOptions options = PLAIN.withAdapters(adapters(2));
    TorchTraineeLoader narrow = loader(4 * 17_247);
    TorchTraineeLoader wide = narrow.with(new TorchTraineeLoader.Memory(4 * 17_248, 1));
    try (Trainee six = narrow.load(base, options)) {
      // what is in memory for the one is not read again for the other
      Files.delete(root.resolve("models/tiny/1").resolve(ModelManifest.WEIGHTS));
      try (Trainee seven = wide.load(base, options)) {
        assertThat(seven.scores(GROUPS, WhichWeights.REFERENCE)).hasSize(1);
        assertThatThrownBy(() -> six.scores(GROUPS, WhichWeights.REFERENCE))
            .hasMessageStartingWith("groups[0]: 7 tokens, limit 6");
      }
    }
  }

  @Test
  void adaptersTakeLittleBesideTheBaseThatTheyShare() {
    PinnedVersion base = TinyModel.BASE;
    TraineeOptions options = PLAIN.withAdapters(adapters(2));
    assertThat(loader.sharedBytes(base, PLAIN)).isZero();
    assertThat(loader.sharedBytes(base, options)).isPositive();
    // q: 2·(16 + 16), down: 2·(16 + 24) numbers, 20 bytes each, and 10 for each of the base's
    long weights = loader.sharedBytes(base, options) / 6;
    assertThat(loader.memoryBytes(base, options)).isEqualTo(144 * 20 + 10 * weights);
    assertThat(loader.memoryBytes(base, options)).isLessThan(loader.memoryBytes(base, PLAIN) / 3);
  }

  @Test
  void eachLaneButTheFirstTakesGradients() {
    PinnedVersion base = TinyModel.BASE;
    TorchTraineeLoader onThree =
        new TorchTraineeLoader(
            folders, Arithmetic.FLOAT32, 4, 8, 3, new TorchTraineeLoader.Memory(1L << 30, 1));
    TraineeOptions adapting = PLAIN.withAdapters(adapters(2));
    long weights = loader.sharedBytes(base, adapting) / 6;

    assertThat(onThree.memoryBytes(base, PLAIN))
        .isEqualTo(loader.memoryBytes(base, PLAIN) + 2 * 6 * weights);
    assertThat(onThree.memoryBytes(base, adapting))
        .isEqualTo(loader.memoryBytes(base, adapting) + 2 * 6 * 144);
  }
}
