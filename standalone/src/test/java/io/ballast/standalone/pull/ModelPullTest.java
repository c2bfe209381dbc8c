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
import io.ballast.inference.torch.DecoderConfig;
import io.ballast.standalone.pull.ModelPull.Pulled;
import io.ballast.standalone.pull.ModelPull.Wanted;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A model comes from wherever it is, whole and checked, or it does not come at all. */
class ModelPullTest {
  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final Wanted PLAIN = Wanted.plain(Optional.empty(), "1");

  @TempDir private Path folder = Path.of(".");
  private Path data = Path.of(".");
  private Path source = Path.of(".");

  @BeforeEach
  void aFolder() throws IOException {
    data = folder.resolve("data");
    source = TinyFolder.write(folder.resolve("Tiny Model"));
  }

  private ModelPull pull() {
    return new ModelPull(data, (what, part) -> {});
  }

  private static byte[] weights(Path model) throws IOException {
    return Files.readAllBytes(model.resolve(ModelManifest.WEIGHTS));
  }

  private void assertNothingCame() throws IOException {
    assertThat(new ModelStore(data.resolve("models")).list()).isEmpty();
    if (Files.exists(data.resolve("models/.staging"))) {
      try (Stream<Path> left = Files.list(data.resolve("models/.staging"))) {
        assertThat(left).isEmpty();
      }
    }
  }

  @Test
  void aFolderBecomesAVersionWithChecksums() throws IOException {
    Pulled pulled = pull().local(source, PLAIN);

    assertThat(pulled.model().name()).isEqualTo("tiny-model");
    assertThat(pulled.model().version()).isEqualTo("1");
    assertThat(pulled).isEqualTo(new Pulled.Decoder(pulled.model(), TinyFolder.CONFIG));
    assertThat(new ModelStore(data.resolve("models")).verified("tiny-model", "1").folder())
        .isEqualTo(pulled.model().folder());
    assertThat(DecoderConfig.read(pulled.model().folder())).isEqualTo(TinyFolder.CONFIG);
    assertThat(pulled.model().folder().resolve("tokenizer.json"))
        .hasSameTextualContentAs(source.resolve("tokenizer.json"));
    assertThat(ModelManifest.read(pulled.model().folder()).orElseThrow().notes())
        .containsEntry("source", "Tiny Model");
    SafetensorsFile before = SafetensorsFile.open(source.resolve(ModelManifest.WEIGHTS));
    SafetensorsFile after =
        SafetensorsFile.open(pulled.model().folder().resolve(ModelManifest.WEIGHTS));
    TinyFolder.CONFIG
        .weightShapes()
        .forEach(
            (name, shape) ->
                assertThat(after.read(name, shape)).isEqualTo(before.read(name, shape)));
  }

  @Test
  void weightsAreWrittenAsWanted() throws IOException {
    Pulled pulled =
        pull()
            .local(
                source.resolve(ModelManifest.WEIGHTS),
                new Wanted(
                    Optional.of("half"), "7", Optional.of(WeightType.BFLOAT16), Optional.empty()));

    assertThat(pulled.model().name()).isEqualTo("half");
    assertThat(pulled.model().version()).isEqualTo("7");
    assertThat(
            SafetensorsFile.open(pulled.model().folder().resolve(ModelManifest.WEIGHTS))
                .type("model.norm.weight"))
        .isEqualTo(WeightType.BFLOAT16);
    assertThat(Files.readString(pulled.model().folder().resolve("config.json")))
        .contains("\"torch_dtype\" : \"bfloat16\"");
  }

  @Test
  void aVersionThatIsThereIsNotReplaced() throws IOException {
    Pulled first = pull().local(source, PLAIN);
    byte[] before = weights(first.model().folder());

    assertThatThrownBy(() -> pull().local(source, PLAIN))
        .isInstanceOf(PullException.class)
        .hasMessage(
            "tiny-model/1 is there already, and versions never change; take another with --version");
    assertThat(weights(first.model().folder())).isEqualTo(before);
  }

  @Test
  void whatDisagreesDoesNotCome() throws IOException {
    List<Content> contents = new ArrayList<>(TinyFolder.contents());
    contents.removeLast();
    SafetensorsFile.write(source.resolve(ModelManifest.WEIGHTS), contents, Map.of());

    assertThatThrownBy(() -> pull().local(source, PLAIN))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("missing [model.norm.weight]");
    assertNothingCame();
  }

  @Test
  void aTokenizerOfAnotherModelDoesNotCome() throws IOException {
    DecoderConfig small = new DecoderConfig(16, 24, 1, 2, 1, 100, 32, 1e-5, 10_000, true, 0, 0);
    small.write(source, WeightType.FLOAT32);

    assertThatThrownBy(() -> pull().local(source, PLAIN))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("tokenizer.json: 257 ids (expected: at most vocab_size 100)");
    assertNothingCame();
  }

  private Path zip(String... names) throws IOException {
    Path archive = folder.resolve("tiny-1.0-py3-none-any.whl");
    try (ZipOutputStream out = new ZipOutputStream(Files.newOutputStream(archive))) {
      for (String name : names) {
        out.putNextEntry(new ZipEntry(name));
        Path file = source.resolve(name.substring(name.lastIndexOf('/') + 1));
        if (Files.isRegularFile(file)) {
          Files.copy(file, out);
        }
        out.closeEntry();
      }
    }
    return archive;
  }

  @Test
  void anArchivesOneModelIsUnpacked() throws IOException {
    Path archive =
        zip(
            "tiny/__init__.py",
            "tiny/model/config.json",
            "tiny/model/model.safetensors",
            "tiny/model/tokenizer.json",
            "tiny/model/evil.sh");

    Pulled pulled = pull().local(archive, PLAIN);

    assertThat(pulled.model().name()).isEqualTo("model");
    assertThat(pulled.model().folder().resolve("evil.sh")).doesNotExist();
    assertThat(ModelManifest.read(pulled.model().folder()).orElseThrow().notes())
        .containsEntry("source", "tiny-1.0-py3-none-any.whl");
    try (Stream<Path> left = Files.list(data.resolve("pull"))) {
      assertThat(left).isEmpty();
    }
  }

  @Test
  void anArchiveWithNoModelOrTwoIsRefused() throws IOException {
    Path none = zip("a.txt");
    assertThatThrownBy(() -> pull().local(none, PLAIN))
        .isInstanceOf(PullException.class)
        .hasMessageContaining("holds no model");
    Path two = zip("a.gguf", "b/c.gguf");
    assertThatThrownBy(() -> pull().local(two, PLAIN))
        .hasMessageContaining("holds [a.gguf, b/c.gguf] (expected: one .gguf, one folder");
    Path broken = Files.writeString(folder.resolve("broken.zip"), "no zip");
    assertThatThrownBy(() -> pull().local(broken, PLAIN)).hasMessageContaining("broken.zip: ");
  }

  @Test
  void anEntryThatClimbsLandsInside() throws IOException {
    Path archive =
        zip("../../x/config.json", "../../x/model.safetensors", "../../x/tokenizer.json");
    assertThat(pull().local(archive, PLAIN).model().name()).isEqualTo("x");
    assertThat(folder.resolve("x")).doesNotExist();
  }

  @Test
  void otherFilesAreNotModels() throws IOException {
    Path text = Files.writeString(folder.resolve("a.bin"), "x");
    assertThatThrownBy(() -> pull().local(text, PLAIN))
        .hasMessageContaining("not a folder, .gguf, .safetensors, .onnx, .whl, .jar or .zip");
    Path alone = Files.copy(source.resolve(ModelManifest.WEIGHTS), folder.resolve("w.safetensors"));
    assertThatThrownBy(() -> pull().local(alone, PLAIN))
        .hasMessageContaining("there is no config.json beside it");
  }

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

  @Test
  void anArchiveWithAFlippedBitIsRefused() throws Exception {
    Path archive = folder.resolve("stored.zip");
    byte[] weights = weights(source);
    try (ZipOutputStream out = new ZipOutputStream(Files.newOutputStream(archive))) {
      out.setMethod(ZipOutputStream.STORED);
      for (String name : List.of("config.json", "tokenizer.json", ModelManifest.WEIGHTS)) {
        byte[] bytes = Files.readAllBytes(source.resolve(name));
        CRC32 crc = new CRC32();
        crc.update(bytes);
        ZipEntry entry = new ZipEntry("m/" + name);
        entry.setSize(bytes.length);
        entry.setCrc(crc.getValue());
        out.putNextEntry(entry);
        out.write(bytes);
        out.closeEntry();
      }
    }
    byte[] zip = Files.readAllBytes(archive);
    int last = indexOf(zip, weights) + weights.length - 1;
    zip[last] ^= 1;
    Files.write(archive, zip);

    assertThatThrownBy(() -> pull().local(archive, PLAIN))
        .isInstanceOf(PullException.class)
        .hasMessageContaining("model.safetensors: ")
        .hasMessageContaining("do not have the length and checksum it says");
    assertNothingCame();
  }

  private static int indexOf(byte[] all, byte[] part) {
    int at = 0;
    while (!Arrays.equals(all, at, at + part.length, part, 0, part.length)) {
      at++;
    }
    return at;
  }
}
