package io.ballast.testing;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A tokenizer.json with one token for each byte: the token of the byte b is b + 1, token 0 ends a
 * text, and nothing is merged.
 */
public final class ByteTokenizer {
  /** How many ids there are. */
  public static final int VOCABULARY = 257;

  /** What token 0 is called. */
  public static final String END_OF_TEXT = "<|endoftext|>";

  private ByteTokenizer() {}

  /** Returns the file's text. */
  public static String json() {
    StringBuilder vocabulary = new StringBuilder("\"%s\":0".formatted(END_OF_TEXT));
    // bytes that cannot be shown stand as the characters from 256 on, as in GPT-2
    int next = 256;
    for (int b = 0; b < 256; b++) {
      boolean shown = (b >= '!' && b <= '~') || (b >= 0xA1 && b <= 0xAC) || b >= 0xAE;
      String text = Character.toString(shown ? b : next++);
      String quoted = text.equals("\"") || text.equals("\\") ? "\\" + text : text;
      vocabulary.append(",\"").append(quoted).append("\":").append(b + 1);
    }
    return """
        {"version":"1.0","truncation":null,"padding":null,
         "added_tokens":[{"id":0,"content":"%s","single_word":false,"lstrip":false,
           "rstrip":false,"normalized":false,"special":true}],
         "normalizer":null,
         "pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":false},
         "post_processor":null,
         "decoder":{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":false},
         "model":{"type":"BPE","dropout":null,"unk_token":null,"continuing_subword_prefix":null,
           "end_of_word_suffix":null,"fuse_unk":false,"byte_fallback":false,"ignore_merges":false,
           "vocab":{%s},"merges":[]}}
        """
        .formatted(END_OF_TEXT, vocabulary);
  }

  /** Writes the file into an existing folder and returns its path. */
  public static Path write(Path folder) throws IOException {
    return Files.writeString(folder.resolve("tokenizer.json"), json());
  }
}
