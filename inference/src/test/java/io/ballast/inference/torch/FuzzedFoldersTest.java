package io.ballast.inference.torch;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.TokenIds;
import io.ballast.inference.store.ModelManifest;
import io.ballast.inference.store.SafetensorsFile;
import io.ballast.inference.store.SafetensorsFile.Content;
import io.ballast.inference.store.WeightFiles;
import io.ballast.inference.store.WeightType;
import io.ballast.testing.fuzz.FuzzedFiles;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A damaged file of a model folder is taken, or refused by name; it is never more than data. */
@Timeout(value = 2, unit = TimeUnit.HOURS) // of the longer lane, with its million inputs
class FuzzedFoldersTest {
  private static final long SEED = 8;
  private static final String CONFIG =
      """
      {"model_type": "llama", "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2,
       "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 40, "head_dim": 4,
       "max_position_embeddings": 32, "rms_norm_eps": 1e-5, "rope_theta": 10000.0,
       "rope_scaling": {"rope_type": "yarn", "factor": 2.0,
         "original_max_position_embeddings": 16, "mscale": 1.0, "mscale_all_dim": 1.0},
       "hidden_act": "silu", "attention_bias": false, "mlp_bias": false,
       "tie_word_embeddings": true, "bos_token_id": 0, "eos_token_id": [0, 1]}
      """;

  static final FuzzedFiles.Reader SAFETENSORS = FuzzedFoldersTest::readTensors;

  @TempDir private Path folder;

  @Test
  void headersOfSafetensors() throws IOException {
    byte[] whole = tensors();
    int length = (int) ByteBuffer.wrap(whole).order(ByteOrder.LITTLE_ENDIAN).getLong();
    String header = new String(whole, 8, length, StandardCharsets.UTF_8);
    byte[] numbers = Arrays.copyOfRange(whole, 8 + length, whole.length);
    FuzzedFiles files = new FuzzedFiles(SEED, ModelException.class, 10);

    files.assertTyped(whole, SAFETENSORS);
    files.assertTypedJson(
        header,
        json ->
            SAFETENSORS.read(
                ByteBuffer.allocate(8 + json.length + numbers.length)
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .putLong(json.length)
                    .put(json)
                    .put(numbers)
                    .array()));
  }

  @Test
  void configsOfDecoders() {
    new FuzzedFiles(SEED, ModelException.class, 10)
        .assertTypedJson(
            CONFIG,
            json -> {
              Files.write(folder.resolve("config.json"), json);
              var unused = DecoderConfig.read(folder);
            });
  }

  @Test
  void tokenizers() throws IOException {
    Path file = TinyTokenizer.write(folder);
    new FuzzedFiles(SEED, ModelException.class, 30)
        .assertTypedJson(
            Files.readString(file),
            json -> {
              Files.write(file, json);
              try (HuggingFaceTokenizerAdapter read = HuggingFaceTokenizerAdapter.load(file, 0)) {
                TokenIds ids = read.encode("print(a); é");
                var unused = read.decode(ids);
              }
            });
  }

  @Test
  void manifestsAndIndexes() throws IOException {
    Files.write(folder.resolve("model-00001-of-00001.safetensors"), tensors());
    String index =
        """
        {"metadata": {"total_size": 40},
         "weight_map": {"a": "model-00001-of-00001.safetensors",
                        "b": "model-00001-of-00001.safetensors"}}
        """;
    FuzzedFiles files = new FuzzedFiles(SEED, ModelException.class, 12);
    files.assertTypedJson(
        index,
        json -> {
          Files.write(folder.resolve(WeightFiles.INDEX), json);
          var unused = WeightFiles.open(folder).names();
        });

    Files.writeString(folder.resolve(WeightFiles.INDEX), index);
    var unused = ModelManifest.write(folder, Map.of("parent", "1"));
    files.assertTypedJson(
        Files.readString(folder.resolve(ModelManifest.FILE)),
        json -> {
          Files.write(folder.resolve(ModelManifest.FILE), json);
          ModelManifest.read(folder).orElseThrow().verify(folder);
        });
  }

  private byte[] tensors() throws IOException {
    Path file = folder.resolve("whole.safetensors");
    SafetensorsFile.write(
        file,
        List.of(
            new Content(
                "a", WeightType.FLOAT32, List.of(2L, 3L), () -> new float[] {1, 2, 3, 4, 5, 6}),
            new Content("b", WeightType.BFLOAT16, List.of(4L), () -> new float[] {1, 2, 3, 4})),
        Map.of("format", "pt"));
    byte[] whole = Files.readAllBytes(file);
    Files.delete(file);
    return whole;
  }

  private static void readTensors(byte[] bytes) throws IOException {
    Path file = Files.createTempFile("fuzzed", ".safetensors");
    try {
      Files.write(file, bytes);
      SafetensorsFile tensors = SafetensorsFile.open(file);
      for (String name : tensors.names()) {
        tensors.read(name, tensors.shape(name), (values, count, at) -> {});
      }
    } finally {
      Files.delete(file);
    }
  }
}
