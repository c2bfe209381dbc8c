package io.ballast.standalone.pull;

import io.ballast.inference.store.ModelManifest;
import io.ballast.inference.store.SafetensorsFile;
import io.ballast.inference.store.SafetensorsFile.Content;
import io.ballast.inference.store.WeightType;
import io.ballast.inference.torch.DecoderConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;

/** A Hugging Face folder small enough to make in a moment: one block, bytes for tokens. */
public final class TinyFolder {
  /** Its shape: id 0 ends a text, ids 1 to 256 are the bytes. */
  public static final DecoderConfig CONFIG =
      new DecoderConfig(16, 24, 1, 2, 1, 257, 32, 1e-5, 10_000, true, 0, 0);

  private TinyFolder() {}

  /** Writes it and returns {@code folder}. */
  public static Path write(Path folder) throws IOException {
    Files.createDirectories(folder);
    CONFIG.write(folder, WeightType.FLOAT32);
    SafetensorsFile.write(folder.resolve(ModelManifest.WEIGHTS), contents(), Map.of());
    Files.writeString(folder.resolve("tokenizer.json"), tokenizer());
    Files.writeString(folder.resolve("tokenizer_config.json"), "{\"eos_token\":\"<end>\"}");
    return folder;
  }

  /** Returns its weights, the same each time. */
  static List<Content> contents() {
    RandomGenerator random = new SplittableRandom(11);
    List<Content> contents = new ArrayList<>();
    CONFIG
        .weightShapes()
        .forEach(
            (name, shape) -> {
              float[] values =
                  new float[shape.stream().mapToInt(Long::intValue).reduce(1, (a, b) -> a * b)];
              for (int i = 0; i < values.length; i++) {
                values[i] = (float) random.nextGaussian(shape.size() == 1 ? 1 : 0, 0.1);
              }
              contents.add(new Content(name, WeightType.FLOAT32, shape, () -> values));
            });
    return contents;
  }

  private static String tokenizer() {
    StringBuilder vocabulary = new StringBuilder("\"<end>\":0");
    int next = 256;
    for (int b = 0; b < 256; b++) {
      boolean printable = (b >= '!' && b <= '~') || (b >= 0xA1 && b <= 0xFF && b != 0xAD);
      String text = Character.toString(printable ? b : next++);
      String quoted = text.equals("\"") || text.equals("\\") ? "\\" + text : text;
      vocabulary.append(",\"").append(quoted).append("\":").append(b + 1);
    }
    return """
        {"version":"1.0","truncation":null,"padding":null,
         "added_tokens":[{"id":0,"content":"<end>","single_word":false,"lstrip":false,
           "rstrip":false,"normalized":false,"special":true}],
         "normalizer":null,
         "pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":false},
         "post_processor":null,
         "decoder":{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":false},
         "model":{"type":"BPE","dropout":null,"unk_token":null,"continuing_subword_prefix":null,
           "end_of_word_suffix":null,"fuse_unk":false,"byte_fallback":false,"ignore_merges":false,
           "vocab":{%s},"merges":[]}}
        """
        .formatted(vocabulary);
  }
}
