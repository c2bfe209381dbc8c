package io.ballast.standalone.pull;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.inference.onnx.EncoderDescription;
import io.ballast.inference.onnx.Pooling;
import io.ballast.inference.store.ModelManifest;
import io.ballast.inference.store.ModelStore;
import io.ballast.standalone.pull.ModelPull.Pulled;
import io.ballast.standalone.pull.ModelPull.Wanted;
import java.io.IOException;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** An encoder's files are found where the hub has them, around its model, and nowhere else. */
class EncoderLayoutTest extends EncoderPulls {
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

  private Pulled fromHub(FakeHub hub, String file) throws Exception {
    String name = "hub" + file.replaceAll("\\W", "");
    return fromHub(hub, file, Wanted.plain(Optional.of(name), "1"));
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
}
