package io.ballast.standalone.pull;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.onnx.Pooling;
import io.ballast.inference.store.ModelManifest;
import io.ballast.inference.store.ModelStore;
import io.ballast.inference.store.SafetensorsFile;
import io.ballast.inference.store.SafetensorsFile.Content;
import io.ballast.inference.store.WeightFiles;
import io.ballast.inference.store.WeightType;
import io.ballast.standalone.pull.ModelPull.Pulled;
import io.ballast.standalone.pull.ModelPull.Wanted;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** A model comes from a hub at one commit, whole and checked, or it does not come at all. */
class HubPullTest extends ModelPullCase {
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  private Pulled fromHub(FakeHub hub) throws IOException, InterruptedException {
    return pull().hub(repository(hub.address(), "", PATIENCE), "o/tiny", Optional.empty(), PLAIN);
  }

  private static HubRepository repository(URI hub, String token, Duration patience) {
    return new HubRepository(hub, "o/tiny", "main", token, patience);
  }

  @Test
  void aRepositoryComesAtOneCommit() throws Exception {
    try (FakeHub hub = new FakeHub(source)) {
      Pulled pulled = fromHub(hub);

      assertThat(pulled.model().name()).isEqualTo("tiny");
      assertThat(ModelManifest.read(pulled.model().folder()).orElseThrow().notes())
          .containsEntry("revision", FakeHub.COMMIT);
      assertThat(hub.requests()).first().isEqualTo("HEAD /o/tiny/resolve/main/config.json");
      assertThat(hub.requests().stream().filter(r -> r.contains("/main/"))).hasSize(1);
      assertThat(data.resolve("pull/o%2Ftiny%40main")).doesNotExist();
    }
  }

  @Test
  void aDownloadThatBrokeOffGoesOnWhereItStopped() throws Exception {
    try (FakeHub hub = new FakeHub(source)) {
      hub.breakOff(ModelManifest.WEIGHTS, 1_000);
      assertThatThrownBy(() -> fromHub(hub))
          .isInstanceOf(PullException.class)
          .hasMessageContaining("broke off after 1000 of ")
          .hasMessageContaining("goes on from there");
      assertNothingCame();

      Pulled pulled = fromHub(hub);

      assertThat(hub.requests()).contains("GET /cdn/model.safetensors bytes=1000-");
      new ModelStore(data.resolve("models")).verified(pulled.model().name(), "1");
      assertThat(
              hub.requests().stream()
                  .filter(
                      r ->
                          r.startsWith("GET")
                              && r.contains("config.json")
                              && !r.contains("tokenizer")))
          .hasSize(1);
    }
  }

  @Test
  void aFileThatChangedMeanwhileStartsAnew() throws Exception {
    try (FakeHub hub = new FakeHub(source)) {
      hub.breakOff(ModelManifest.WEIGHTS, 1_000);
      assertThatThrownBy(() -> fromHub(hub)).isInstanceOf(PullException.class);
      List<Content> others =
          TinyFolder.contents().stream()
              .map(c -> new Content(c.name(), WeightType.FLOAT16, c.shape(), c.source()))
              .toList();
      SafetensorsFile.write(source.resolve(ModelManifest.WEIGHTS), others, Map.of());

      Pulled pulled = fromHub(hub);

      assertThat(hub.requests()).noneMatch(r -> r.contains("bytes="));
      assertThat(
              SafetensorsFile.open(pulled.model().folder().resolve(ModelManifest.WEIGHTS))
                  .type("model.norm.weight"))
          .isEqualTo(WeightType.FLOAT16);
    }
  }

  @Test
  void aWrongChecksumIsThrownAway() throws Exception {
    try (FakeHub hub = new FakeHub(source)) {
      hub.promise(ModelManifest.WEIGHTS, "ab".repeat(32));
      assertThatThrownBy(() -> fromHub(hub))
          .isInstanceOf(PullException.class)
          .hasMessageContaining("the hub promised abab");
      assertNothingCame();
      assertThat(data.resolve("pull/o%2Ftiny%40main/model.safetensors.part")).doesNotExist();
    }
  }

  @Test
  void shardsComeAsTheIndexSays() throws Exception {
    List<Content> contents = TinyFolder.contents();
    SafetensorsFile.write(source.resolve("a.safetensors"), contents.subList(0, 4), Map.of());
    SafetensorsFile.write(
        source.resolve("b.safetensors"), contents.subList(4, contents.size()), Map.of());
    StringBuilder map = new StringBuilder();
    for (int i = 0; i < contents.size(); i++) {
      map.append(i == 0 ? "" : ",")
          .append('"')
          .append(contents.get(i).name())
          .append(i < 4 ? "\":\"a.safetensors\"" : "\":\"b.safetensors\"");
    }
    Files.writeString(source.resolve(WeightFiles.INDEX), "{\"weight_map\":{" + map + "}}");
    Files.delete(source.resolve(ModelManifest.WEIGHTS));
    try (FakeHub hub = new FakeHub(source)) {
      Path model = fromHub(hub).model().folder();
      assertThat(SafetensorsFile.open(model.resolve(ModelManifest.WEIGHTS)).names())
          .isEqualTo(TinyFolder.CONFIG.weightShapes().keySet());
    }
  }

  @Test
  void anUnknownArchitectureIsRefusedBeforeTheWeightsCome() throws Exception {
    Files.writeString(source.resolve("config.json"), "{\"model_type\":\"falcon\"}");
    try (FakeHub hub = new FakeHub(source)) {
      assertThatThrownBy(() -> fromHub(hub))
          .isInstanceOf(ModelException.class)
          .hasMessageContaining("model_type: falcon");
      assertThat(hub.requests()).noneMatch(r -> r.contains("safetensors"));
    }
  }

  @Test
  void aHubThatLacksOrRefusesItIsNamed() throws Exception {
    Files.delete(source.resolve("tokenizer.json"));
    try (FakeHub hub = new FakeHub(source)) {
      assertThatThrownBy(() -> fromHub(hub))
          .hasMessage("the hub has no tokenizer.json in o/tiny at main; see --revision");
      hub.requireToken("secret");
      assertThatThrownBy(() -> fromHub(hub))
          .hasMessageContaining("answers 401; it is private or does not exist")
          .hasMessageContaining("BALLAST_HUB_TOKEN");
    }
    HubRepository nobody = repository(URI.create("http://127.0.0.1:1"), "", PATIENCE);
    assertThatThrownBy(() -> pull().hub(nobody, "o/tiny", Optional.empty(), PLAIN))
        .isInstanceOf(PullException.class)
        .hasMessageContaining("no answer from http://127.0.0.1:1");
  }

  @Test
  void aTokenOpensAPrivateRepository() throws Exception {
    try (FakeHub hub = new FakeHub(source)) {
      hub.requireToken("secret");
      pull().hub(repository(hub.address(), "secret", PATIENCE), "o/tiny", Optional.empty(), PLAIN);
    }
  }

  @Test
  void whatAnEarlierCommitHadIsNotTakenForALaterOne() throws Exception {
    Files.writeString(source.resolve("generation_config.json"), "{\"eos_token_id\": 1}");
    try (FakeHub hub = new FakeHub(source)) {
      hub.breakOff(ModelManifest.WEIGHTS, 1_000);
      assertThatThrownBy(() -> fromHub(hub)).isInstanceOf(PullException.class);
      Files.delete(source.resolve("generation_config.json"));

      Pulled pulled = fromHub(hub);

      assertThat(pulled.model().folder().resolve("generation_config.json")).doesNotExist();
    }
  }

  @Test
  void whatCannotBePublishedIsNotFetched() throws Exception {
    Pulled first = pull().local(source, PLAIN);
    Wanted again = Wanted.plain(Optional.of(first.model().name()), "1");
    try (FakeHub hub = new FakeHub(source)) {
      assertThatThrownBy(
              () ->
                  pull()
                      .hub(
                          repository(hub.address(), "", PATIENCE),
                          "o/tiny",
                          Optional.empty(),
                          again))
          .hasMessageContaining("tiny-model/1 is there already");
      assertThat(hub.requests()).isEmpty();
    }
    assertThatThrownBy(() -> pull().local(zip("a.gguf"), again))
        .hasMessageContaining("tiny-model/1 is there already");
  }

  @Test
  void poolingIsRefusedBeforeTheWeightsCome() throws Exception {
    Wanted pooled = new Wanted(Optional.empty(), "1", Optional.empty(), Optional.of(Pooling.MEAN));
    try (FakeHub hub = new FakeHub(source)) {
      for (String file : List.of("q/tiny.gguf", "")) {
        assertThatThrownBy(
                () ->
                    pull()
                        .hub(
                            repository(hub.address(), "", PATIENCE),
                            "o/tiny",
                            Optional.of(file).filter(name -> !name.isEmpty()),
                            pooled))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessage("pooling: o/tiny is no encoder");
      }
      assertThat(hub.requests()).isNotEmpty().allMatch(r -> r.endsWith("/config.json"));
    }
  }

  @Test
  void aHubThatFallsSilentIsGivenUp() throws Exception {
    try (FakeHub hub = new FakeHub(source)) {
      hub.stall(ModelManifest.WEIGHTS);
      assertThatThrownBy(
              () ->
                  pull()
                      .hub(
                          repository(hub.address(), "", Duration.ofSeconds(1)),
                          "o/tiny",
                          Optional.empty(),
                          PLAIN))
          .isInstanceOf(PullException.class)
          .hasMessageContaining("broke off after");
      assertNothingCame();
    }
  }

  @Test
  void aDownloadThatWasWholeIsNotFetchedAgain() throws Exception {
    byte[] all = weights(source);
    try (FakeHub hub = new FakeHub(source)) {
      hub.breakOff(ModelManifest.WEIGHTS, 1_000);
      assertThatThrownBy(() -> fromHub(hub)).isInstanceOf(PullException.class);
      Files.write(data.resolve("pull/o%2Ftiny%40main/model.safetensors.part"), all);
      int before = hub.requests().size();

      Pulled pulled = fromHub(hub);

      assertThat(hub.requests().subList(before, hub.requests().size()))
          .noneMatch(request -> request.startsWith("GET /cdn/"));
      new ModelStore(data.resolve("models")).verified(pulled.model().name(), "1");
    }
  }

  @Test
  void anotherHostIsFollowedByHttpsOnly() throws Exception {
    try (FakeHub hub = new FakeHub(source);
        FakeHub stranger = new FakeHub(source)) {
      hub.redirectTo(stranger.address());
      assertThatThrownBy(() -> fromHub(hub))
          .isInstanceOf(PullException.class)
          .hasMessageContaining("which is not https");
      assertThat(stranger.requests()).isEmpty();
    }
  }

  @Test
  void theTokenIsForTheHubAlone() {
    HubRepository repository = repository(URI.create("https://hub.example/a"), "secret", PATIENCE);
    assertThat(repository.authorization(URI.create("https://hub.example/o/tiny")))
        .contains("Bearer secret");
    assertThat(repository.authorization(URI.create("https://cdn.example/o/tiny"))).isEmpty();
    assertThat(repository.authorization(URI.create("http://hub.example/o/tiny"))).isEmpty();
    assertThat(
            repository(URI.create("https://hub.example"), "", PATIENCE)
                .authorization(URI.create("https://hub.example/o/tiny")))
        .isEmpty();
  }
}
