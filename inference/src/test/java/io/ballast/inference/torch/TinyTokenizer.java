package io.ballast.inference.torch;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * A byte-level BPE tokenizer: id 0 ends a text, ids 1 to 256 are the bytes, then a few words of
 * Java; a special token without text may come last.
 */
public final class TinyTokenizer {
  /** In the order of the ids, {@code Ġ} for a space. */
  private static final List<String> MERGED =
      List.of("pr", "nt", "pri", "print", "ln", "println", "in", ");", "();", "ĠĠ", "ĠĠĠĠ");

  private static final List<String> MERGES =
      List.of(
          "p r", "n t", "pr i", "pri nt", "l n", "print ln", "i n", ") ;", "( );", "Ġ Ġ", "ĠĠ ĠĠ");

  private TinyTokenizer() {}

  /** The id of the special token in what {@link #writeWithSpecial} writes. */
  static int specialId() {
    return vocabularySize();
  }

  /** How many ids there are. */
  public static int vocabularySize() {
    return 257 + MERGED.size();
  }

  /** Writes the tokenizer.json into a folder, which it returns. */
  public static Path write(Path folder) throws IOException {
    return write(folder, "");
  }

  static Path writeWithSpecial(Path folder) throws IOException {
    return write(
        folder,
        """
        ,{"id":%d,"content":"<|special|>","single_word":false,"lstrip":false,
          "rstrip":false,"normalized":false,"special":true}"""
            .formatted(specialId()));
  }

  private static Path write(Path folder, String moreAdded) throws IOException {
    StringBuilder vocabulary = new StringBuilder("\"<|endoftext|>\":0");
    for (int b = 0; b < 256; b++) {
      vocabulary.append(",").append(quoted("" + ByteLevelAlphabet.character(b))).append(":");
      vocabulary.append(b + 1);
    }
    int id = 257;
    for (String token : MERGED) {
      vocabulary.append(",").append(quoted(token)).append(":").append(id++);
    }
    String json =
        """
        {"version":"1.0","truncation":null,"padding":null,
         "added_tokens":[{"id":0,"content":"<|endoftext|>","single_word":false,"lstrip":false,
           "rstrip":false,"normalized":false,"special":true}%s],
         "normalizer":null,
         "pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":false},
         "post_processor":null,
         "decoder":{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":false},
         "model":{"type":"BPE","dropout":null,"unk_token":null,"continuing_subword_prefix":null,
           "end_of_word_suffix":null,"fuse_unk":false,"byte_fallback":false,"ignore_merges":false,
           "vocab":{%s},"merges":[%s]}}
        """
            .formatted(
                moreAdded,
                vocabulary,
                String.join(",", MERGES.stream().map(TinyTokenizer::quoted).toList()));
    return Files.writeString(folder.resolve("tokenizer.json"), json);
  }

  private static String quoted(String text) {
    return "\"" + text.replace("\\", "\\\\").replace("\"", "\\\"") + "\"";
  }
}
