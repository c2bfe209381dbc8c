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
  private static final String BPE =
      """
      {"type": "BPE", "continuing_subword_prefix": %s, "merges": [%s]}""";

  private static final String REPLACE =
      """
      {"type": "Replace", "pattern": {"%s": "%s"}, "content": " "}""";

  private static final String TEMPLATE =
      """
      {"type": "TemplateProcessing", "single": [%s], "pair": [],
       "special_tokens": {"[CLS]": {"id": "[CLS]", "ids": %s, "tokens": ["[CLS]"]}}}""";

  @TempDir private Path folder;

  static Stream<Arguments> flaws() {
    return Stream.of(
        Arguments.of("\"\\ud83d\"", "decoder: character 0 is a lone surrogate"),
        Arguments.of("{\"\\ude00\": 1}", "surrogate in field name"),
        Arguments.of("[0, 1e999]", "decoder[1]: a number that is too large"),
        Arguments.of("9".repeat(400), "decoder: a number that is too large"),
        Arguments.of("[".repeat(100) + "]".repeat(100), "depth"),
        Arguments.of("null} {", "Trailing token"),
        Arguments.of("null, \"decoder\": null", "Duplicate field"),
        Arguments.of(
            BPE.formatted("\"##\"", "\"a b\""), "decoder.merges[0]: no continuing_subword_prefix"),
        Arguments.of(
            BPE.formatted("\"##\"", "[\"a\", \"##b\"], [\"##a\", \"#\"]"),
            "decoder.merges[1]: no continuing_subword_prefix"),
        Arguments.of(
            TEMPLATE.formatted("{\"SpecialToken\": {\"id\": \"[SEP]\"}}", "[1]"),
            "decoder.single[0]: not among special_tokens"),
        Arguments.of(
            TEMPLATE.formatted("{\"Sequence\": {\"id\": \"B\"}}", "[1]"),
            "decoder.single[0]: expected: A"),
        Arguments.of(
            TEMPLATE.formatted("{\"Sequence\": {\"id\": \"A\"}}", "[1, 2]"),
            "decoder.special_tokens: more ids than tokens"),
        Arguments.of(
            "{\"type\": \"FixedLength\", \"length\": 0}", "decoder.length: 0 expected: at least 1"),
        Arguments.of("{\"type\": \"Prepend\", \"prepend\": \"\"}", "decoder.prepend: nothing"),
        Arguments.of(REPLACE.formatted("Regex", "x*"), "decoder.pattern: nothing"),
        Arguments.of(REPLACE.formatted("Regex", "Z?|q"), "decoder.pattern: nothing"),
        Arguments.of(REPLACE.formatted("Regex", "^"), "decoder.pattern: nothing"),
        Arguments.of(REPLACE.formatted("Regex", "\\\\b"), "decoder.pattern: nothing"),
        Arguments.of(REPLACE.formatted("Regex", "(?<=é)"), "decoder.pattern: RE2"),
        Arguments.of(REPLACE.formatted("Regex", "(?=Z)"), "decoder.pattern: RE2"),
        Arguments.of(REPLACE.formatted("Regex", "\\\\K"), "decoder.pattern: RE2"),
        Arguments.of(
            REPLACE.formatted("Regex", "((((((a*)*)*)*)*)*)*"), "decoder.pattern: nothing"),
        Arguments.of(REPLACE.formatted("String", ""), "decoder.pattern: nothing"),
        Arguments.of("{\"type\": \"Precompiled\"}", "decoder.precompiled_charsmap: no text"),
        Arguments.of(
            "[{\"precompiled_charsmap\": \"AAA\"}]", "decoder[0].precompiled_charsmap: no base64"));
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
  void wholePartsAreRead() throws IOException {
    for (String part :
        new String[] {
          BPE.formatted("\"##\"", "[\"a\", \"##b\"], \"a ##c\""),
          BPE.formatted("null", "\"a b\""),
          BPE.formatted("\"\"", "\"a b\""),
          TEMPLATE.formatted(
              "{\"SpecialToken\": {\"id\": \"[CLS]\"}}, {\"Sequence\": {\"id\": \"A\"}}", "[1]"),
          "{\"type\": \"FixedLength\", \"length\": 1}",
          REPLACE.formatted("Regex", " {2,}"),
          REPLACE.formatted("Regex", "\\\\s+"),
          REPLACE.formatted("Regex", "^\\\\p{L}|[^a]$"),
          REPLACE.formatted("Regex", "(((((((([^Q]*)*)*)*)*)*)*)*Q)"),
          REPLACE.formatted("String", "x*"),
          "{\"vocab\": {\"length\": 0, \"type\": 1, \"merges\": 2, \"single\": 3}}"
        }) {
      Path file = Files.writeString(folder.resolve("tokenizer.json"), "{\"part\": " + part + "}");

      assertThat(TokenizerFile.read(file).has("part")).isTrue();
    }
  }

  @Test
  void aTokenOfWhichTheNormalizerLeavesNothingIsRefused() throws IOException {
    String json =
        """
        {"normalizer": {"type": "Strip", "strip_left": true, "strip_right": true},
         "added_tokens": [%s, {"id": 1, "content": " ", "normalized": %s}]}
        """;
    String token = "{\"id\": 0, \"content\": \" a\", \"normalized\": true}";
    Path file = folder.resolve("tokenizer.json");

    Files.writeString(file, json.formatted(token, true));
    assertThatThrownBy(() -> TokenizerFile.read(file))
        .hasMessageContaining("added_tokens[1]: the normalizer leaves nothing of it");

    Files.writeString(file, json.formatted(token, false));
    assertThat(TokenizerFile.read(file).has("normalizer")).isTrue();
  }

  @Test
  void anythingElseIsRead() throws IOException {
    Path file =
        Files.writeString(
            folder.resolve("tokenizer.json"), "{\"a\": [1.5, \"\\ud83d\\ude00\", null, true]}");

    assertThat(TokenizerFile.read(file).path("a").path(1).textValue()).isEqualTo("\ud83d\ude00");
  }
}
