package io.ballast.inference.triton.export;

import io.ballast.kserve.v2.DataType;
import io.ballast.kserve.v2.ModelConfig;
import io.ballast.kserve.v2.ModelInput;

/** How an exported decoder is asked and answers: whose tensors it has. */
public enum DecoderConvention {
  /** Those of Triton's vLLM back end: texts. */
  VLLM("vllm") {
    @Override
    void declare(ModelConfig.Builder config) {
      config
          .addInput(ModelConfigs.input("text_input", DataType.TYPE_STRING, 1))
          .addInput(optional("stream", DataType.TYPE_BOOL))
          .addInput(optional("sampling_parameters", DataType.TYPE_STRING))
          .addInput(optional("exclude_input_in_output", DataType.TYPE_BOOL))
          .addInput(optional("return_finish_reason", DataType.TYPE_BOOL))
          .addInput(optional("return_logprobs", DataType.TYPE_BOOL))
          .addOutput(ModelConfigs.output("text_output", DataType.TYPE_STRING, -1))
          .addOutput(ModelConfigs.output("finish_reason", DataType.TYPE_STRING, -1))
          .addOutput(ModelConfigs.output("logprobs", DataType.TYPE_STRING, -1));
    }
  },
  /**
   * Those of TensorRT-LLM's model {@code tensorrt_llm}: ids, of one prompt a request. It has no
   * inputs for words, bias, drafts, adapters and several beams.
   */
  TENSORRT_LLM("tensorrt-llm") {
    @Override
    void declare(ModelConfig.Builder config) {
      config
          .setMaxBatchSize(1)
          .addInput(ModelConfigs.input("input_ids", DataType.TYPE_INT32, -1))
          .addInput(ModelConfigs.input("input_lengths", DataType.TYPE_INT32, 1))
          .addInput(ModelConfigs.input("request_output_len", DataType.TYPE_INT32, 1))
          .addInput(optional("end_id", DataType.TYPE_INT32))
          .addInput(optional("pad_id", DataType.TYPE_INT32))
          .addInput(optional("beam_width", DataType.TYPE_INT32))
          .addInput(optional("temperature", DataType.TYPE_FP32))
          .addInput(optional("runtime_top_k", DataType.TYPE_INT32))
          .addInput(optional("runtime_top_p", DataType.TYPE_FP32))
          .addInput(optional("repetition_penalty", DataType.TYPE_FP32))
          .addInput(optional("min_tokens", DataType.TYPE_INT32))
          .addInput(optional("presence_penalty", DataType.TYPE_FP32))
          .addInput(optional("frequency_penalty", DataType.TYPE_FP32))
          .addInput(optional("seed", DataType.TYPE_UINT64))
          .addInput(optional("return_log_probs", DataType.TYPE_BOOL))
          .addInput(optional("exclude_input_in_output", DataType.TYPE_BOOL))
          .addInput(optional("streaming", DataType.TYPE_BOOL))
          .addOutput(ModelConfigs.output("output_ids", DataType.TYPE_INT32, -1, -1))
          .addOutput(ModelConfigs.output("sequence_length", DataType.TYPE_INT32, -1))
          .addOutput(ModelConfigs.output("cum_log_probs", DataType.TYPE_FP32, -1))
          .addOutput(ModelConfigs.output("output_log_probs", DataType.TYPE_FP32, -1, -1));
    }
  };

  private final String code;

  DecoderConvention(String code) {
    this.code = code;
  }

  /** Its name in a configuration, and on the command line. */
  public String code() {
    return code;
  }

  /** Adds the tensors. */
  abstract void declare(ModelConfig.Builder config);

  private static ModelInput.Builder optional(String name, DataType type) {
    return ModelConfigs.input(name, type, 1).setOptional(true);
  }
}
