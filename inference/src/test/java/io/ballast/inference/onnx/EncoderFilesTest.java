package io.ballast.inference.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** An encoder is found by the names of its files, and described in a manifest's notes. */
class EncoderFilesTest {
  private static EncoderFiles only(String... names) {
    List<EncoderFiles> found = EncoderFiles.in(List.of(names));
    assertThat(found).hasSize(1);
    return found.getFirst();
  }

  @Test
  void aTokenizerIsTheModelsOwnOrStandsBesideIt() {
    assertThat(only("mini.onnx", "mini-tokenizer.json", "tokenizer.json", "x.txt").parts())
        .isEqualTo(Map.of("model.onnx", "mini.onnx", "tokenizer.json", "mini-tokenizer.json"));
    assertThat(only("a/mini.onnx", "a/tokenizer.json", "config.json").parts())
        .isEqualTo(Map.of("model.onnx", "a/mini.onnx", "tokenizer.json", "a/tokenizer.json"));
  }

  @Test
  void ofTheHubsFoldersItStandsAboveTheModel() {
    EncoderFiles files =
        only(
            "m/onnx/model.onnx",
            "m/onnx/model.onnx_data",
            "m/tokenizer.json",
            "m/1_Pooling/config.json",
            "m/pytorch_model.bin");
    assertThat(files.root()).isEqualTo("m/");
    assertThat(files.name()).isEqualTo("m");
    assertThat(files.parts())
        .isEqualTo(
            Map.of(
                "model.onnx", "m/onnx/model.onnx",
                "model.onnx_data", "m/onnx/model.onnx_data",
                "tokenizer.json", "m/tokenizer.json",
                "1_Pooling/config.json", "m/1_Pooling/config.json"));
    assertThat(EncoderFiles.in(List.of("m/bonnx/model.onnx", "m/tokenizer.json"))).isEmpty();
  }

  @Test
  void aTokenizerInTheFolderOnnxLeavesItsCompanionsAboveIt() {
    EncoderFiles files =
        only(
            "m/onnx/model.onnx",
            "m/onnx/tokenizer.json",
            "m/onnx/config.json",
            "m/config.json",
            "m/tokenizer.json",
            "m/modules.json",
            "m/sentence_bert_config.json",
            "m/1_Pooling/config.json");
    assertThat(files.name()).isEqualTo("m");
    assertThat(files.parts())
        .isEqualTo(
            Map.of(
                "model.onnx", "m/onnx/model.onnx",
                "tokenizer.json", "m/onnx/tokenizer.json",
                "config.json", "m/onnx/config.json",
                "modules.json", "m/modules.json",
                "sentence_bert_config.json", "m/sentence_bert_config.json",
                "1_Pooling/config.json", "m/1_Pooling/config.json"));
    // of a tokenizer above it, nothing in the folder counts
    assertThat(only("onnx/model.onnx", "tokenizer.json", "onnx/config.json").parts())
        .isEqualTo(Map.of("model.onnx", "onnx/model.onnx", "tokenizer.json", "tokenizer.json"));
    assertThat(only("onnx/model.onnx", "onnx/tokenizer.json").name()).isEmpty();
    assertThat(only("onnx/q.onnx", "onnx/q-tokenizer.json", "modules.json").parts())
        .containsEntry("modules.json", "modules.json");
  }

  @Test
  void unpackedEveryFileHasTheNameThatItGets() {
    EncoderFiles files = only("m/some.onnx", "m/some.onnx_data", "m/tokenizer.json").renamed();
    assertThat(files.model()).isEqualTo("model.onnx");
    assertThat(files.parts())
        .isEqualTo(
            Map.of(
                "model.onnx", "model.onnx",
                "some.onnx_data", "some.onnx_data",
                "tokenizer.json", "tokenizer.json"));
  }

  @Test
  void ofSeveralTheOneOfTheUsualNameCountsAndOtherwiseAllDo() {
    assertThat(only("model.onnx", "model_quantized.onnx", "tokenizer.json").model())
        .isEqualTo("model.onnx");
    assertThat(EncoderFiles.in(List.of("a.onnx", "b.onnx", "tokenizer.json")))
        .extracting(EncoderFiles::model)
        .containsExactly("a.onnx", "b.onnx");
    assertThat(
            EncoderFiles.in(
                List.of("a/model.onnx", "a/tokenizer.json", "b/model.onnx", "b/tokenizer.json")))
        .extracting(EncoderFiles::name)
        .containsExactly("a", "b");
    assertThat(EncoderFiles.in(List.of("model.onnx", "tokenizer.txt"))).isEmpty();
  }

  @Test
  void aModelIsCalledAfterItsFileUnlessThatSaysNothing() {
    assertThat(only("Bge-Small.ONNX", "tokenizer.json").name()).isEqualTo("Bge-Small");
    assertThat(only("x/model_O4.onnx", "x/tokenizer.json").name()).isEqualTo("x");
    assertThat(only("model.onnx", "tokenizer.json").name()).isEmpty();
  }

  @Test
  void aDescriptionComesBackFromNotes() {
    for (EncoderDescription description :
        List.of(
            new EncoderDescription(false, 384, 512, Optional.of(Pooling.FIRST_TOKEN), true),
            new EncoderDescription(true, 2, 128, Optional.empty(), false))) {
      assertThat(EncoderDescription.of(description.notes())).contains(description);
    }
    assertThat(EncoderDescription.of(Map.of())).isEmpty();
    assertThat(EncoderDescription.of(Map.of("kind", "encoder", "width", "many"))).isEmpty();
  }

  @Test
  void aCosineIsThatOfTheAngle() {
    FeatureVector east = FeatureVector.of(2, 0);
    assertThat(east.cosine(FeatureVector.of(3, 4))).isCloseTo(0.6, within(1e-12));
    assertThat(east.cosine(FeatureVector.of(-1, 0))).isEqualTo(-1);
    assertThat(east.cosine(FeatureVector.of(0, 1e-30f))).isZero();
    assertThat(east.cosine(FeatureVector.of(0, 0))).isNaN();
    // squares of these would be infinite in 32 bits
    assertThat(FeatureVector.of(1e30f, 0).cosine(FeatureVector.of(1e30f, 1e30f)))
        .isCloseTo(Math.sqrt(0.5), within(1e-7));
    assertThatThrownBy(() -> east.cosine(FeatureVector.of(1)))
        .hasMessage("other: 1 numbers (expected: 2)");
  }
}
