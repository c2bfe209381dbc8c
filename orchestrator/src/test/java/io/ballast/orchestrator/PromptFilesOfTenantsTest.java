package io.ballast.orchestrator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.kit.grpc.MeshServer;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.orchestrator.testing.TestMesh;
import io.ballast.orchestrator.testing.TestSpecs;
import io.ballast.orchestrator.v1.CreateRunRequest;
import io.ballast.orchestrator.v1.GetRunRequest;
import io.ballast.orchestrator.v1.ListRunsRequest;
import io.ballast.orchestrator.v1.PromptSource;
import io.ballast.orchestrator.v1.Run;
import io.ballast.orchestrator.v1.RunServiceGrpc;
import io.ballast.orchestrator.v1.RunServiceGrpc.RunServiceBlockingStub;
import io.ballast.testing.TestCallers;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whoever is bound to a tenant has runs read that tenant's files, and those that are for all. */
class PromptFilesOfTenantsTest {
  private static final String PROMPTS =
      "{inline: [\"int a\", \"int b\", \"int c\", \"int d\", \"int e\"]}";
  private static final String HELD_OUT = "{inline: [\"long x\", \"long y\", \"long z\"]}";
  private static final String ROWS = "\"int p\"\n\"int q\"\n";

  /** What the mesh has in its data folder beside other tenants' files. */
  private static final List<String> NOT_B =
      List.of(
          "logs/mesh.log",
          "reward-audit.jsonl",
          "prompts/of-all.jsonl",
          "prompts/a/own.jsonl",
          "prompts/bb/own.jsonl",
          "preferences/a/own.jsonl",
          "texts/a/own.jsonl",
          "skipped-updates/a/run/1.json");

  @TempDir private Path root;
  @TempDir private Path keys;
  private TestMesh mesh;
  private TestCallers callers;
  private MeshServer door;
  private int specs;

  @BeforeEach
  void serve() throws IOException {
    mesh = TestMesh.start(root);
    callers = new TestCallers(keys);
    door = callers.serve(mesh.services(), mesh.meters);
    for (String file : NOT_B) {
      write(file);
    }
  }

  @AfterEach
  void stop() {
    door.close();
    callers.close();
    mesh.close();
  }

  private void write(String file) throws IOException {
    Path there = root.resolve(file);
    Files.createDirectories(there.getParent());
    Files.writeString(there, ROWS);
  }

  private RunServiceBlockingStub of(String tenant, String... roles) {
    return RunServiceGrpc.newBlockingStub(door.inside())
        .withInterceptors(callers.as("t", tenant, roles));
  }

  /** A run whose held-out prompts no other has: a prompt serves one test. */
  private CreateRunRequest from(String file) {
    specs++;
    return CreateRunRequest.newBuilder()
        .setSpec(
            TestSpecs.spec("file")
                .replace(PROMPTS, "{file: " + file + "}")
                .replace("\"long ", "\"" + specs + " long "))
        .build();
  }

  private static void createAndLook(RunServiceBlockingStub stub, CreateRunRequest request) {
    Run run = stub.createRun(request).getRun();
    GetRunRequest get =
        GetRunRequest.newBuilder()
            .setMetadata(request.getMetadata())
            .setRunId(run.getRunId())
            .build();
    assertThat(stub.getRun(get).getPromptSourcesList())
        .extracting(PromptSource::getPromptsCount)
        .containsExactly(2L);
  }

  private void refused(RunServiceBlockingStub stub, String file) {
    assertThatThrownBy(() -> stub.createRun(from(file)))
        .as(file)
        .hasMessage(
            "INVALID_ARGUMENT: prompts.file: there is no file '%s' to read (expected: one in the data folder's prompts/b, prompts/shared, preferences/b, preferences/shared, texts/b, texts/shared)"
                .formatted(file));
  }

  @Test
  void itsOwnFilesAndThoseForAllAreRead() throws IOException {
    for (String file :
        List.of(
            "prompts/b/own.jsonl",
            "prompts/b/deep/down.jsonl",
            "prompts/shared/all.jsonl",
            "texts/shared/all.jsonl")) {
      write(file);
      createAndLook(of("b", "trainer"), from(file));
    }
  }

  @Test
  void whatIsNotTheirsIsAnsweredAsWhatIsNotThere() throws IOException {
    RunServiceBlockingStub b = of("b", "trainer", "operator");
    Path others = root.resolve("prompts/a/own.jsonl");
    Files.createDirectories(root.resolve("prompts/b"));
    Files.createSymbolicLink(root.resolve("prompts/b/link.jsonl"), others);

    for (String file : NOT_B) {
      refused(b, file);
    }
    for (String file :
        List.of(
            "prompts/b/none.jsonl",
            "prompts/a/none.jsonl",
            "logs/none.log",
            "prompts/b",
            "prompts/b/link.jsonl",
            "prompts/b/../a/own.jsonl",
            "../none.jsonl",
            others.toString())) {
      refused(b, file);
    }
    assertThat(b.listRuns(ListRunsRequest.getDefaultInstance()).getRunsList()).isEmpty();
  }

  @Test
  void whateverKeyOfTheSpecNamesAFileItIsTheSame() {
    for (String spec :
        List.of(
            TestSpecs.spec("test").replace(HELD_OUT, "{file: prompts/a/own.jsonl}"),
            TestSpecs.spec("texts", "ptx: {file: prompts/a/own.jsonl, coefficient: 0.1}"),
            TestSpecs.spec(
                "curve", "evaluation: {prompts: {file: prompts/a/own.jsonl}, completions: 2}"),
            TestSpecs.onData("pairs", "{pairs: prompts/a/own.jsonl}", "algorithm: DPO\n"),
            TestSpecs.onData(
                "ratings", "{ratings: prompts/a/own.jsonl}", "algorithm: KTO\nsource: DATA\n"))) {
      assertThatThrownBy(
              () ->
                  of("b", "trainer").createRun(CreateRunRequest.newBuilder().setSpec(spec).build()))
          .as(spec)
          .hasMessageContaining("there is no file 'prompts/a/own.jsonl' to read");
    }
  }

  @Test
  void whoIsBoundToNoneReadsTheFilesOfAllAlsoForATenant() {
    RunServiceBlockingStub operator = of("*", "operator");
    RequestMetadata forB = RequestMetadata.newBuilder().setTenant("b").build();

    createAndLook(operator, from("prompts/of-all.jsonl"));
    createAndLook(operator, from("prompts/a/own.jsonl"));
    createAndLook(operator, from("prompts/a/own.jsonl").toBuilder().setMetadata(forB).build());
    assertThatThrownBy(() -> operator.createRun(from("logs/mesh.log")))
        .hasMessageContaining(
            "there is no file 'logs/mesh.log' to read (expected: one in the data folder's prompts, preferences, texts)");
  }
}
