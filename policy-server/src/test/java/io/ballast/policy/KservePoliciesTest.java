package io.ballast.policy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.ballast.inference.api.SamplingOptions;
import io.ballast.kit.call.Caller;
import io.ballast.kit.call.Lane;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.kserve.InferenceCommand;
import io.ballast.kit.kserve.LastAnswer;
import io.ballast.kit.kserve.ModelState;
import io.ballast.kit.kserve.ServedModel;
import io.ballast.kit.kserve.Tensor;
import io.ballast.kit.kserve.TensorValues;
import io.ballast.policy.testing.FakeDecoder;
import io.ballast.policy.testing.FakeModels;
import io.ballast.policy.testing.TestMesh;
import io.ballast.policy.v1.RegisterVersionRequest;
import io.grpc.Context;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The policies as KServe clients see them: the tensors of Triton's vLLM back end. */
class KservePoliciesTest {
  private static final String MODEL = FakeModels.MODEL;

  private final FakeModels models = new FakeModels();
  private final TestMesh mesh;

  KservePoliciesTest() {
    models.publish("1", request -> "a + b");
    models.publish("2", request -> "two");
    mesh = TestMesh.start(models);
  }

  @AfterEach
  void stop() {
    mesh.close();
  }

  @Test
  void oneAnswerHasThePromptUnlessItIsExcluded() {
    assertThat(complete(Map.of("text_input", text("int c = ")))).containsExactly("int c = a + b");
    assertThat(
            complete(
                Map.of("text_input", text("int c = "), "exclude_input_in_output", truth(true))))
        .containsExactly("a + b");
  }

  @Test
  void aStreamHasThePiecesWithoutThePrompt() {
    List<String> pieces = complete(Map.of("text_input", text("int c = "), "stream", truth(true)));

    assertThat(String.join("", pieces)).isEqualTo("a + b");
    assertRefused(
        Map.of(
            "text_input",
            text("int c = "),
            "stream",
            truth(true),
            "exclude_input_in_output",
            truth(false)),
        "exclude_input_in_output: false (expected: true or absent where the answer is streamed)");
  }

  @Test
  void theReasonOfTheEndComesOnlyIfItIsAskedFor() {
    List<List<Tensor>> answers =
        infer(serving(), Map.of("text_input", text("x"), "return_finish_reason", truth(true)));

    assertThat(answers).hasSize(1);
    assertThat(answers.getFirst()).extracting(Tensor::name).contains("finish_reason");
    assertThat(answers.getFirst().get(1).texts()).containsExactly("stop");
    assertThat(infer(serving(), Map.of("text_input", text("x"))).getFirst())
        .extracting(Tensor::name)
        .containsExactly("text_output");
  }

  @Test
  void eachAnswerHasTheTokensThatSpellIt() throws JsonProcessingException {
    List<List<Tensor>> answers =
        infer(
            serving(),
            Map.of(
                "text_input",
                text("x"),
                "stream",
                truth(true),
                "return_finish_reason",
                truth(true),
                "return_logprobs",
                truth(true)));

    // the fake decoder draws a character at a time
    StringBuilder spelt = new StringBuilder();
    for (List<Tensor> answer : answers) {
      assertThat(answer)
          .extracting(Tensor::name)
          .containsExactly("text_output", "finish_reason", "logprobs");
      JsonNode steps = new ObjectMapper().readTree(answer.get(2).texts().getFirst());
      assertThat(steps).hasSize(answer.getFirst().texts().getFirst().length());
      for (JsonNode step : steps) {
        String id = step.fieldNames().next();
        assertThat(step.get(id).get("logprob").floatValue()).isEqualTo(FakeDecoder.LOG_PROB);
        assertThat(step.get(id).get("decoded_token").textValue())
            .isEqualTo(Character.toString(Integer.parseInt(id)));
        spelt.append(step.get(id).get("decoded_token").textValue());
      }
    }
    assertThat(spelt).hasToString("a + b");
    assertThat(answers)
        .extracting(answer -> answer.get(1).texts().getFirst())
        .containsExactly("None", "None", "None", "None", "None", "stop");
  }

  @Test
  void aWholeAnswerHasAllItsTokens() throws JsonProcessingException {
    List<Tensor> answer =
        infer(serving(), Map.of("text_input", text("x"), "return_logprobs", truth(true)))
            .getFirst();

    assertThat(new ObjectMapper().readTree(answer.get(1).texts().getFirst()))
        .hasSize("a + b".length());
  }

  @Test
  void samplingParametersAreReadAsVllmTakesThem() {
    var unused =
        complete(
            Map.of(
                "text_input",
                text("x"),
                "max_tokens",
                new Tensor("max_tokens", List.of(1L), new TensorValues.Integers(List.of(7L))),
                "sampling_parameters",
                text(
                    "{\"temperature\": \"0.5\", \"top_p\": 0.9, \"top_k\": -1, \"seed\": 42,"
                        + " \"stop\": [\"\\n\", \";\"], \"presence_penalty\": 1, \"n\": 1}")));

    SamplingOptions sampling = models.decoder("1").requests.getLast().sampling();
    assertThat(sampling.temperature()).isEqualTo(0.5);
    assertThat(sampling.topP()).isEqualTo(0.9);
    assertThat(sampling.topK()).isZero();
    assertThat(sampling.seed()).isEqualTo(42);
    assertThat(sampling.stopStrings()).containsExactly("\n", ";");
    assertThat(sampling.maxNewTokens()).isEqualTo(7);
  }

  @Test
  void whatIsWrongIsNamed() {
    assertRefusedSampling("[1]", "sampling_parameters: not a JSON object");
    assertRefusedSampling(
        "{\"temperature\": \"" + "1".repeat(65) + "\"}",
        "sampling_parameters.temperature: 65 characters (expected: a number)");
    assertRefusedSampling(
        "{\"n\": 2}", "sampling_parameters.n: 2 (expected: 1; send as many requests)");
    assertRefusedSampling(
        "{\"top_k\": -7}", "sampling_parameters.top_k: -7 (expected: >= 0; 0 and -1 mean all)");
    assertRefusedSampling(
        "{\"max_tokens\": \"many\"}",
        "sampling_parameters.max_tokens: \"many\" (expected: a number)");
    assertRefusedSampling(
        "{\"seed\": 1e30}",
        "sampling_parameters.seed: 1E+30 (expected: a whole number of 64 bits)");
    assertRefusedSampling(
        "{\"logprobs\": 3}",
        "sampling_parameters.logprobs: 3 (expected: 0: of the token drawn alone)");
    assertThatThrownBy(() -> complete(sampled("{\"best_of\": 2}")))
        .hasMessageStartingWith(
            "sampling_parameters.best_of: unknown here (expected: temperature,");
    assertThatThrownBy(() -> complete(sampled("{")))
        .hasMessageStartingWith("sampling_parameters: not JSON: ");
    assertRefusedSampling(
        "{\"temperature\": NaN}",
        "sampling_parameters: not JSON: Non-standard token 'NaN' (line 1, column 20)");
    assertRefusedSampling(
        "{\"seed\": 1, \"seed\": 2}",
        "sampling_parameters: not JSON: Duplicate field 'seed' (line 1, column 19)");
    assertThatThrownBy(() -> complete(sampled("{\"seed\": 1} {\"seed\": 2}")))
        .hasMessageStartingWith("sampling_parameters: not JSON: Trailing token ");
    assertRefused(
        Map.of("text_input", text("")), "text_input: empty (expected: at least one token)");
  }

  private static Map<String, Tensor> sampled(String json) {
    return Map.of("text_input", text("x"), "sampling_parameters", text(json));
  }

  private void assertRefusedSampling(String json, String message) {
    assertRefused(sampled(json), message);
  }

  private void assertRefused(Map<String, Tensor> inputs, String message) {
    assertThatThrownBy(() -> complete(inputs))
        .isInstanceOfSatisfying(
            MeshException.class,
            e -> {
              assertThat(e).hasMessage(message);
              assertThat(e.fault()).isEqualTo(Fault.MALFORMED_REQUEST);
            });
  }

  @Test
  void logitsThatAreNoNumbersFailTheRequest() {
    assertThatThrownBy(() -> complete(Map.of("text_input", text(FakeDecoder.BROKEN))))
        .isInstanceOfSatisfying(
            MeshException.class, e -> assertThat(e.fault()).isEqualTo(Fault.DEPENDENCY_BROKEN));
    assertThatThrownBy(() -> complete(Map.of("text_input", text(FakeDecoder.CROWDED))))
        .isInstanceOfSatisfying(
            MeshException.class, e -> assertThat(e.fault()).isEqualTo(Fault.OVERLOADED));
  }

  @Test
  void aBugIsNotTheCallers() {
    Map<String, Tensor> inputs = Map.of("text_input", text("x"), "stream", truth(true));
    IllegalArgumentException bug = new IllegalArgumentException("a reader's");

    assertThatThrownBy(
            () ->
                infer(
                    serving(),
                    inputs,
                    answer -> {
                      throw bug;
                    }))
        .isSameAs(bug);
  }

  @Test
  void aCallerWhoLeavesStopsTheDecoder() throws InterruptedException {
    Context.CancellableContext call = Context.ROOT.withCancellation();
    CompletableFuture<List<String>> answer =
        CompletableFuture.supplyAsync(
            () -> {
              Context before = call.attach();
              try {
                return complete(Map.of("text_input", text(FakeDecoder.ENDLESS)));
              } finally {
                call.detach(before);
              }
            },
            Thread::startVirtualThread);
    FakeDecoder decoder = models.decoder("1");
    assertThat(decoder.endlessStarted.await(20, TimeUnit.SECONDS)).isTrue();

    call.cancel(null);

    assertThat(decoder.endlessCancelled.await(20, TimeUnit.SECONDS)).isTrue();
    assertThatThrownBy(() -> answer.get(20, TimeUnit.SECONDS))
        .hasCauseInstanceOf(CancellationException.class);
  }

  @Test
  void registeredVersionsAreListedTheServingOneFirst() {
    assertThat(mesh.server.models().find(MODEL, "2")).isEmpty();

    var unused =
        mesh.versions()
            .registerVersion(
                RegisterVersionRequest.newBuilder().setModel(MODEL).setVersion("2").build());

    assertThat(mesh.server.models().states(MODEL))
        .extracting(ModelState::version)
        .containsExactly("1", "2");
    assertThat(mesh.server.models().states("nope")).isEmpty();
    assertThat(serving().id().version()).isEqualTo("1");
    ServedModel second = mesh.server.models().find(MODEL, "2").orElseThrow();
    assertThat(infer(second, Map.of("text_input", text("x"))).getFirst().getFirst().texts())
        .containsExactly("xtwo");
    assertThat(mesh.server.models().find(MODEL, "no such/name")).isEmpty();
    assertThat(mesh.server.models().find("nope", "")).isEmpty();
  }

  private ServedModel serving() {
    return mesh.server.models().find(MODEL, "").orElseThrow();
  }

  /** The texts that came. */
  private List<String> complete(Map<String, Tensor> inputs) {
    return infer(serving(), inputs).stream()
        .flatMap(outputs -> outputs.getFirst().texts().stream())
        .toList();
  }

  private static List<List<Tensor>> infer(ServedModel model, Map<String, Tensor> inputs) {
    List<List<Tensor>> answers = new ArrayList<>();
    answers.add(infer(model, inputs, answers::add).outputs());
    return answers;
  }

  private static LastAnswer infer(
      ServedModel model, Map<String, Tensor> inputs, Consumer<List<Tensor>> earlier) {
    return model.infer(
        new InferenceCommand(
            new Caller("r", "default", Lane.INTERACTIVE, ""),
            1,
            new LinkedHashMap<>(inputs),
            Set.of()),
        earlier);
  }

  private static Tensor text(String text) {
    return Tensor.list("text", new TensorValues.Texts(List.of(text)));
  }

  private static Tensor truth(boolean truth) {
    return Tensor.list("truth", new TensorValues.Truths(List.of(truth)));
  }
}
