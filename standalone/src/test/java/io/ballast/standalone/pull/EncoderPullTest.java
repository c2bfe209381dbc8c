package io.ballast.standalone.pull;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.onnx.EncoderDescription;
import io.ballast.inference.onnx.Pooling;
import io.ballast.inference.store.ModelManifest;
import io.ballast.inference.store.ModelStore;
import io.ballast.inference.store.WeightType;
import io.ballast.standalone.pull.ModelPull.Pulled;
import io.ballast.standalone.pull.ModelPull.Wanted;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import java.util.zip.Deflater;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** An encoder comes from a folder, a file or an archive, tried before it is kept. */
class EncoderPullTest {
  private static final Wanted PLAIN = Wanted.plain(Optional.empty(), "1");
  private static final EncoderDescription TINY =
      new EncoderDescription(false, 2, 512, Optional.of(Pooling.MEAN), false);

  @TempDir private Path folder = Path.of(".");
  private Path data = Path.of(".");
  private Path source = Path.of(".");

  @BeforeEach
  void anEncoder() throws IOException {
    data = folder.resolve("data");
    source = TinyEncoder.write(folder.resolve("compass"));
  }

  private ModelPull pull() {
    return new ModelPull(data, (what, part) -> {});
  }

  private byte[] model() throws IOException {
    return Files.readAllBytes(source.resolve("model.onnx"));
  }

  private byte[] tokenizer() throws IOException {
    return Files.readAllBytes(source.resolve("tokenizer.json"));
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private Path zip(String file, Map<String, byte[]> entries) throws IOException {
    Path archive = folder.resolve(file);
    try (ZipOutputStream out = new ZipOutputStream(Files.newOutputStream(archive))) {
      for (Map.Entry<String, byte[]> entry : entries.entrySet()) {
        out.putNextEntry(new ZipEntry(entry.getKey()));
        out.write(entry.getValue());
        out.closeEntry();
      }
    }
    return archive;
  }

  private void assertRefused(Path archive, String reason, String message) throws IOException {
    assertThatThrownBy(() -> pull().local(archive, PLAIN))
        .isInstanceOfSatisfying(PullException.class, e -> assertThat(e.reason()).isEqualTo(reason))
        .hasMessageContaining(message);
    assertNothingCame();
  }

  private void assertNothingCame() throws IOException {
    assertThat(new ModelStore(data.resolve("models")).list()).isEmpty();
    for (String left : List.of("models/.staging", "pull")) {
      if (Files.exists(data.resolve(left))) {
        try (Stream<Path> files = Files.list(data.resolve(left))) {
          assertThat(files).isEmpty();
        }
      }
    }
  }

  @Test
  void aFolderIsTriedAndDescribedInItsManifest() throws IOException {
    Pulled pulled = pull().local(source, PLAIN);

    assertThat(pulled).isEqualTo(new Pulled.Encoder(pulled.model(), TINY));
    assertThat(pulled.model().name()).isEqualTo("compass");
    Path came = new ModelStore(data.resolve("models")).verified("compass", "1").folder();
    ModelManifest manifest = ModelManifest.read(came).orElseThrow();
    assertThat(manifest.checksums()).containsOnlyKeys("model.onnx", "tokenizer.json");
    assertThat(manifest.notes()).containsEntry("source", "compass");
    assertThat(EncoderDescription.of(manifest.notes())).contains(TINY);
  }

  @Test
  void aJarHasItsModelUnderAnotherName() throws IOException {
    Map<String, byte[]> entries = new LinkedHashMap<>();
    entries.put("META-INF/MANIFEST.MF", bytes("Manifest-Version: 1.0\n"));
    entries.put("Small-Compass-q.onnx", model());
    entries.put("Small-Compass-q-tokenizer.json", tokenizer());
    entries.put("com/example/Compass.class", new byte[] {1, 2});

    Pulled pulled = pull().local(zip("compass-1.0.jar", entries), PLAIN);

    assertThat(pulled.model().name()).isEqualTo("small-compass-q");
    assertThat(ModelManifest.read(pulled.model().folder()).orElseThrow().checksums())
        .containsOnlyKeys("model.onnx", "tokenizer.json");
  }

  @Test
  void aFolderOfTheHubHasItsModelOneFolderDeeper() throws IOException {
    Map<String, byte[]> entries = new LinkedHashMap<>();
    entries.put("mini/config.json", bytes("{\"model_type\":\"bert\"}"));
    entries.put("mini/model.safetensors", new byte[] {1});
    entries.put("mini/sentence_bert_config.json", bytes("{\"max_seq_length\": 64}"));
    entries.put("mini/1_Pooling/config.json", bytes("{\"pooling_mode_cls_token\": true}"));
    entries.put("mini/tokenizer.json", tokenizer());
    entries.put("mini/onnx/model.onnx", model());
    entries.put("mini/onnx/model_O4.onnx", model());

    Pulled fromZip = pull().local(zip("mini.zip", entries), PLAIN);
    Path unpacked = folder.resolve("unpacked");
    for (Map.Entry<String, byte[]> entry : entries.entrySet()) {
      Path file = unpacked.resolve(entry.getKey());
      Files.createDirectories(file.resolveSibling(""));
      Files.write(file, entry.getValue());
    }
    Pulled fromFolder = pull().local(unpacked.resolve("mini"), Wanted.plain(Optional.empty(), "2"));
    Pulled fromFile =
        pull()
            .local(
                unpacked.resolve("mini/onnx/model_O4.onnx"), Wanted.plain(Optional.empty(), "3"));

    EncoderDescription expected =
        new EncoderDescription(false, 2, 64, Optional.of(Pooling.FIRST_TOKEN), false);
    for (Pulled pulled : List.of(fromZip, fromFolder, fromFile)) {
      assertThat(pulled).isEqualTo(new Pulled.Encoder(pulled.model(), expected));
      assertThat(pulled.model().name()).isEqualTo("mini");
      assertThat(ModelManifest.read(pulled.model().folder()).orElseThrow().checksums())
          .containsOnlyKeys(
              "1_Pooling/config.json",
              "config.json",
              "model.onnx",
              "sentence_bert_config.json",
              "tokenizer.json");
    }
  }

  @Test
  void ofATokenizerInTheFolderOnnxTheRestIsAboveIt() throws Exception {
    Map<String, byte[]> entries = new LinkedHashMap<>();
    entries.put("mini/sentence_bert_config.json", bytes("{\"max_seq_length\": 64}"));
    entries.put("mini/1_Pooling/config.json", bytes("{\"pooling_mode_cls_token\": true}"));
    entries.put("mini/onnx/config.json", bytes("{\"max_position_embeddings\": 128}"));
    entries.put("mini/onnx/tokenizer.json", tokenizer());
    entries.put("mini/onnx/model.onnx", model());
    Path mini = folder.resolve("unpacked/mini");
    for (Map.Entry<String, byte[]> entry : entries.entrySet()) {
      Path file = folder.resolve("unpacked").resolve(entry.getKey());
      Files.createDirectories(file.resolveSibling(""));
      Files.write(file, entry.getValue());
    }
    List<Pulled> all = new ArrayList<>();
    all.add(pull().local(zip("mini.zip", entries), PLAIN));
    for (String name : List.of("", "onnx", "onnx/model.onnx")) {
      Wanted wanted = Wanted.plain(Optional.empty(), "2" + all.size());
      all.add(pull().local(mini.resolve(name), wanted));
    }
    try (FakeHub hub = new FakeHub(mini)) {
      all.add(fromHub(hub, ""));
      all.add(fromHub(hub, "onnx/model.onnx"));
    }

    EncoderDescription expected =
        new EncoderDescription(false, 2, 64, Optional.of(Pooling.FIRST_TOKEN), false);
    for (Pulled pulled : all) {
      assertThat(pulled).isEqualTo(new Pulled.Encoder(pulled.model(), expected));
      assertThat(ModelManifest.read(pulled.model().folder()).orElseThrow().checksums())
          .containsOnlyKeys(
              "1_Pooling/config.json",
              "config.json",
              "model.onnx",
              "sentence_bert_config.json",
              "tokenizer.json");
    }
    assertThat(all.subList(0, 4)).allMatch(pulled -> pulled.model().name().equals("mini"));
  }

  @Test
  void aDecoderWithAnOnnxFileBesideItStaysADecoder() throws IOException {
    TinyFolder.write(source);
    assertThat(pull().local(source, PLAIN)).isInstanceOf(Pulled.Decoder.class);
    Map<String, byte[]> entries = new LinkedHashMap<>();
    for (String name :
        List.of("config.json", "model.safetensors", "tokenizer.json", "model.onnx")) {
      entries.put("both/" + name, Files.readAllBytes(source.resolve(name)));
    }
    assertThat(pull().local(zip("both.zip", entries), PLAIN)).isInstanceOf(Pulled.Decoder.class);
  }

  @Test
  void poolingIsSaidWhereTheFilesDoNot() throws IOException {
    Wanted first =
        new Wanted(Optional.of("first"), "1", Optional.empty(), Optional.of(Pooling.FIRST_TOKEN));
    Pulled pulled = pull().local(source, first);
    assertThat(((Pulled.Encoder) pulled).description().pooling()).contains(Pooling.FIRST_TOKEN);

    Files.createDirectories(source.resolve("1_Pooling"));
    Files.writeString(
        source.resolve("1_Pooling/config.json"), "{\"pooling_mode_mean_tokens\": true}");
    Wanted again =
        new Wanted(Optional.of("again"), "1", Optional.empty(), Optional.of(Pooling.FIRST_TOKEN));
    assertThatThrownBy(() -> pull().local(source, again))
        .isInstanceOf(ModelException.class)
        .hasMessage("1_Pooling/config.json: mean (expected: as wanted, cls)");
  }

  @Test
  void whatIsSaidOfTheOtherKindIsRefused() throws IOException {
    Wanted half =
        new Wanted(Optional.of("half"), "1", Optional.of(WeightType.BFLOAT16), Optional.empty());
    assertThatThrownBy(() -> pull().local(source, half))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("is an encoder, whose numbers stay as they are");
    Path decoder = TinyFolder.write(folder.resolve("decoder"));
    Wanted pooled = new Wanted(Optional.empty(), "1", Optional.empty(), Optional.of(Pooling.MEAN));
    assertThatThrownBy(() -> pull().local(decoder, pooled))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("pooling: decoder is no encoder");
    assertNothingCame();
  }

  @Test
  void severalModelsAreNamedAndNoneIsChosen() throws IOException {
    Files.move(source.resolve("model.onnx"), source.resolve("a.onnx"));
    Files.copy(source.resolve("a.onnx"), source.resolve("b.onnx"));
    assertRefused(source, "NO_SINGLE_MODEL", "holds [a.onnx, b.onnx]; name the .onnx that you");
    assertRefused(
        zip(
            "two.jar",
            Map.of("a.onnx", model("a"), "b.onnx", model("a"), "tokenizer.json", tokenizer())),
        "NO_SINGLE_MODEL",
        "holds [a.onnx, b.onnx] (expected: one .gguf,");
    assertThat(pull().local(source.resolve("b.onnx"), PLAIN).model().name()).isEqualTo("b");
  }

  private byte[] model(String name) throws IOException {
    return Files.readAllBytes(source.resolve(name + ".onnx"));
  }

  @Test
  void withoutATokenizerThereIsNoEncoder() throws IOException {
    assertRefused(
        zip("bare.jar", Map.of("a/model.onnx", model())),
        "NO_SINGLE_MODEL",
        "holds no model: a/model.onnx has no tokenizer (expected: ");
    Files.delete(source.resolve("tokenizer.json"));
    assertRefused(source.resolve("model.onnx"), "NO_TOKENIZER", "there is no tokenizer.json");
  }

  @Test
  void entriesThatClimbLandInside() throws IOException {
    Map<String, byte[]> entries = new LinkedHashMap<>();
    entries.put("../../x/model.onnx", model());
    entries.put("../../x/tokenizer.json", tokenizer());
    entries.put("../../x/1_Pooling/config.json", bytes("{\"pooling_mode_cls_token\": true}"));
    entries.put("../../x/../../evil.sh", bytes("#!/bin/sh"));
    entries.put("/etc/evil", bytes("x"));

    assertThat(pull().local(zip("climbs.zip", entries), PLAIN).model().name()).isEqualTo("x");

    try (Stream<Path> all = Files.walk(folder)) {
      assertThat(all.map(file -> String.valueOf(file.getFileName())))
          .doesNotContain("evil.sh", "evil");
    }
    assertThat(data.resolve("models/x/1/1_Pooling/config.json")).exists();
    assertThat(Files.exists(folder.resolve("x"))).isFalse();
  }

  @Test
  void gigabytesOfZerosAreNotUnpacked() throws IOException {
    // a thousand zeros become a byte; 64 MB are there, and then 3 GB are said to be
    Path archive = folder.resolve("bomb.zip");
    try (OutputStream file = Files.newOutputStream(archive);
        ZipOutputStream out = new ZipOutputStream(file)) {
      out.setLevel(Deflater.BEST_SPEED);
      out.putNextEntry(new ZipEntry("tokenizer.json"));
      out.write(tokenizer());
      out.closeEntry();
      out.putNextEntry(new ZipEntry("model.onnx"));
      byte[] zeros = new byte[1 << 20];
      for (int i = 0; i < 64; i++) {
        out.write(zeros);
      }
      out.closeEntry();
    }
    assertRefused(archive, "BAD_ARCHIVE", "model.onnx: 67,108,864 bytes out of ");
    byte[] lying = Files.readAllBytes(archive);
    assertThat(replace(lying, 64 << 20, 3 << 30)).isEqualTo(2);
    Files.write(archive, lying);
    assertRefused(archive, "BAD_ARCHIVE", "model.onnx: 3,221,225,472 bytes out of ");
  }

  @Test
  void anEntryThatIsLongerThanItSaysIsNotUnpacked() throws IOException {
    byte[] archive =
        Files.readAllBytes(
            zip("short.zip", Map.of("model.onnx", model(), "tokenizer.json", tokenizer())));
    assertThat(replace(archive, model().length, model().length - 1)).isEqualTo(2);
    assertRefused(
        Files.write(folder.resolve("short.zip"), archive),
        "BAD_ARCHIVE",
        "model.onnx: longer than");
  }

  /** Replaces a little-endian number of 32 bits wherever it stands; returns how often it did. */
  private static int replace(byte[] bytes, int before, int after) {
    int count = 0;
    for (int at = 0; at + 4 <= bytes.length; at++) {
      int number = 0;
      for (int i = 3; i >= 0; i--) {
        number = number << 8 | bytes[at + i] & 0xff;
      }
      if (number == before) {
        count++;
        for (int i = 0; i < 4; i++) {
          bytes[at + i] = (byte) (after >> 8 * i);
        }
      }
    }
    return count;
  }

  @Test
  void aConfigThatIsLongerThanItSaysIsNotRead() throws IOException {
    Map<String, byte[]> entries = new LinkedHashMap<>();
    byte[] config = new byte[3 << 20];
    Arrays.fill(config, (byte) ' ');
    entries.put("config.json", config);
    entries.put("model.safetensors", new byte[] {1});
    // it has its own, so that the other is read only to see whether the weights are a decoder's
    entries.put("onnx/config.json", bytes("{}"));
    entries.put("onnx/model.onnx", model());
    entries.put("onnx/tokenizer.json", tokenizer());
    byte[] archive = Files.readAllBytes(zip("config.zip", entries));
    Path lying = folder.resolve("config.zip");
    assertRefused(lying, "BAD_ARCHIVE", "config.json: 3,145,728 bytes out of ");
    assertThat(replace(archive, config.length, 10)).isEqualTo(2);
    assertRefused(
        Files.write(lying, archive),
        "BAD_ARCHIVE",
        "config.json: longer than the 10 bytes it says");
  }

  @Test
  void aTokenizerThatWouldFillTheMemoryIsNotUnpacked() throws IOException {
    byte[] large = new byte[(64 << 20) + 1];
    Arrays.fill(large, (byte) ' ');
    for (int i = 0; i < large.length; i += 61) {
      large[i] = (byte) (i * 31 >> 3); // so that it does not shrink to a hundredth
    }
    assertRefused(
        zip("large.zip", Map.of("model.onnx", model(), "tokenizer.json", large)),
        "BAD_ARCHIVE",
        "tokenizer.json: 67,108,865 bytes (expected: at most 67,108,864)");
  }

  @Test
  void anArchiveCutAnywhereIsRefused() throws IOException {
    byte[] whole =
        Files.readAllBytes(
            zip("whole.jar", Map.of("model.onnx", model(), "tokenizer.json", tokenizer())));
    for (int length = 0; length < whole.length; length += 1 + length / 10) {
      assertRefused(
          Files.write(folder.resolve("cut.jar"), Arrays.copyOf(whole, length)),
          "BAD_ARCHIVE",
          "cut.jar: ");
    }
  }

  @Test
  void aFlippedBitIsFoundWhereverItIs() throws IOException {
    byte[] whole =
        Files.readAllBytes(
            zip("whole.jar", Map.of("model.onnx", model(), "tokenizer.json", tokenizer())));
    for (int at = 0; at < whole.length; at += 7) {
      byte[] flipped = whole.clone();
      flipped[at] ^= 4;
      Path archive = Files.write(folder.resolve("flipped.jar"), flipped);
      try {
        Pulled pulled = pull().local(archive, PLAIN); // a date, or an attribute that nobody reads
        assertThat(Files.readAllBytes(pulled.model().folder().resolve("model.onnx")))
            .isEqualTo(model());
        ModelStore.deleteAll(data.resolve("models"));
      } catch (PullException | ModelException e) {
        assertNothingCame();
      }
    }
  }

  @Test
  void aModelThatDoesNotRunDoesNotCome() throws IOException {
    Files.write(source.resolve("model.onnx"), Arrays.copyOf(model(), model().length / 2));
    assertThatThrownBy(() -> pull().local(source, PLAIN))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("model.onnx: ");
    assertNothingCame();
  }

  @Test
  void weightsInAFileBesideTheModelComeWithIt() throws IOException {
    TinyEncoder.writeWithOuterPoints(source.resolve("model.onnx"), "model.onnx_data");
    Files.write(source.resolve("model.onnx_data"), TinyEncoder.points(ByteOrder.LITTLE_ENDIAN));

    Pulled pulled = pull().local(source, PLAIN);

    assertThat(pulled).isEqualTo(new Pulled.Encoder(pulled.model(), TINY));
    assertThat(ModelManifest.read(pulled.model().folder()).orElseThrow().checksums())
        .containsOnlyKeys("model.onnx", "model.onnx_data", "tokenizer.json");
  }

  @Test
  void weightsBesideAModelOfAnyNameComeOutOfAnArchive() throws IOException {
    TinyEncoder.writeWithOuterPoints(source.resolve("some.onnx"), "some.onnx_data");
    Map<String, byte[]> entries = new LinkedHashMap<>();
    entries.put("a/some.onnx", model("some"));
    entries.put("a/some.onnx_data", TinyEncoder.points(ByteOrder.LITTLE_ENDIAN));
    entries.put("a/some-tokenizer.json", tokenizer());

    Pulled pulled = pull().local(zip("outer.jar", entries), PLAIN);

    assertThat(pulled).isEqualTo(new Pulled.Encoder(pulled.model(), TINY));
    assertThat(pulled.model().name()).isEqualTo("some");
    assertThat(ModelManifest.read(pulled.model().folder()).orElseThrow().checksums())
        .containsOnlyKeys("model.onnx", "some.onnx_data", "tokenizer.json");
  }

  @Test
  void otherFoldersBesideAModelAreNotLookedInto() throws IOException {
    Path other = TinyEncoder.write(source.resolve("other"));
    Path onnx = Files.createDirectories(source.resolve("onnx"));
    Path pooling = source.resolve("1_Pooling");
    for (Path closed : List.of(other, onnx)) {
      Files.setPosixFilePermissions(closed, PosixFilePermissions.fromString("---------"));
    }
    try {
      assertThat(pull().local(source, PLAIN).model().name()).isEqualTo("compass");
      Wanted again = Wanted.plain(Optional.of("again"), "1");
      assertThat(pull().local(source.resolve("model.onnx"), again))
          .isInstanceOf(Pulled.Encoder.class);
      Files.createDirectory(
          pooling,
          PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("---------")));
      if (!Files.isReadable(pooling)) { // root reads whatever there is
        Wanted third = Wanted.plain(Optional.of("third"), "1");
        assertThatThrownBy(() -> pull().local(source, third))
            .hasMessage(pooling + ": may not be read");
      }
    } finally {
      for (Path closed : List.of(other, onnx)) {
        Files.setPosixFilePermissions(closed, PosixFilePermissions.fromString("rwx------"));
      }
      if (Files.exists(pooling)) {
        Files.setPosixFilePermissions(pooling, PosixFilePermissions.fromString("rwx------"));
      }
    }
  }

  @Test
  void weightsOutsideTheFolderAreNotRead() throws IOException {
    byte[] points = TinyEncoder.points(ByteOrder.LITTLE_ENDIAN);
    Path absolute = Files.write(folder.resolve("outside"), points);
    Files.createDirectories(data.resolve("models/.staging"));
    Files.write(data.resolve("models/outside"), points);
    for (String location : List.of(absolute.toString(), "../../outside", "a/../../../outside")) {
      TinyEncoder.writeWithOuterPoints(source.resolve("model.onnx"), location);
      assertThatThrownBy(() -> pull().local(source, PLAIN))
          .as(location)
          .isInstanceOf(ModelException.class);
      assertNothingCame();
    }
  }

  private Pulled fromHub(FakeHub hub, String file) throws Exception {
    return pull()
        .hub(
            new HubRepository(hub.address(), "o/tiny", "main", "", Duration.ofSeconds(30)),
            "o/tiny",
            Optional.of(file).filter(name -> !name.isEmpty()),
            Wanted.plain(Optional.of("hub" + file.replaceAll("\\W", "")), "1"));
  }

  @Test
  void aRepositoryOfAHubThatHoldsNoDecoderIsLookedThroughForAnEncoder() throws Exception {
    Files.createDirectories(source.resolve("onnx"));
    Files.move(source.resolve("model.onnx"), source.resolve("onnx/model.onnx"));
    TinyEncoder.writeWithOuterPoints(source.resolve("onnx/outer.onnx"), "outer.onnx_data");
    Files.write(
        source.resolve("onnx/outer.onnx_data"), TinyEncoder.points(ByteOrder.LITTLE_ENDIAN));
    Files.writeString(source.resolve("config.json"), "{\"model_type\":\"bert\"}");
    Files.createDirectories(source.resolve("1_Pooling"));
    Files.writeString(
        source.resolve("1_Pooling/config.json"), "{\"pooling_mode_cls_token\": true}");
    EncoderDescription expected =
        new EncoderDescription(false, 2, 512, Optional.of(Pooling.FIRST_TOKEN), false);
    try (FakeHub hub = new FakeHub(source)) {
      for (String file : List.of("", "onnx/model.onnx", "onnx/outer.onnx")) {
        Pulled pulled = fromHub(hub, file);
        assertThat(pulled).as(file).isEqualTo(new Pulled.Encoder(pulled.model(), expected));
        assertThat(ModelManifest.read(pulled.model().folder()).orElseThrow().notes())
            .containsEntry("revision", FakeHub.COMMIT)
            .containsEntry("file", file.isEmpty() ? "onnx/model.onnx" : file);
      }
      assertThat(hub.requests()).noneMatch(request -> request.contains("safetensors"));
      assertThatThrownBy(() -> fromHub(hub, "onnx/none.onnx"))
          .hasMessage("the hub has no onnx/none.onnx in o/tiny at main; see --revision");
      Files.delete(source.resolve("tokenizer.json"));
      ModelStore.deleteAll(data.resolve("models"));
      assertThatThrownBy(() -> fromHub(hub, ""))
          .hasMessage("the hub has no tokenizer.json in o/tiny at main; see --revision");
    }
  }
}
