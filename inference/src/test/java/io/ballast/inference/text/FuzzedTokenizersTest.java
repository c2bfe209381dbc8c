package io.ballast.inference.text;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.onnx.EncoderTokenizer;
import io.ballast.testing.fuzz.FuzzedFiles;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A damaged tokenizer.json of any kind is taken, with all texts, or refused by name: the library
 * that reads it ends the whole process over what it does not foresee.
 */
@Timeout(value = 2, unit = TimeUnit.HOURS) // of the longer lane, with its million inputs
class FuzzedTokenizersTest {
  private static final long SEED = 8;

  private static final String TEXT = "[CLS] print(a);  é Ａ\u0301 12345 unknown 😀\t\n a\u0000b";

  private static final String WORD_PIECES =
      """
      {"version": "1.0",
       "truncation": {"direction": "Right", "max_length": 4, "strategy": "LongestFirst", "stride": 0},
       "padding": {"strategy": {"Fixed": 8}, "direction": "Right", "pad_to_multiple_of": null,
         "pad_id": 0, "pad_type_id": 0, "pad_token": "[PAD]"},
       "added_tokens": [
         {"id": 0, "content": "[PAD]", "single_word": false, "lstrip": false, "rstrip": false,
          "normalized": false, "special": true},
         {"id": 1, "content": "[CLS]", "single_word": true, "lstrip": true, "rstrip": true,
          "normalized": true, "special": true}],
       "normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
         "strip_accents": true, "lowercase": true},
       "pre_tokenizer": {"type": "BertPreTokenizer"},
       "post_processor": {"type": "TemplateProcessing",
         "single": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}},
                    {"Sequence": {"id": "A", "type_id": 0}},
                    {"SpecialToken": {"id": "[SEP]", "type_id": 0}}],
         "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
         "special_tokens": {"[CLS]": {"id": "[CLS]", "ids": [1], "tokens": ["[CLS]"]},
                            "[SEP]": {"id": "[SEP]", "ids": [2], "tokens": ["[SEP]"]}}},
       "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": true},
       "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
         "max_input_chars_per_word": 100,
         "vocab": {"[PAD]": 0, "[CLS]": 1, "[SEP]": 2, "[UNK]": 3, "print": 4, "a": 5, "##b": 6,
           "12": 7, "##3": 8, "##4": 9, "##5": 10, ";": 11, "e": 12}}}
      """;

  private static final String UNIGRAMS =
      """
      {"version": "1.0", "truncation": null, "padding": null,
       "added_tokens": [
         {"id": 0, "content": "<unk>", "single_word": false, "lstrip": false, "rstrip": false,
          "normalized": true, "special": true}],
       "normalizer": {"type": "Sequence", "normalizers": [
         {"type": "Precompiled", "precompiled_charsmap": "%s"},
         {"type": "Strip", "strip_left": false, "strip_right": true},
         {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "},
         {"type": "Prepend", "prepend": "▁"},
         {"type": "NFKD"}, {"type": "StripAccents"}, {"type": "Nmt"}, {"type": "Lowercase"}]},
       "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
         {"type": "WhitespaceSplit"},
         {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": true}]},
       "post_processor": {"type": "BertProcessing", "sep": ["<unk>", 0], "cls": ["<unk>", 0]},
       "decoder": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always",
         "split": true},
       "model": {"type": "Unigram", "unk_id": 0, "byte_fallback": false,
         "vocab": [["<unk>", 0.0], ["▁", -1.5], ["p", -2.0], ["r", -2.5], ["in", -3.0],
           ["t", -3.5], ["a", -4.0], ["▁a", -4.5]]}}
      """;

  private static final String BYTE_PAIRS =
      """
      {"version": "1.0", "truncation": null, "padding": null,
       "added_tokens": [
         {"id": 9, "content": "12", "single_word": true, "lstrip": false, "rstrip": true,
          "normalized": false, "special": false}],
       "normalizer": {"type": "Replace", "pattern": {"String": "é"}, "content": "e"},
       "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
         {"type": "Split", "pattern": {"Regex": "\\\\s+|[^\\\\s]+"}, "behavior": "Isolated",
          "invert": false},
         {"type": "FixedLength", "length": 3},
         {"type": "Punctuation", "behavior": "Removed"},
         {"type": "Digits", "individual_digits": true},
         {"type": "CharDelimiterSplit", "delimiter": "n"}]},
       "post_processor": {"type": "Sequence", "processors": [
         {"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true},
         {"type": "RobertaProcessing", "sep": ["a", 0], "cls": ["p", 1], "trim_offsets": true,
          "add_prefix_space": true}]},
       "decoder": {"type": "Sequence", "decoders": [
         {"type": "BPEDecoder", "suffix": "</w>"},
         {"type": "Strip", "content": " ", "start": 1, "stop": 0}, {"type": "ByteFallback"}]},
       "model": {"type": "BPE", "dropout": 0.1, "unk_token": "a",
         "continuing_subword_prefix": "##", "end_of_word_suffix": "</w>", "fuse_unk": true,
         "byte_fallback": true, "ignore_merges": true,
         "vocab": {"a": 0, "p": 1, "r": 2, "##r": 3, "pr": 4, "##i": 5, "pri": 6, "1</w>": 7,
           "<0x0A>": 8},
         "merges": ["p ##r", "pr ##i"]}}
      """;

  private static final String WORDS =
      """
      {"version": "1.0", "truncation": null, "padding": null, "added_tokens": [],
       "normalizer": {"type": "ByteLevel"},
       "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": false,
         "use_regex": true},
       "post_processor": null, "decoder": {"type": "CTC", "pad_token": "<pad>",
         "word_delimiter_token": "|", "cleanup": true},
       "model": {"type": "WordLevel", "vocab": {"?": 0, "Ġprint": 1, "a": 2}, "unk_token": "?"}}
      """;

  @TempDir private Path folder;

  @ParameterizedTest
  @ValueSource(strings = {WORD_PIECES, UNIGRAMS, BYTE_PAIRS, WORDS})
  void isTakenOrRefused(String json) {
    Path file = folder.resolve("tokenizer.json");
    new FuzzedFiles(SEED, ModelException.class, 30)
        .assertTypedJson(
            json.formatted(new CharacterMapTest().table()),
            damaged -> {
              Files.write(file, damaged);
              try (EncoderTokenizer read = EncoderTokenizer.open(file)) {
                var bare = read.encode(TEXT, false);
                var framed = read.encode(TEXT, true);
              }
            });
  }
}
