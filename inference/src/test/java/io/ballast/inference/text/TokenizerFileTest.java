package io.ballast.inference.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.onnx.EncoderTokenizer;
import io.ballast.inference.torch.HuggingFaceTokenizerAdapter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** What would end the process in the library's parser is refused by name. */
class TokenizerFileTest {
  @TempDir private Path folder;

  static Stream<Arguments> flaws() {
    return Stream.of(
        Arguments.of("\"\\ud83d\"", "decoder: character 0 is a lone surrogate"),
        Arguments.of("{\"\\ude00\": 1}", "surrogate in field name"),
        Arguments.of("[0, 1e999]", "decoder[1]: a number that is too large"),
        Arguments.of("9".repeat(400), "decoder: a number that is too large"),
        Arguments.of("[".repeat(100) + "]".repeat(100), "depth"),
        Arguments.of("null} {", "Trailing token"));
  }

  @ParameterizedTest
  @MethodSource("flaws")
  void isRefusedBeforeTheLibrarySeesIt(String decoder, String flaw) throws IOException {
    Path file =
        Files.writeString(folder.resolve("tokenizer.json"), "{\"decoder\": " + decoder + "}");

    assertThatThrownBy(() -> TokenizerFile.read(file)).hasMessageContainingAll(flaw.split(" "));
    assertThatThrownBy(() -> EncoderTokenizer.open(file)).isInstanceOf(ModelException.class);
    assertThatThrownBy(() -> HuggingFaceTokenizerAdapter.load(file, 0))
        .isInstanceOf(ModelException.class);
  }

  @Test
  void anythingElseIsRead() throws IOException {
    Path file =
        Files.writeString(
            folder.resolve("tokenizer.json"), "{\"a\": [1.5, \"\\ud83d\\ude00\", null, true]}");

    assertThat(TokenizerFile.read(file).path("a").path(1).textValue()).isEqualTo("\ud83d\ude00");
  }
}
