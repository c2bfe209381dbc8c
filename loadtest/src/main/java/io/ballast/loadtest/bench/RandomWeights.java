package io.ballast.loadtest.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.inference.store.WeightType;
import io.ballast.inference.torch.Arithmetic;
import io.ballast.inference.torch.DecoderConfig;
import io.ballast.inference.torch.OptimizerOptions;
import io.ballast.inference.torch.TrainableDecoder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * Models of a shape with random weights: they cost what trained ones cost, and hardly a completion
 * ends before its length, which would leave an engine a smaller batch.
 */
final class RandomWeights {
  private static final String TOKENIZER = "tokenizer.json";
  private static final int VOCABULARY = 49_152;
  private static final ObjectMapper JSON = new ObjectMapper();

  private RandomWeights() {}

  /**
   * Writes a model.
   *
   * @param model a Hugging Face folder: its shape and tokenizer are used
   * @param folder created
   * @return {@code folder}
   */
  static Path of(Path model, Path folder) throws IOException {
    try (TrainableDecoder decoder =
        TrainableDecoder.create(
            DecoderConfig.read(model),
            Arithmetic.FLOAT32,
            OptimizerOptions.pretraining(),
            new SplittableRandom(1))) {
      decoder.save(
          folder, WeightType.BFLOAT16, model.resolve(TOKENIZER), Map.of("made_for", "bench"));
    }
    return folder;
  }

  /**
   * Writes a folder with the shape of SmolLM2-135M and a tokenizer whose first ids are another's;
   * the others are texts that no merge makes.
   *
   * @param model a Hugging Face folder: its tokenizer is used
   * @param folder created
   * @return {@code folder}, which has no weights
   */
  static Path shapeOf135Million(Path model, Path folder) throws IOException {
    Files.createDirectories(folder);
    ObjectNode tokenizer = (ObjectNode) JSON.readTree(model.resolve(TOKENIZER).toFile());
    ObjectNode vocabulary = (ObjectNode) tokenizer.path("model").path("vocab");
    int first = 0;
    for (JsonNode id : vocabulary) {
      first = Math.max(first, id.asInt() + 1);
    }
    for (int id = first; id < VOCABULARY; id++) {
      vocabulary.put("never-made-" + id, id);
    }
    JSON.writeValue(folder.resolve(TOKENIZER).toFile(), tokenizer);
    Files.writeString(
        folder.resolve("config.json"),
        """
        {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 576,
         "intermediate_size": 1536, "num_hidden_layers": 30, "num_attention_heads": 9,
         "num_key_value_heads": 3, "vocab_size": 49152, "max_position_embeddings": 2048,
         "rms_norm_eps": 1e-5, "rope_theta": 100000, "tie_word_embeddings": true,
         "bos_token_id": 0, "eos_token_id": 0, "hidden_act": "silu"}
        """);
    return folder;
  }
}
