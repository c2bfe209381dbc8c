package io.ballast.orchestrator;

import static io.ballast.orchestrator.testing.LearnerCalls.tokens;
import static io.ballast.testing.Refusals.assertFails;
import static io.ballast.testing.Refusals.assertMalformed;
import static io.ballast.testing.Refusals.assertRefused;
import static io.ballast.testing.Refusals.fault;
import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.kit.error.Fault;
import io.ballast.learner.v1.CallerGradients;
import io.ballast.learner.v1.ForwardBackwardRequest;
import io.ballast.learner.v1.ForwardRequest;
import io.ballast.learner.v1.LearnerServiceGrpc.LearnerServiceBlockingStub;
import io.ballast.learner.v1.LoadWeightsRequest;
import io.ballast.learner.v1.NamedObjective;
import io.ballast.learner.v1.ObjectiveKind;
import io.ballast.learner.v1.Operation;
import io.ballast.learner.v1.OperationState;
import io.ballast.learner.v1.OptimizerConfig;
import io.ballast.learner.v1.OptimizerStepRequest;
import io.ballast.learner.v1.SampleFromSessionRequest;
import io.ballast.learner.v1.SaveWeightsRequest;
import io.ballast.learner.v1.TrainingCompletion;
import io.ballast.learner.v1.TrainingGroup;
import io.ballast.mesh.v1.ModelSelector;
import io.ballast.mesh.v1.SamplingOptions;
import io.ballast.mesh.v1.TextOrTokens;
import io.ballast.orchestrator.testing.LearnerCalls;
import io.ballast.orchestrator.testing.TinyModel;
import io.grpc.Status;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Bad input of a learner's sessions is named in the answer, and changes nothing. */
class LearnerBadInputTest {
  @TempDir Path root = Path.of("");
  private LearnerCalls calls;
  private LearnerServiceBlockingStub learner;

  @BeforeEach
  void start() {
    calls = new LearnerCalls(root);
    learner = calls.stub;
  }

  @AfterEach
  void stop() {
    calls.close();
  }

  @Test
  void anOptimizerOutOfItsRangeIsNamed() {
    Map<String, Consumer<OptimizerConfig.Builder>> bad =
        Map.ofEntries(
            Map.entry("learning_rate: 0.0 (expected: > 0 and ≤ 1", o -> o.setLearningRate(0)),
            Map.entry("learning_rate: -1.0 (expected: > 0 and ≤ 1", o -> o.setLearningRate(-1)),
            Map.entry("learning_rate: 1.5 (expected: > 0 and ≤ 1", o -> o.setLearningRate(1.5)),
            Map.entry(
                "learning_rate: 1.0E300 (expected: > 0 and ≤ 1", o -> o.setLearningRate(1e300)),
            Map.entry(
                "learning_rate: NaN (expected: > 0 and ≤ 1", o -> o.setLearningRate(Double.NaN)),
            Map.entry(
                "learning_rate: Infinity (expected: > 0 and ≤ 1",
                o -> o.setLearningRate(Double.POSITIVE_INFINITY)),
            Map.entry("beta1: 1.0 (expected: ≥ 0 and < 1", o -> o.setBeta1(1)),
            Map.entry("beta1: -0.1 (expected: ≥ 0 and < 1", o -> o.setBeta1(-.1)),
            Map.entry("beta2: NaN (expected: ≥ 0 and < 1", o -> o.setBeta2(Double.NaN)),
            Map.entry("epsilon: 0.0 (expected: > 0, finite", o -> o.setEpsilon(0)),
            Map.entry(
                "weight_decay: -1.0 (expected: ≥ 0, and times the learning rate below 1",
                o -> o.setWeightDecay(-1)),
            Map.entry(
                "weight_decay: 100.0 (expected: ≥ 0, and times the learning rate below 1",
                o -> o.setWeightDecay(100)),
            Map.entry(
                "weight_decay: 1.0E300 (expected: ≥ 0, and times the learning rate below 1",
                o -> o.setWeightDecay(1e300)),
            Map.entry(
                "max_gradient_norm: 0.0 (expected: > 0, finite", o -> o.setMaxGradientNorm(0)));
    bad.forEach(
        (message, change) -> {
          OptimizerConfig.Builder optimizer = OptimizerConfig.newBuilder().setLearningRate(.01);
          change.accept(optimizer);
          assertMalformed(
              () -> calls.open("1", session -> session.setOptimizer(optimizer)),
              "optimizer." + message + ")");
        });
    String session = open();
    train(session, gradients(1, 1));
    for (double rate : new double[] {0, -1, 1.5, 1e300, Double.NaN, Double.POSITIVE_INFINITY}) {
      assertMalformed(
          () -> step(session, rate), "learning_rate: " + rate + " (expected: > 0 and ≤ 1)");
    }
    assertThat(step(session).getState()).isEqualTo(OperationState.OPERATION_STATE_SUCCEEDED);
  }

  @Test
  void aRateOfOneUpdateThatTheWeightsWouldDecayWhollyByIsNamed() {
    OptimizerConfig decaying =
        OptimizerConfig.newBuilder().setLearningRate(.01).setWeightDecay(2).build();
    String session = calls.open("1", request -> request.setOptimizer(decaying));
    train(session, gradients(1, 1));
    assertMalformed(
        () -> step(session, .5),
        "learning_rate: 0.5 (expected: times the weight decay, 2.0, below 1)");
    assertThat(step(session, .25).getState()).isEqualTo(OperationState.OPERATION_STATE_SUCCEEDED);
  }

  @Test
  void callersGradientsOfAnotherLengthOrNoNumberAreNamedAndNothingIsAdded() {
    String session = open();
    String completion = "groups[0].completions[0]";
    assertMalformed(
        () -> train(session, gradients()),
        completion + ".log_prob_gradients: none (expected: one for each token)");
    assertMalformed(
        () -> train(session, gradients(1)),
        completion + ".log_prob_gradients: 1 numbers for 2 tokens");
    assertMalformed(
        () -> train(session, gradients(1, 1, 1)),
        completion + ".log_prob_gradients: 3 numbers for 2 tokens");
    for (double value : new double[] {Double.NaN, Double.NEGATIVE_INFINITY}) {
      assertMalformed(
          () -> train(session, gradients(1, value)),
          completion + ".log_prob_gradients[1]: " + value + " (expected: finite)");
      assertMalformed(
          () -> train(session, gradients(1, 1).addEntropyGradients(value)),
          completion + ".entropy_gradients[0]: " + value + " (expected: finite)");
    }
    assertMalformed(
        () -> train(session, gradients(1, 1).addLossMask(1).addLossMask(0)),
        completion
            + ".loss_mask: beside caller_gradients (expected: none; a gradient of 0 says it)");
    assertMalformed(
        () -> train(session, gradients(1, 1).addServedLogProbs(-1)),
        completion + ".served_log_probs: 1 numbers for 2 tokens");
    assertMalformed(
        () -> train(session, gradients(1, 1).addEntropyGradients(1)),
        completion + ".entropy_gradients: 1 numbers for 2 tokens");
    assertFails(
        () -> step(session),
        Status.Code.FAILED_PRECONDITION,
        Fault.PRECONDITION_FAILED,
        "there are no gradients (expected: a ForwardBackward before)");

    Operation tooMuch = train(session, gradients(1e300, 1e300));
    assertThat(tooMuch.getState()).isEqualTo(OperationState.OPERATION_STATE_FAILED);
    assertThat(tooMuch.getErrorReason()).isEqualTo("MALFORMED_REQUEST");
    assertThat(train(session, gradients(1, 1)).getState())
        .as("the session goes on")
        .isEqualTo(OperationState.OPERATION_STATE_SUCCEEDED);
    assertThat(step(session).getOptimizerStep().getGradientNorm()).isFinite();
  }

  @Test
  void gradientsThatOverflowAreTheCallersAndTheSessionGoesOn() {
    String session = open();
    assertThat(train(session, gradients(1e30, 1e30)).getState())
        .isEqualTo(OperationState.OPERATION_STATE_SUCCEEDED);
    Operation step = step(session);
    assertThat(step.getState()).isEqualTo(OperationState.OPERATION_STATE_FAILED);
    assertThat(step.getErrorReason()).isEqualTo("PRECONDITION_FAILED");
    assertThat(step.getErrorMessage())
        .startsWith("gradient norm: ")
        .endsWith(" (expected: finite)");

    train(session, gradients(1, 1));
    assertThat(step(session).getOptimizerStep().getUpdatesCount()).isEqualTo(1);
  }

  @Test
  void weightsThatOverflowAreTheCallers() {
    String session = calls.openWild();
    calls.overflow(session);
    ForwardRequest request =
        ForwardRequest.newBuilder().setSessionId(session).addGroups(group(gradients())).build();

    assertRefused(
        () -> learner.forward(request), Status.Code.FAILED_PRECONDITION, "(expected: finite)");
    assertThat(fault(() -> learner.forward(request))).isEqualTo(Fault.PRECONDITION_FAILED);
  }

  @Test
  void aBaseThatCouldBeNoVersionIsNamedBeforeAnyoneIsAskedForIt() {
    ModelSelector.Builder tiny = ModelSelector.newBuilder().setModel(TinyModel.NAME);
    String expected = "(expected: 1 to 128 of [A-Za-z0-9._-], a letter or digit first)";
    Map<String, ModelSelector> bad =
        Map.of(
            "base.model: '../x' ",
            ModelSelector.newBuilder().setModel("../x").setVersion("1").build(),
            "base.version: '../1' ",
            tiny.clone().setVersion("../1").build(),
            "base.alias: 'a b/../c' ",
            tiny.clone().setAlias("a b/../c").build());
    bad.forEach(
        (message, base) ->
            assertMalformed(
                () -> calls.open("1", session -> session.setBase(base)), message + expected));
  }

  @Test
  void aLossThatIsNoneIsNamed() {
    String session = open();
    ForwardBackwardRequest.Builder request =
        ForwardBackwardRequest.newBuilder().setSessionId(session).addGroups(group(gradients(1, 1)));
    assertMalformed(
        () -> learner.forwardBackward(request.build()),
        "loss: not set (expected: objective or caller_gradients)");
    assertMalformed(
        () ->
            learner.forwardBackward(
                request.setObjective(NamedObjective.getDefaultInstance()).build()),
        "objective.kind: not set (expected: an ObjectiveKind)");
    assertMalformed(
        () ->
            learner.forwardBackward(
                request
                    .setObjective(
                        NamedObjective.newBuilder().setKind(ObjectiveKind.OBJECTIVE_KIND_PPO_CLIP))
                    .build()),
        "groups[0].completions[0].advantages: none (expected: one, or one for each token)");
    assertMalformed(
        () ->
            learner.forwardBackward(
                request
                    .clearGroups()
                    .setCallerGradients(CallerGradients.getDefaultInstance())
                    .build()),
        "groups: none (expected: at least one)");
  }

  @Test
  void aGroupOfNothingIsNamed() {
    String session = open();
    TrainingGroup whole = group(gradients(1, 1));
    Map<String, TrainingGroup> empty =
        Map.of(
            "prompt_tokens", whole.toBuilder().clearPromptTokens().build(),
            "completions", whole.toBuilder().clearCompletions().build(),
            "completions[0].tokens", group(TrainingCompletion.newBuilder()));
    empty.forEach(
        (field, group) ->
            assertMalformed(
                () ->
                    learner.forwardBackward(
                        ForwardBackwardRequest.newBuilder()
                            .setSessionId(session)
                            .addGroups(whole)
                            .addGroups(group)
                            .setCallerGradients(CallerGradients.getDefaultInstance())
                            .build()),
                "groups[1]." + field + ": none (expected: at least one)"));
  }

  @Test
  void samplingOutOfItsRangeIsNamed() {
    String session = open();
    assertMalformed(
        () -> sample(session, request -> request.clearPrompts()),
        "prompts: 0 items (expected: 1 to 1,024)");
    TextOrTokens prompt = TextOrTokens.newBuilder().setText("a").build();
    assertMalformed(
        () -> sample(session, request -> request.addAllPrompts(Collections.nCopies(1_024, prompt))),
        "prompts: 1,025 items (expected: 1 to 1,024)");
    for (int count : new int[] {0, 65, -1}) {
      assertMalformed(
          () -> sample(session, request -> request.setCompletionsCount(count)),
          "completions_count: " + count + " (expected: 1 to 64)");
    }
    assertMalformed(
        () -> sample(session, request -> request.setMaxPromptTokens(-1)),
        "max_prompt_tokens: -1 (expected: at least 0)");
    assertMalformed(
        () -> sample(session, r -> r.setSampling(SamplingOptions.newBuilder().setTopP(0))),
        "sampling.top_p: 0.0 (expected: > 0 and ≤ 1)");
    assertMalformed(
        () -> sample(session, r -> r.setSampling(SamplingOptions.newBuilder().setTopK(-1))),
        "sampling.top_k: -1 (expected: ≥ 0; 0 means all)");
    assertMalformed(
        () ->
            sample(
                session,
                r -> r.setSampling(SamplingOptions.newBuilder().setTemperature(Double.NaN))),
        "sampling.temperature: NaN (expected: 0, or 0.01 to 10)");
    assertMalformed(
        () -> sample(session, r -> r.setSampling(SamplingOptions.newBuilder().setMinP(0.1))),
        "sampling.min_p: not supported here (supported: temperature, top_k, top_p, max_new_tokens, stop_strings, seed)");
  }

  @Test
  void aNameLeadsOutOfNoFolder() throws IOException {
    String session = open();
    for (String name : List.of("", "..", "../../up", "a/b", "a\nb", "a\0", "x".repeat(129))) {
      String shown = name.length() > 128 ? "x".repeat(32) + "…" : name;
      String expected = "'" + shown + "' (expected: 1 to 128 of [A-Za-z0-9._-], ";
      assertMalformed(
          () -> save(session, SaveWeightsRequest.newBuilder().setPublishVersion(name)),
          "publish_version: " + expected + "a letter or digit first)");
      assertMalformed(
          () -> save(session, SaveWeightsRequest.newBuilder().setCheckpoint(name)),
          "checkpoint: " + expected + "no dot first)");
      assertMalformed(
          () ->
              learner.loadWeights(
                  LoadWeightsRequest.newBuilder()
                      .setSessionId(session)
                      .setCheckpoint(name)
                      .build()),
          "checkpoint: " + expected + "no dot first)");
    }
    assertMalformed(
        () -> save(session, SaveWeightsRequest.newBuilder().setPublishVersion("-x")),
        "publish_version: '-x' (expected: 1 to 128 of [A-Za-z0-9._-], a letter or digit first)");
    assertMalformed(
        () -> save(session, SaveWeightsRequest.newBuilder().setCheckpoint("run-x-3")),
        "checkpoint: 'run-x-3' (expected: a name that does not begin with 'run-', as those of runs do)");
    assertMalformed(
        () -> save(session, SaveWeightsRequest.newBuilder()),
        "target: not set (expected: publish_version or checkpoint)");
    Operation unknown =
        learner
            .loadWeights(
                LoadWeightsRequest.newBuilder().setSessionId(session).setCheckpoint("no").build())
            .getOperation();
    assertThat(unknown.getErrorReason()).isEqualTo("UNKNOWN_RESOURCE");
    assertThat(unknown.getErrorMessage()).isEqualTo("there is no checkpoint 'no'");
    try (var folders = Files.list(root.resolve("models"))) {
      assertThat(folders).containsExactly(root.resolve("models").resolve(TinyModel.NAME));
    }
  }

  @Test
  void aFlawOfAFolderIsToldWithoutItsPath() throws IOException {
    Path folder = root.resolve("models").resolve(TinyModel.NAME).resolve("1");
    String config = Files.readString(folder.resolve("config.json"));
    Files.writeString(folder.resolve("config.json"), "{}");

    assertThat(flawOf(this::open)).startsWith("FAILED_PRECONDITION: tiny/1/config.json");

    Files.writeString(folder.resolve("config.json"), config);
    Files.delete(folder.resolve("tokenizer.json"));
    assertThat(flawOf(this::open))
        .isEqualTo("FAILED_PRECONDITION: tiny/1/tokenizer.json: the file is missing");
  }

  private String flawOf(ThrowingCallable call) {
    Throwable thrown = org.assertj.core.api.Assertions.catchThrowable(call);
    assertThat(thrown).isNotNull().hasMessageNotContaining(root.toString());
    return String.valueOf(thrown.getMessage());
  }

  private String open() {
    return calls.open("1");
  }

  private static TrainingCompletion.Builder gradients(double... values) {
    TrainingCompletion.Builder completion = TrainingCompletion.newBuilder().setTokens(tokens(5, 6));
    for (double value : values) {
      completion.addLogProbGradients(value);
    }
    return completion;
  }

  private static TrainingGroup group(TrainingCompletion.Builder completion) {
    return TrainingGroup.newBuilder()
        .setPromptTokens(tokens(1, 2))
        .addCompletions(completion)
        .build();
  }

  private Operation train(String session, TrainingCompletion.Builder completion) {
    return learner
        .forwardBackward(
            ForwardBackwardRequest.newBuilder()
                .setSessionId(session)
                .addGroups(group(completion))
                .setCallerGradients(CallerGradients.getDefaultInstance())
                .build())
        .getOperation();
  }

  private Operation step(String session) {
    return learner
        .optimizerStep(OptimizerStepRequest.newBuilder().setSessionId(session).build())
        .getOperation();
  }

  private Operation step(String session, double rate) {
    return learner
        .optimizerStep(
            OptimizerStepRequest.newBuilder().setSessionId(session).setLearningRate(rate).build())
        .getOperation();
  }

  private void save(String session, SaveWeightsRequest.Builder request) {
    var unused = learner.saveWeights(request.setSessionId(session).build());
  }

  private void sample(String session, Consumer<SampleFromSessionRequest.Builder> change) {
    SampleFromSessionRequest.Builder request =
        SampleFromSessionRequest.newBuilder()
            .setSessionId(session)
            .addPrompts(TextOrTokens.newBuilder().setText("a"));
    change.accept(request);
    var unused = learner.sampleFromSession(request.build());
  }
}
