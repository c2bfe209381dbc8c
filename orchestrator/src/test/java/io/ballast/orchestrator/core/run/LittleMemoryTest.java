package io.ballast.orchestrator.core.run;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.inference.torch.Arithmetic;
import io.ballast.orchestrator.adapter.ModelFolders;
import io.ballast.orchestrator.adapter.TorchTraineeLoader;
import io.ballast.orchestrator.testing.TestSpecs;
import io.ballast.orchestrator.testing.TinyModel;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A run on real weights, of which a pass over one group takes more memory than there is for it. */
class LittleMemoryTest {
  /** Of which a pass may take a quarter: seven tokens take 17,248 bytes, six have room. */
  private static final TorchTraineeLoader.Memory LITTLE =
      new TorchTraineeLoader.Memory(4 * 17_247, 1);

  @TempDir private Path root;

  @Test
  void theRunFailsNamingTokensAndLimitAndGoesOnWhereThereIsMore() throws InterruptedException {
    TinyModel.writeTo(root.resolve("models"));
    LoopWorld world =
        new LoopWorld(
            root, TestSpecs.spec("crash").replace("learning_rate: 0.5", "learning_rate: 1e-3"));
    TorchTraineeLoader little =
        new TorchTraineeLoader(
            new ModelFolders(List.of(root.resolve("models")), root.resolve("learner")),
            Arithmetic.FLOAT32,
            4,
            8,
            1,
            LITTLE);
    world.engine = little;
    try (RunWorkers workers = world.workers()) {
      workers.open();

      Run left = Objects.requireNonNull(world.left.poll(60, TimeUnit.SECONDS), "it never ended");

      assertThat(left.state()).isEqualTo(RunState.FAILED);
      // five of the prompt, and those of three completions
      assertThat(left.progress().message())
          .matches(
              "groups\\[0]: [1-9]\\d? tokens, limit 6: a pass over them takes more memory than this"
                  + " may have \\([\\d,]+ bytes, limit 17,247\\)");
      assertThat(left.progress().iterationsDone()).isZero();
      world.engine = little.with(new TorchTraineeLoader.Memory(1L << 30, 1));
      var resumed = world.store.change(LoopWorld.RUN_ID, Run::resume);
      workers.dispatch();
      Run again = Objects.requireNonNull(world.left.poll(60, TimeUnit.SECONDS), "it waits");
      assertThat(again.state()).isEqualTo(RunState.PROMOTED);
      assertThat(again.progress().iterationsDone()).isEqualTo(3);
    }
  }
}
