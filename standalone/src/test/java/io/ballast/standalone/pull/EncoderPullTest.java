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
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** An encoder comes from a folder, a file or an archive, tried before it is kept. */
class EncoderPullTest extends EncoderPulls {
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
        .hasMessage("weights: compass is an encoder, whose numbers stay as they are");
    Path jar = zip("c.jar", Map.of("a.onnx", model(), "a-tokenizer.json", tokenizer()));
    assertThatThrownBy(() -> pull().local(jar, half))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("weights: c.jar is an encoder, whose numbers stay as they are");
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
  void aModelThatDoesNotRunDoesNotCome() throws IOException {
    Files.write(source.resolve("model.onnx"), Arrays.copyOf(model(), model().length / 2));
    assertThatThrownBy(() -> pull().local(source, PLAIN))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("model.onnx: ");
    assertNothingCame();
  }
}
