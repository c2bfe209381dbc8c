package io.ballast.standalone.pull;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.store.ModelManifest;
import io.ballast.standalone.pull.ModelPull.Pulled;
import java.io.IOException;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Weights in a file beside an encoder come with it, and from no other folder. */
class EncoderWeightsFileTest extends EncoderPulls {
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
}
