package io.ballast.standalone.pull;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.ballast.inference.torch.DecoderFamily;
import java.io.IOException;
import java.io.InputStream;

/** What a model elsewhere is written as. */
enum SourceKind {
  /** A GGUF file. */
  GGUF,
  /** A folder with a decoder's weights in safetensors. */
  DECODER,
  /** A .onnx with its tokenizer. */
  ENCODER;

  private static final ObjectMapper JSON = new ObjectMapper();

  /**
   * Whether a config.json is of a decoder that we know. Folders of encoders have safetensors too,
   * and those of decoders ONNX: what the model is decides.
   *
   * @param config read to its end, not closed
   */
  static boolean isDecoder(InputStream config) {
    try {
      String type = JSON.readTree(config.readAllBytes()).path("model_type").asText();
      return DecoderFamily.of(type).isPresent();
    } catch (IOException e) {
      return false; // whoever imports it says what is wrong
    }
  }
}
