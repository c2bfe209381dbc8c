package io.ballast.orchestrator;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.learner.v1.CreateSessionRequest;
import io.ballast.learner.v1.LearnerServiceGrpc;
import io.ballast.learner.v1.LearnerServiceGrpc.LearnerServiceBlockingStub;
import io.ballast.learner.v1.OptimizerConfig;
import io.ballast.learner.v1.SampleFromSessionRequest;
import io.ballast.mesh.v1.ModelSelector;
import io.ballast.mesh.v1.SamplingOptions;
import io.ballast.mesh.v1.TextOrTokens;
import io.ballast.orchestrator.testing.TestMesh;
import io.ballast.orchestrator.testing.TestSpecs;
import io.ballast.orchestrator.testing.TinyModel;
import io.ballast.orchestrator.v1.CreateRunRequest;
import io.ballast.orchestrator.v1.ResumeRunRequest;
import io.ballast.orchestrator.v1.Run;
import io.ballast.orchestrator.v1.RunServiceGrpc;
import io.ballast.orchestrator.v1.RunServiceGrpc.RunServiceBlockingStub;
import io.ballast.orchestrator.v1.RunState;
import io.ballast.safety.v1.SafetyTestState;
import io.ballast.testing.OverheardServer;
import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What people wrote stands in no log, span or status, however a call or a run ends. */
class RedactedTextsTest extends RunServiceCase {
  /** Stands in every text that is sent. */
  private static final String TEXT = "hunter2 of the user";

  /** No part of it is said: a single word is still its. */
  private static final String WORD = "hunter2";

  private static final String QUOTED = "\"" + TEXT + "\"";
  private static final String TRAINING =
      "{inline: [\"int a\", \"int b\", \"int c\", \"int d\", \"int e\"]}";
  private static final String TEST = "{inline: [\"long x\", \"long y\", \"long z\"]}";

  private static String learnsFrom(String prompts) {
    return TestSpecs.spec("private").replace(TRAINING, prompts);
  }

  private static String testedOn(String prompts) {
    return TestSpecs.spec("private").replace(TEST, prompts);
  }

  private static String samples(String how) {
    return TestSpecs.spec("private").replace("  min_group: 2\n", "  " + how + "\n");
  }

  private static void refuses(OverheardServer server, List<String> specs) {
    RunServiceBlockingStub runs = RunServiceGrpc.newBlockingStub(server.channel());
    for (String spec : specs) {
      assertThat(spec).contains(WORD);
      server.fails(() -> runs.createRun(CreateRunRequest.newBuilder().setSpec(spec).build()));
    }
    server.assertNothingSaid(WORD);
  }

  @Test
  void specsWithATextInTheWrongPlace() {
    List<String> specs = new ArrayList<>();
    for (String prompts :
        List.of(
            QUOTED,
            "[" + QUOTED + "]",
            "{inline: " + QUOTED + "}",
            "{inline: [" + QUOTED + "]}",
            "{inline: [" + QUOTED + ", 7]}",
            "{inline: [" + TEXT + ": 1]}",
            "{inline: [" + QUOTED + ", \"" + TEXT + "\\0\"]}",
            "{inline: [" + QUOTED + "], max_bad_rows: " + QUOTED + "}",
            "{" + QUOTED + ": 1}",
            "{? [" + QUOTED + "] : 1}",
            "[{inline: [" + QUOTED + "], weight: " + QUOTED + "}]",
            "{file: " + QUOTED + "}")) {
      specs.add(learnsFrom(prompts));
    }
    for (String prompts :
        List.of(
            "[" + QUOTED + "]",
            "{inline: [" + QUOTED + ", " + QUOTED + "]}",
            "{inline: [" + QUOTED + ", b], groups: [" + QUOTED + "]}")) {
      specs.add(testedOn(prompts));
    }
    specs.add(testedOn("{inline: [" + QUOTED + ", b]}").replace("\"int a\"", QUOTED));
    specs.add(samples("group_strategy: " + QUOTED));
    specs.add(samples("stop_strings: [" + QUOTED + ", \"\"]"));
    for (String key :
        List.of(
            "algorithm",
            "advantage",
            "optimizer",
            "watch",
            "constraints",
            "candidate",
            "promotion",
            QUOTED)) {
      specs.add(TestSpecs.spec("private", key + ": " + QUOTED));
    }
    specs.add(TestSpecs.spec("private").replace("seed: 5", "seed: " + QUOTED));
    for (String more :
        List.of(
            "advantage: [" + QUOTED + "]",
            "budget: {time: " + QUOTED + "}",
            "average: {decay: " + QUOTED + "}",
            "adapters: {rank: 4, projections: [" + QUOTED + "]}",
            "costs: {measured: [" + QUOTED + "]}",
            "evaluation: {prompts: {inline: [" + QUOTED + ", " + QUOTED + "]}}")) {
      specs.add(TestSpecs.spec("private", more));
    }

    try (OverheardServer server = OverheardServer.start(mesh.services())) {
      refuses(server, specs);
      assertSaid(server, "prompts[0]: a text of 19 characters (expected: an object with keys)");
      assertSaid(server, "seed: a text of 19 characters (expected: a whole number of 64 bits)");
      assertSaid(server, "prompts: unknown key: a text of 19 characters (known: inline, file, ");
      assertSaid(server, "prompts.file: there is no file '<19 characters>' to read");
    }
  }

  @Test
  void specsThatAreNeitherYamlNorJson() {
    List<String> specs = new ArrayList<>();
    for (String more :
        List.of(
            "a: [" + TEXT,
            "a: '" + TEXT,
            TEXT + ": 1\n" + TEXT + ": 2",
            "a: *" + TEXT,
            "a: !" + TEXT,
            "a: !!" + TEXT,
            "a: !" + WORD + "!a b",
            "a: " + TEXT + ": " + TEXT,
            "a: \"" + TEXT + "\\q\"",
            "a: @" + TEXT,
            "a: " + TEXT + "\u0001",
            "a: !!int " + TEXT,
            "a: !!float " + TEXT,
            "a: !!timestamp " + QUOTED,
            "a: !!binary " + QUOTED,
            "--- " + TEXT)) {
      specs.add(TestSpecs.spec("private", more));
    }
    specs.add(TEXT);
    specs.add("[" + QUOTED + "]");
    specs.add("{" + QUOTED + ": 1}");
    specs.add("{" + QUOTED + ": 1, " + QUOTED + ": 2}");
    specs.add("{\"prompts\": " + TEXT + "}");
    specs.add("{\"prompts\": '" + TEXT + "'}");
    specs.add("{\"prompts\": [\"" + TEXT);
    specs.add("{\"prompts\": [" + QUOTED + " " + QUOTED + "]}");
    specs.add("{\"prompts\": \"\\" + TEXT + "\"}");
    specs.add("{\"name\": \"private\"} " + TEXT);
    specs.add("{\"name\": \"private\"} " + QUOTED);

    try (OverheardServer server = OverheardServer.start(mesh.services())) {
      refuses(server, specs);
      assertSaid(server, "spec: no JSON: Unrecognized token (line 1, column ");
      assertSaid(server, "spec: no YAML: found duplicate key (line ");
    }
  }

  @Test
  void filesWithBadRows() throws IOException {
    Files.writeString(
        mesh.prompts("rows.jsonl"),
        """
        "TEXT"
        {"prompt": "TEXT", oops}
        TEXT
        {"text": "TEXT"}
        """
            .replace("TEXT", TEXT));
    Files.writeString(
        mesh.prompts("pairs.jsonl"),
        """
        {"prompt": "TEXT", "chosen": "TEXT", "rejected": "TEXT"}
        {"prompt": "TEXT", "chosen": "a", "rejected": ["TEXT"]}
        {"prompt": {"TEXT": 1}, "chosen": "TEXT", "rejected": "a", "label": "TEXT"}
        """
            .replace("TEXT", TEXT));
    List<String> specs =
        List.of(
            learnsFrom("{file: prompts/rows.jsonl}"),
            testedOn("{file: prompts/rows.jsonl}"),
            learnsFrom("{file: prompts/rows.jsonl, column: " + QUOTED + "}"),
            learnsFrom(
                "{file: prompts/rows.jsonl, curriculum: {field: "
                    + QUOTED
                    + ", from: 0, to: 1, over: 2}}"),
            TestSpecs.onData(
                "private", "{pairs: prompts/pairs.jsonl}", "algorithm: DPO\nsource: DATA\n"),
            TestSpecs.onData(
                "private", "{ratings: prompts/pairs.jsonl}", "algorithm: KTO\nsource: DATA\n"));

    try (OverheardServer server = OverheardServer.start(mesh.services())) {
      RunServiceBlockingStub runs = RunServiceGrpc.newBlockingStub(server.channel());
      for (String spec : specs) {
        server.fails(() -> runs.createRun(CreateRunRequest.newBuilder().setSpec(spec).build()));
      }

      server.assertNothingSaid(WORD);
      assertSaid(server, "prompts.file: 3 bad rows, row 2: no JSON from column ");
      assertSaid(server, "prompts.pairs: 3 bad rows, row 1: ");
    }
  }

  @Test
  void runsThatEndAndRunsThatFail() {
    String inline = "{inline: [" + QUOTED + ", \"int b\"]}";
    String spec = learnsFrom(inline).replace("\"long x\"", "\"" + TEXT + " too\"");

    try (OverheardServer server = OverheardServer.start(mesh.services())) {
      RunServiceBlockingStub runs = RunServiceGrpc.newBlockingStub(server.channel());
      CreateRunRequest.Builder request =
          CreateRunRequest.newBuilder().setMetadata(TestMesh.metadata("", "key"));
      String ends = runs.createRun(request.setSpec(spec).build()).getRun().getRunId();
      assertThat(mesh.awaitEnd(ends).getState()).isEqualTo(RunState.RUN_STATE_PROMOTED);
      String other = spec.replace("\"int b\"", "\"" + TEXT + " again\"");
      server.fails(() -> runs.createRun(request.setSpec(other).build()));
      assertSaid(server, "whose spec differs: prompts.inline: a list of 2 (a list of 2 there)");

      mesh.policy.brokenPrompts = _ -> true;
      String fails =
          runs.createRun(
                  CreateRunRequest.newBuilder()
                      .setSpec(TestSpecs.testedOnOthers(spec).replace(" too", " then"))
                      .build())
              .getRun()
              .getRunId();
      Run failed = mesh.awaitEnd(fails);
      assertThat(failed.getState()).isEqualTo(RunState.RUN_STATE_FAILED);
      assertThat(failed.getMessage()).isNotEmpty().doesNotContain(WORD);

      server.assertNothingSaid(WORD);
    }
  }

  @Test
  void freshPromptsThatAreRefused() {
    mesh.safety.verdict = SafetyTestState.SAFETY_TEST_STATE_ABORTED;
    String inline = "{inline: [" + QUOTED + ", \"int b\"]}";
    String spec = learnsFrom(inline).replace("  threshold: 0.4", "  threshold: 0.4\n  attempts: 2");
    String run = mesh.create(spec).getRunId();
    assertThat(mesh.awaitEnd(run).getState()).isEqualTo(RunState.RUN_STATE_FAILED);

    try (OverheardServer server = OverheardServer.start(mesh.services())) {
      RunServiceBlockingStub runs = RunServiceGrpc.newBlockingStub(server.channel());
      String fresh = TEXT + " of old";
      for (List<String> prompts :
          List.of(
              List.of(fresh),
              List.of(fresh, fresh),
              List.of(fresh, TEXT),
              List.of(fresh, fresh + "\0"))) {
        server.fails(
            () ->
                runs.resumeRun(
                    ResumeRunRequest.newBuilder()
                        .setRunId(run)
                        .addAllTestPrompts(prompts)
                        .build()));
      }

      server.assertNothingSaid(WORD);
      assertSaid(server, "test_prompts[1]: was trained on");
    }
  }

  @Test
  void samplesOfASessionThatFail() {
    try (OverheardServer server = OverheardServer.start(mesh.services())) {
      LearnerServiceBlockingStub learner = LearnerServiceGrpc.newBlockingStub(server.channel());
      String session =
          learner
              .createSession(
                  CreateSessionRequest.newBuilder()
                      .setBase(
                          ModelSelector.newBuilder()
                              .setModel(TinyModel.NAME)
                              .setVersion(TinyModel.VERSION))
                      .setOptimizer(OptimizerConfig.newBuilder().setLearningRate(0.01))
                      .build())
              .getSession()
              .getSessionId();
      SampleFromSessionRequest request =
          SampleFromSessionRequest.newBuilder()
              .setSessionId(session)
              .addPrompts(TextOrTokens.newBuilder().setText(TEXT))
              .build();
      for (SampleFromSessionRequest wrong :
          List.of(
              request.toBuilder().setSessionId("none").build(),
              request.toBuilder().setCompletionsCount(65).build(),
              sampling(request, SamplingOptions.newBuilder().setTemperature(99)),
              sampling(request, SamplingOptions.newBuilder().setRegex(TEXT + "(")),
              sampling(request, SamplingOptions.newBuilder().addStopStrings(TEXT.repeat(60))))) {
        server.fails(() -> learner.sampleFromSession(wrong));
      }

      server.assertNothingSaid(WORD);
    }
  }

  private static SampleFromSessionRequest sampling(
      SampleFromSessionRequest request, SamplingOptions.Builder how) {
    return request.toBuilder().setSampling(how).build();
  }

  private static void assertSaid(OverheardServer server, String words) {
    assertThat(server.said()).anySatisfy(said -> assertThat(said).contains(words));
  }
}
