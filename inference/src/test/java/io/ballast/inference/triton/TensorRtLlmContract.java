package io.ballast.inference.triton;

import io.ballast.inference.api.Decoder;
import io.ballast.inference.api.ModelException;
import io.ballast.inference.torch.HuggingFaceTokenizerAdapter;

/** {@link DecoderContract} on a real Triton whose java-tiny keeps TensorRT-LLM's convention. */
abstract class TensorRtLlmContract extends DecoderContract {
  static final HuggingFaceTokenizerAdapter TOKENIZER =
      HuggingFaceTokenizerAdapter.ofFolder(MODELS.resolve("java-tiny/1"));

  private final String served;

  TensorRtLlmContract(String served) {
    this.served = served;
  }

  @Override
  Decoder decoder() {
    return open("java-tiny", "1");
  }

  @Override
  Decoder open(String name, String version) {
    return TensorRtLlmDecoder.open(
        TensorRtLlmTriton.draining(),
        new ServedModel(name.equals("java-tiny") ? served : name, version),
        TOKENIZER,
        256);
  }

  @Override
  ModelException.Reason unknownModel() {
    return ModelException.Reason.UNAVAILABLE;
  }
}
