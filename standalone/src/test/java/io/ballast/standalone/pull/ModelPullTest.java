package io.ballast.standalone.pull;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.store.ModelManifest;
import io.ballast.inference.store.ModelStore;
import io.ballast.inference.store.SafetensorsFile;
import io.ballast.inference.store.SafetensorsFile.Content;
import io.ballast.inference.store.WeightType;
import io.ballast.inference.torch.DecoderConfig;
import io.ballast.standalone.pull.ModelPull.Pulled;
import io.ballast.standalone.pull.ModelPull.Wanted;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;

/** A model comes from a folder or an archive, whole and checked, or it does not come at all. */
class ModelPullTest extends ModelPullCase {
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
            "tiny-model/1 is there already, and versions never change; take another with"
                + " --version");
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
    Path text = Files.writeString(folder.resolve("a.tar"), "x");
    assertThatThrownBy(() -> pull().local(text, PLAIN))
        .hasMessageContaining("not a folder, .gguf, .safetensors, .onnx, .whl, .jar or .zip");
    Path alone = Files.copy(source.resolve(ModelManifest.WEIGHTS), folder.resolve("w.safetensors"));
    assertThatThrownBy(() -> pull().local(alone, PLAIN))
        .hasMessageContaining("there is no config.json beside it");
  }

  @Test
  void picklesAreRefusedWhereverTheyAre() throws IOException {
    String pickle = "a pickle, which can run code when it is read (expected: model.safetensors";
    Path alone = Files.writeString(folder.resolve("a.bin"), "x");
    assertThatThrownBy(() -> pull().local(alone, PLAIN)).hasMessageContaining("a.bin: " + pickle);
    Path packed = zip("m/config.json", "m/pytorch_model.bin");
    assertThatThrownBy(() -> pull().local(packed, PLAIN))
        .hasMessageContaining("holds no model: m/pytorch_model.bin is " + pickle);
    Files.move(source.resolve(ModelManifest.WEIGHTS), source.resolve("pytorch_model.bin"));
    assertThatThrownBy(() -> pull().local(source, PLAIN))
        .hasMessageContaining("pytorch_model.bin: " + pickle);
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
