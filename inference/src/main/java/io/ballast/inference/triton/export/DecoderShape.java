package io.ballast.inference.triton.export;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.inference.api.Tokenizer;
import io.ballast.inference.torch.DecoderConfig;
import java.util.Arrays;

/**
 * The decoder.json of an exported decoder: its shape as numbers, so that whoever runs it need not
 * know families and ropes.
 */
final class DecoderShape {
  static final String FILE = "decoder.json";

  private static final ObjectMapper JSON = new ObjectMapper();

  private DecoderShape() {}

  /** Returns the text. */
  static String of(DecoderConfig config, Tokenizer tokenizer) {
    ObjectNode json = JSON.createObjectNode();
    json.put("layers", config.layers());
    json.put("heads", config.attentionHeads());
    json.put("key_heads", config.keyValueHeads());
    json.put("head_size", config.headSize());
    json.put("vocabulary_size", config.vocabularySize());
    json.put("known_tokens", tokenizer.vocabularySize()); // others have no text: never drawn
    json.put("context_tokens", config.contextTokens());
    json.put("epsilon", config.rmsNormEpsilon());
    json.put("norm_offset", config.normOffset());
    json.put("embedding_scale", config.embeddingScale());
    json.put("activation", config.activation().code());
    json.put("tied_head", config.tiedHead());
    json.put("rope_factor", config.ropeScaling().attentionFactor());
    Arrays.stream(config.ropeScaling().frequencies(config.ropeTheta(), config.headSize()))
        .forEach(json.putArray("rope_frequencies")::add);
    Arrays.stream(tokenizer.beginning().toArray()).forEach(json.putArray("beginning")::add);
    config.endOfTextIds().forEach(json.putArray("end_of_text_ids")::add);
    return json.toPrettyString() + "\n";
  }
}
