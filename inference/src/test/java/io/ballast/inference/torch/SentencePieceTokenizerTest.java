package io.ballast.inference.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.inference.api.GenerationRequest;
import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.SamplingOptions;
import io.ballast.inference.api.TokenIds;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * SentencePiece's BPE: ▁ stands for a space, {@code <0x0A>} for a byte, a space precedes each text
 * and a special token begins it.
 */
class SentencePieceTokenizerTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int BYTES = 3;
  private static final int PIECES = BYTES + 256;

  @TempDir private Path folder;

  private static ObjectNode json() throws IOException {
    ObjectNode json =
        (ObjectNode)
            JSON.readTree(
                """
                {"version":"1.0","truncation":null,"padding":null,
                 "added_tokens":[
                   {"id":0,"content":"<unk>","special":true,"single_word":false,"lstrip":false,"rstrip":false,"normalized":false},
                   {"id":1,"content":"<s>","special":true,"single_word":false,"lstrip":false,"rstrip":false,"normalized":false},
                   {"id":2,"content":"</s>","special":true,"single_word":false,"lstrip":false,"rstrip":false,"normalized":false}],
                 "normalizer":{"type":"Sequence","normalizers":[
                   {"type":"Prepend","prepend":"▁"},
                   {"type":"Replace","pattern":{"String":" "},"content":"▁"}]},
                 "pre_tokenizer":null,
                 "post_processor":{"type":"TemplateProcessing",
                   "single":[{"SpecialToken":{"id":"<s>","type_id":0}},{"Sequence":{"id":"A","type_id":0}}],
                   "pair":[{"Sequence":{"id":"A","type_id":0}},{"Sequence":{"id":"B","type_id":1}}],
                   "special_tokens":{"<s>":{"id":"<s>","ids":[1],"tokens":["<s>"]}}},
                 "decoder":{"type":"Sequence","decoders":[
                   {"type":"Replace","pattern":{"String":"▁"},"content":" "},
                   {"type":"ByteFallback"},{"type":"Fuse"},
                   {"type":"Strip","content":" ","start":1,"stop":0}]},
                 "model":{"type":"BPE","dropout":null,"unk_token":"<unk>","continuing_subword_prefix":null,
                   "end_of_word_suffix":null,"fuse_unk":true,"byte_fallback":true,"ignore_merges":false,
                   "vocab":{},"merges":["▁ i","n t","▁i nt"]}}
                """);
    ObjectNode vocabulary = (ObjectNode) json.path("model").path("vocab");
    vocabulary.put("<unk>", 0).put("<s>", 1).put("</s>", 2);
    for (int b = 0; b < 256; b++) {
      vocabulary.put("<0x%02X>".formatted(b), BYTES + b);
    }
    String[] pieces = {"▁", "i", "n", "t", "x", "▁i", "nt", "▁int"};
    for (int i = 0; i < pieces.length; i++) {
      vocabulary.put(pieces[i], PIECES + i);
    }
    return json;
  }

  private HuggingFaceTokenizerAdapter load(Consumer<ObjectNode> change) throws IOException {
    ObjectNode json = json();
    change.accept(json);
    Path file = folder.resolve("tokenizer.json");
    Files.writeString(file, JSON.writeValueAsString(json));
    return HuggingFaceTokenizerAdapter.load(file, 2);
  }

  @Test
  void piecesAndBytesStandForTheirBytes() throws IOException {
    try (HuggingFaceTokenizerAdapter tokenizer = load(json -> {})) {
      TokenIds ids = tokenizer.encode("int x\n€");
      // ▁int, ▁, x, then what has no piece byte by byte: 0A, E2 82 AC
      assertThat(ids)
          .isEqualTo(
              TokenIds.of(
                  PIECES + 7,
                  PIECES,
                  PIECES + 4,
                  BYTES + 0x0A,
                  BYTES + 0xE2,
                  BYTES + 0x82,
                  BYTES + 0xAC));
      assertThat(tokenizer.bytesOf(PIECES + 7))
          .isEqualTo(" int".getBytes(StandardCharsets.US_ASCII));
      assertThat(tokenizer.bytesOf(BYTES + 0x0A)).containsExactly(0x0A);
      assertThat(tokenizer.bytesOf(BYTES + 0xE2)).containsExactly(0xE2);
      assertThat(tokenizer.bytesOf(0)).isEmpty();
      assertThat(tokenizer.bytesOf(1)).isEmpty();
      assertThat(tokenizer.vocabularySize()).isEqualTo(PIECES + 8);
    }
  }

  @Test
  void textsComeBackWithoutTheSpaceThatWasPutBeforeThem() throws IOException {
    try (HuggingFaceTokenizerAdapter tokenizer = load(json -> {})) {
      for (String text : new String[] {"int x", " int", "  x", "größe 世界", "x\n\tx"}) {
        assertThat(tokenizer.decode(tokenizer.encode(text))).isEqualTo(text);
      }
    }
  }

  @Test
  void whereNoSpaceIsPutBeforeATextNoneIsTakenAway() throws IOException {
    try (HuggingFaceTokenizerAdapter tokenizer =
        load(
            json -> {
              ObjectNode normalizer = json.putObject("normalizer").put("type", "Replace");
              normalizer.putObject("pattern").put("String", " ");
              normalizer.put("content", "▁");
            })) {
      assertThat(tokenizer.encode("int").get(0)).isEqualTo(PIECES + 1);
      assertThat(tokenizer.decode(tokenizer.encode(" x"))).isEqualTo(" x");
    }
  }

  @Test
  void theTokenThatBeginsATextPrecedesEachPrompt() throws IOException {
    try (HuggingFaceTokenizerAdapter tokenizer = load(json -> {})) {
      assertThat(tokenizer.beginning()).isEqualTo(TokenIds.of(1));
      VocabularyIndex index = new VocabularyIndex(tokenizer);
      assertThat(prompt(tokenizer, index, "int x", 32)).isEqualTo(TokenIds.of(1, 266, 259, 263));
      // a chat template has put it there already
      assertThat(prompt(tokenizer, index, "<s>x", 32).slice(0, 1)).isEqualTo(TokenIds.of(1));
      assertThat(prompt(tokenizer, index, "<s>x", 32).get(1)).isNotEqualTo(1);
      // it stays where the prompt is cut, and goes where there is room for one token only
      assertThat(prompt(tokenizer, index, "int x", 6)).isEqualTo(TokenIds.of(1, 263));
      assertThat(prompt(tokenizer, index, "int x", 5)).isEqualTo(TokenIds.of(263));
    }
  }

  private static TokenIds prompt(
      HuggingFaceTokenizerAdapter tokenizer, VocabularyIndex index, String text, int context) {
    GenerationRequest request = new GenerationRequest(text, false, 0, SamplingOptions.greedy(4));
    return PreparedPrompt.of(request, tokenizer, index, context).tokens();
  }

  @Test
  void otherKindsAndTwoTokensOfOneIdAreRefused() {
    assertThatThrownBy(
            () -> load(json -> ((ObjectNode) json.path("model")).put("byte_fallback", false)))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("expected: BPE, with a ByteLevel decoder, or with byte_fallback");
    assertThatThrownBy(
            () -> load(json -> ((ObjectNode) json.path("model").path("vocab")).put("▁i", PIECES)))
        .hasMessageContaining("id 259: of both \"▁\" and \"▁i\"");
    assertThatThrownBy(
            () ->
                load(
                    json ->
                        ((ObjectNode) json.path("model").path("vocab")).put("y", 2_000_000_000)))
        .hasMessageContaining("token \"y\": id 2000000000 (expected: 0 to 16777216)");
  }
}
