package io.ballast.standalone.pull;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.inference.store.ModelManifest;
import io.ballast.inference.store.ModelStore;
import io.ballast.inference.store.WeightType;
import io.ballast.standalone.pull.ModelPull.Pulled;
import io.ballast.standalone.pull.ModelPull.Wanted;
import java.io.IOException;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** An encoder comes from a hub: what is small first, and what is large not twice. */
class HubEncoderTest extends EncoderPulls {
  private static final String AT = "/o/tiny/resolve/" + FakeHub.COMMIT + "/";

  @BeforeEach
  void itsConfig() throws IOException {
    Files.writeString(source.resolve("config.json"), "{\"model_type\":\"bert\"}");
  }

  private void assertBreaksOff(FakeHub hub, String file, long after, String message) {
    hub.breakOff(file, after);
    assertThatThrownBy(() -> fromHub(hub, "", PLAIN))
        .isInstanceOfSatisfying(
            PullException.class, e -> assertThat(e.reason()).isEqualTo("BROKE_OFF"))
        .hasMessageEndingWith(message);
  }

  private static List<String> gets(FakeHub hub, String file) {
    return hub.requests().stream().filter(r -> r.startsWith("GET " + AT + file)).toList();
  }

  @Test
  void aModelAtTheRootGoesOnWhereItStopped() throws Exception {
    try (FakeHub hub = new FakeHub(source)) {
      assertBreaksOff(hub, "model.onnx", 100, "the same command again goes on from there");

      assertThat(fromHub(hub, "", PLAIN)).isInstanceOf(Pulled.Encoder.class);

      assertThat(gets(hub, "model.onnx"))
          .containsExactly("GET " + AT + "model.onnx", "GET " + AT + "model.onnx bytes=100-");
      assertThat(data.resolve("pull")).isEmptyDirectory();
    }
  }

  @Test
  void weightsBesideAModelComeWithIt() throws Exception {
    for (String outer : List.of("model.onnx_data", "model.onnx.data")) {
      TinyEncoder.writeWithOuterPoints(source.resolve("model.onnx"), outer);
      Files.write(source.resolve(outer), TinyEncoder.points(ByteOrder.LITTLE_ENDIAN));
      try (FakeHub hub = new FakeHub(source)) {
        assertBreaksOff(hub, outer, 10, "the same command again goes on from there");

        Pulled pulled = fromHub(hub, "", PLAIN);

        assertThat(gets(hub, "model.onnx"))
            .containsExactly(
                "GET " + AT + "model.onnx",
                "GET " + AT + outer,
                "GET " + AT + outer + " bytes=10-");
        assertThat(ModelManifest.read(pulled.model().folder()).orElseThrow().checksums())
            .containsOnlyKeys("config.json", "model.onnx", outer, "tokenizer.json");
      }
      Files.delete(source.resolve(outer));
      ModelStore.deleteAll(data);
    }
  }

  @Test
  void withoutItsTokenizerAModelIsNotFetched() throws Exception {
    Files.delete(source.resolve("tokenizer.json"));
    try (FakeHub hub = new FakeHub(source)) {
      assertThatThrownBy(() -> fromHub(hub, "", PLAIN))
          .hasMessage("the hub has no tokenizer.json in o/tiny at main; see --revision");
      assertThat(gets(hub, "model.onnx")).isEmpty();
    }
  }

  @Test
  void whatIsSaidOfADecoderIsRefusedBeforeTheModelComes() throws Exception {
    Wanted half =
        new Wanted(Optional.empty(), "1", Optional.of(WeightType.BFLOAT16), Optional.empty());
    try (FakeHub hub = new FakeHub(source)) {
      for (String file : List.of("model.onnx", "")) {
        assertThatThrownBy(() -> fromHub(hub, file, half))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessage("weights: o/tiny is an encoder, whose numbers stay as they are");
      }
      assertThat(hub.requests()).noneMatch(r -> r.startsWith("GET") && r.endsWith("model.onnx"));
    }
  }

  @Test
  void withoutATagAFileIsTheSameByItsDateAndLength() throws Exception {
    try (FakeHub hub = new FakeHub(source)) {
      hub.dateFiles("Fri, 27 Nov 2026 07:00:00 GMT");
      assertBreaksOff(hub, "model.onnx", 100, "the same command again goes on from there");
      assertBreaksOff(hub, "model.onnx", 120, "the same command again goes on from there");
      hub.dateFiles("Fri, 27 Nov 2026 08:00:00 GMT"); // it changed meanwhile

      assertThat(fromHub(hub, "", PLAIN)).isInstanceOf(Pulled.Encoder.class);

      assertThat(gets(hub, "model.onnx"))
          .containsExactly(
              "GET " + AT + "model.onnx",
              "GET " + AT + "model.onnx bytes=100-",
              "GET " + AT + "model.onnx");
    }
  }

  @Test
  void aFileThatNothingIsToldOfStartsAnewAndSaysSo() throws Exception {
    try (FakeHub hub = new FakeHub(source)) {
      hub.dateFiles("");
      assertBreaksOff(hub, "model.onnx", 100, "the same command again starts this file anew");

      assertThat(fromHub(hub, "", PLAIN)).isInstanceOf(Pulled.Encoder.class);

      assertThat(gets(hub, "model.onnx"))
          .containsExactly("GET " + AT + "model.onnx", "GET " + AT + "model.onnx");
    }
  }

  @Test
  void aFileOutsideTheRepositoryIsNotOfIt() throws Exception {
    try (FakeHub hub = new FakeHub(source)) {
      for (String file : List.of("../model.onnx", "a/../../../model.onnx")) {
        assertThatThrownBy(() -> fromHub(hub, file, PLAIN))
            .isInstanceOfSatisfying(
                PullException.class, e -> assertThat(e.reason()).isEqualTo("NOT_FOUND"));
      }
      assertThat(Files.exists(data.resolve("pull/model.onnx"))).isFalse();
    }
  }
}
