package io.ballast.inference.triton;

import static io.ballast.inference.triton.Failures.failure;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import io.ballast.inference.triton.ModelRepository.Entry;
import io.ballast.inference.triton.ModelRepository.Override;
import io.ballast.inference.triton.ModelRepository.State;
import io.ballast.inference.triton.TritonException.Reason;
import io.ballast.testing.RealTriton;
import io.ballast.testing.TritonInstallation;
import java.io.IOException;
import java.nio.file.Files;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Loading, overriding and unloading on the real Triton. */
class TritonRepositoryIT {
  private static RealTriton server;
  private static KServeConnection connection;
  private static KServeClient client;
  private static ModelRepository repository;

  @BeforeAll
  static void start() {
    server = RealTriton.of("double");
    connection = KServeConnection.open(server.address(), KServeSettings.defaults());
    client = connection.client();
    repository = client.repository();
  }

  @AfterAll
  static void stop() {
    connection.close();
    server.close();
  }

  private static InferRequest add(String version, float x) {
    return InferRequest.of(new ServedModel("versions", version))
        .input(Tensor.floats("X", Requests.ONE, x))
        .build();
  }

  private static float answer(InferRequest request) {
    return client.infer(request).output("Y").floats()[0];
  }

  @Test
  void whatWasNeverLoadedIsInTheIndexAllTheSame() {
    assertThat(repository.index())
        .contains(new Entry("double", "1", State.READY, ""))
        .contains(new Entry("identity", "", State.NEVER_LOADED, ""));
    assertThat(repository.indexOfReady()).allMatch(entry -> entry.state() == State.READY);
  }

  @Test
  void theVersionPolicyHidesOldVersions() {
    repository.load("versions");

    assertThat(client.describe(ServedModel.of("versions")).versions()).containsExactly("2", "3");
    assertThat(answer(add("", 10))).isEqualTo(13);
    assertThat(answer(add("2", 10))).isEqualTo(12);
    assertThat(failure(Reason.UNKNOWN_MODEL, () -> client.infer(add("1", 10))))
        .contains("'versions' version 1 is not");
    repository.unload("versions");
  }

  @Test
  void theVersionPolicyMayShowAllVersions() {
    repository.load("versions", Override.config(versionsConfig("\"all\":{}")));

    assertThat(client.describe(ServedModel.of("versions")).versions())
        .containsExactly("1", "2", "3");
    assertThat(answer(add("1", 10))).isEqualTo(11);
    repository.unload("versions");
  }

  @Test
  void anOverrideSticksUntilTheModelIsUnloaded() {
    repository.load("versions", Override.config(versionsConfig("\"specific\":{\"versions\":[1]}")));
    assertThat(answer(add("", 10))).isEqualTo(11);

    repository.load("versions");
    assertThat(answer(add("", 10))).as("after a plain load").isEqualTo(11);

    repository.reload("versions");
    assertThat(answer(add("", 10))).as("after unloading and loading").isEqualTo(13);
    repository.unload("versions");
  }

  @Test
  void anOverrideThatFailsLeavesWhatWasThere() {
    repository.load("versions");

    assertThat(
            failure(
                Reason.LOAD_FAILED,
                () ->
                    repository.load(
                        "versions",
                        Override.config(
                            versionsConfig("\"latest\":{\"num_versions\":1}")
                                .replace("python", "onnxruntime")))))
        .contains("unable to find backend library for backend 'onnxruntime'");
    assertThat(answer(add("2", 10))).isEqualTo(12);
    repository.unload("versions");
  }

  @Test
  void badJsonAndUnknownModelsDoNotLoad() {
    failure(Reason.LOAD_FAILED, () -> repository.load("double", Override.config("{")));
    assertThat(failure(Reason.LOAD_FAILED, () -> repository.load("nope")))
        .contains("failed to load 'nope', failed to poll from model repository");
    assertThat(client.ready(ServedModel.of("double"))).isTrue();
  }

  @Test
  void aModelMayBeSentAsFiles() throws IOException {
    ByteString code =
        ByteString.copyFrom(
            Files.readAllBytes(TritonInstallation.FILES.resolve("models/versions/1/model.py")));

    repository.load(
        "sent",
        new Override(
            Optional.of(
                versionsConfig("\"latest\":{\"num_versions\":1}")
                    .replace("\"versions\"", "\"sent\"")),
            Map.of("5/model.py", code)));

    InferAnswer answer =
        client.infer(InferRequest.of("sent").input(Tensor.floats("X", Requests.ONE, 10)).build());
    assertThat(answer.output("Y").floats()).containsExactly(15);
    assertThat(answer.model()).isEqualTo(new ServedModel("sent", "5"));
    repository.unload("sent");
  }

  @Test
  void unloadedModelsAreUnknownAtOnce() {
    repository.load("versions");
    assertThat(client.infer(add("", 1)).outputs()).hasSize(1);

    repository.unload("versions");

    assertThat(client.ready(ServedModel.of("versions"))).isFalse();
    assertThat(failure(Reason.UNKNOWN_MODEL, () -> client.infer(add("", 1))))
        .contains("Request for unknown model: 'versions' has no available versions");
    repository.awaitUnloaded("versions");
    assertThat(repository.index())
        .contains(new Entry("versions", "3", State.UNAVAILABLE, "unloaded"));
  }

  @Test
  void anEnsembleGoesWithItsPartsWhenAsked() {
    // those that were loaded for its sake alone: not double as long as somebody asked for that
    repository.unload("double");
    repository.load("chain");
    assertThat(client.ready(ServedModel.of("double"))).isTrue();

    repository.unload("chain", true);
    assertThat(client.ready(ServedModel.of("double"))).isFalse();

    repository.load("double");
    assertThat(client.ready(ServedModel.of("double"))).isTrue();
  }

  @Test
  void aModelThatCannotStartSaysWhy() {
    Override broken =
        new Override(
            Optional.of(
                versionsConfig("\"latest\":{\"num_versions\":1}")
                    .replace("\"versions\"", "\"broken\"")),
            Map.of("1/model.py", ByteString.copyFromUtf8("import no_such_module\n")));

    assertThat(failure(Reason.LOAD_FAILED, () -> repository.load("broken", broken)))
        .contains("No module named 'no_such_module'");
  }

  private static String versionsConfig(String policy) {
    return """
        {"name":"versions","backend":"python","max_batch_size":0,"version_policy":{%s},
         "input":[{"name":"X","data_type":"TYPE_FP32","dims":[1]}],
         "output":[{"name":"Y","data_type":"TYPE_FP32","dims":[1]}],
         "instance_group":[{"kind":"KIND_CPU","count":1}]}"""
        .formatted(policy);
  }
}
