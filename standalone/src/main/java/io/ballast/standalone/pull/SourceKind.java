package io.ballast.standalone.pull;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.ballast.inference.torch.DecoderFamily;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** What a model elsewhere is written as. */
enum SourceKind {
  /** A GGUF file. */
  GGUF,
  /** A folder with a decoder's weights in safetensors. */
  DECODER,
  /** A .onnx with its tokenizer. */
  ENCODER;

  /** The largest tokenizers have half of it, and are read into memory as a whole. */
  static final long JSON_BYTES = 64L << 20;

  private static final ObjectMapper JSON = new ObjectMapper();

  /** Whether a file is a config.json of a decoder that we know. */
  static boolean isDecoder(Path config) throws IOException {
    return Files.isRegularFile(config)
        && Files.size(config) <= JSON_BYTES
        && isDecoder(Files.readAllBytes(config));
  }

  /**
   * Whether a config.json is of a decoder that we know. Folders of encoders have safetensors too,
   * and those of decoders ONNX: what the model is decides.
   *
   * @param config what is in it
   */
  static boolean isDecoder(byte[] config) {
    try {
      String type = JSON.readTree(config).path("model_type").asText();
      return DecoderFamily.of(type).isPresent();
    } catch (IOException e) {
      return false; // whoever imports it says what is wrong
    }
  }
}
