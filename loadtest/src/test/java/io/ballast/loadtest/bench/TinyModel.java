package io.ballast.loadtest.bench;

import io.ballast.inference.store.WeightType;
import io.ballast.inference.torch.Arithmetic;
import io.ballast.inference.torch.DecoderConfig;
import io.ballast.inference.torch.OptimizerOptions;
import io.ballast.inference.torch.TorchRuntime;
import io.ballast.inference.torch.TrainableDecoder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.SplittableRandom;

/** A random decoder whose two query heads share a key head, with one token for each byte. */
final class TinyModel {
  private static final DecoderConfig CONFIG =
      new DecoderConfig(32, 48, 2, 4, 2, 257, 128, 1e-5, 10_000, true, 0, 0);

  private TinyModel() {}

  static Path write(Path folder) throws IOException {
    TorchRuntime.setThreads(1);
    Path tokenizer = Files.writeString(folder.resolveSibling("tokenizer-source.json"), tokenizer());
    try (TrainableDecoder decoder =
        TrainableDecoder.create(
            CONFIG, Arithmetic.FLOAT32, OptimizerOptions.pretraining(), new SplittableRandom(7))) {
      decoder.save(folder, WeightType.FLOAT32, tokenizer, Map.of());
    }
    return folder;
  }

  /** Byte-level, without merges: the token of the byte b is b + 1; token 0 ends a text. */
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
    {"version":"1.0","truncation":null,"padding":null,"normalizer":null,"post_processor":null,
     "added_tokens":[{"id":0,"content":"<|endoftext|>","single_word":false,"lstrip":false,
       "rstrip":false,"normalized":false,"special":true}],
     "pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":false},
     "decoder":{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":false},
     "model":{"type":"BPE","dropout":null,"unk_token":null,"continuing_subword_prefix":null,
       "end_of_word_suffix":null,"fuse_unk":false,"byte_fallback":false,"ignore_merges":false,
       "vocab":{%s},"merges":[]}}
    """
        .formatted(vocabulary);
  }
}
