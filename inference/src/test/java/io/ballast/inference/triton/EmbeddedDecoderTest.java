package io.ballast.inference.triton;

import io.ballast.inference.api.Decoder;
import io.ballast.inference.api.ModelException;
import io.ballast.inference.torch.Arithmetic;
import io.ballast.inference.torch.ServingOptions;
import io.ballast.inference.torch.TorchDecoder;
import io.ballast.inference.torch.TorchRuntime;
import org.junit.jupiter.api.AfterAll;

/** {@link DecoderContract} in this process, with products in 32 bits. */
class EmbeddedDecoderTest extends DecoderContract {
  private static final ServingOptions OPTIONS = new ServingOptions(Arithmetic.FLOAT32, 16, 64, 512);
  private static final TorchDecoder DECODER = load();

  private static TorchDecoder load() {
    TorchRuntime.setThreads(1);
    return TorchDecoder.load(MODELS.resolve("java-tiny/1"), OPTIONS);
  }

  @AfterAll
  static void close() {
    DECODER.close();
  }

  @Override
  Decoder decoder() {
    return DECODER;
  }

  @Override
  Decoder open(String name, String version) {
    return TorchDecoder.load(MODELS.resolve(name).resolve(version), OPTIONS);
  }

  @Override
  ModelException.Reason unknownModel() {
    return ModelException.Reason.INVALID_FOLDER;
  }
}
