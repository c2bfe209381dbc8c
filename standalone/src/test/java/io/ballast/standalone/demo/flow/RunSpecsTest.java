package io.ballast.standalone.demo.flow;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.orchestrator.adapter.ArchivedPrompts;
import io.ballast.orchestrator.adapter.SpecParser;
import io.ballast.orchestrator.core.Caller;
import io.ballast.orchestrator.core.data.BadRow;
import io.ballast.orchestrator.core.data.PromptRow;
import io.ballast.orchestrator.core.peer.PromptArchive;
import io.ballast.orchestrator.core.spec.DataSource;
import io.ballast.orchestrator.core.spec.GroupedPrompts;
import io.ballast.orchestrator.core.spec.PromptSource;
import io.ballast.orchestrator.core.spec.RunSpec;
import io.ballast.standalone.demo.mesh.RunName;
import io.grpc.ManagedChannel;
import io.grpc.inprocess.InProcessChannelBuilder;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** An orchestrator finds the prompts that the demo puts into its mesh's data folder. */
class RunSpecsTest {
  @TempDir private Path data;

  private final ManagedChannel nobody = InProcessChannelBuilder.forName("nobody").build();

  @AfterEach
  void close() {
    nobody.shutdownNow();
  }

  private List<String> read(PromptSource source) {
    List<String> prompts = new ArrayList<>();
    new ArchivedPrompts(data, nobody, Duration.ofSeconds(1))
        .ofFile(
            "prompts",
            (PromptSource.InFile) source,
            new Caller("default", ""),
            new PromptArchive.Sink() {
              @Override
              public void row(PromptRow row) {
                prompts.add(row.prompt());
              }

              @Override
              public void bad(BadRow row) {
                throw new AssertionError(row.toString());
              }
            });
    return prompts;
  }

  @Test
  void whatItWritesARunMayRead() {
    String written =
        new RunSpecs(Optional.of(data))
            .write(
                RunName.CONSTRAINED,
                TestDemo.PLAN,
                "1",
                7,
                List.of("int a =", "\"b\"\n"),
                new GroupedPrompts(List.of("return ", "if ("), List.of("A.java", "B.java")));
    RunSpec spec = new SpecParser().apply(written);

    assertThat(spec.prompts()).hasSize(1);
    DataSource learned = spec.prompts().getFirst();
    assertThat(read(learned.rows())).containsExactly("int a =", "\"b\"\n");
    assertThat(read(spec.safetyTest().prompts())).containsExactly("return ", "if (");
  }
}
