package io.ballast.policy.testing;

import io.ballast.inference.store.ModelManifest;
import io.ballast.inference.store.WeightType;
import io.ballast.inference.torch.Arithmetic;
import io.ballast.inference.torch.DecoderConfig;
import io.ballast.inference.torch.OptimizerOptions;
import io.ballast.inference.torch.TorchRuntime;
import io.ballast.inference.torch.TrainableDecoder;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.SplittableRandom;

/** A random decoder of one block, with a tokenizer that has one token for each byte. */
public final class TinyModel {
  public static final String NAME = "tiny";
  public static final String VERSION = "1";

  /** The token of the byte {@code b} is b + 1; token 0 ends a text. */
  public static final int VOCABULARY = 257;

  private static final DecoderConfig CONFIG =
      new DecoderConfig(16, 24, 1, 2, 2, VOCABULARY, 48, 1e-5, 10_000, true, 0, 0);

  private TinyModel() {}

  /** Writes version 1 of the model below {@code root}. */
  public static void writeTo(Path root) {
    writeTo(root, VERSION);
  }

  /** Writes a version of the model below {@code root}; all have the same weights. */
  public static void writeTo(Path root, String version) {
    TorchRuntime.setThreads(1);
    Path folder = root.resolve(NAME).resolve(version);
    try (TrainableDecoder decoder =
        TrainableDecoder.create(
            CONFIG, Arithmetic.FLOAT32, OptimizerOptions.pretraining(), new SplittableRandom(7))) {
      Path tokenizer = Files.createTempFile("tokenizer", ".json");
      Files.writeString(tokenizer, tokenizer());
      decoder.save(folder, WeightType.FLOAT32, tokenizer, Map.of());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The checksum of version 1 below {@code root}. */
  public static String sha256(Path root) {
    return ModelManifest.read(root.resolve(NAME).resolve(VERSION))
        .flatMap(ModelManifest::weightsSha256)
        .orElseThrow();
  }

  private static String tokenizer() {
    StringBuilder vocabulary = new StringBuilder("\"<|endoftext|>\":0");
    int unprintable = 0;
    for (int b = 0; b < 256; b++) {
      boolean printable = (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174;
      char shown = (char) (printable ? b : 256 + unprintable++);
      String escaped = shown == '"' || shown == '\\' ? "\\" + shown : String.valueOf(shown);
      vocabulary.append(",\"").append(escaped).append("\":").append(b + 1);
    }
    return """
        {"version":"1.0","truncation":null,"padding":null,
         "added_tokens":[{"id":0,"content":"<|endoftext|>","single_word":false,"lstrip":false,
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
