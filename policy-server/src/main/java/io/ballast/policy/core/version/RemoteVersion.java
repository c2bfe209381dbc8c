package io.ballast.policy.core.version;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * A version whose weights another server has.
 *
 * @param model the model's name in the mesh
 * @param version the version within the model
 * @param kind how the server is spoken to
 * @param url {@code http://host:port} or {@code https://…} for OPENAI, {@code host:port} for the
 *     others
 * @param servedModel the name by which the server knows it
 * @param folder holds the model's tokenizer.json and config.json, no weights
 * @param contextTokens the server's limit of prompt and completion together; absent: what
 *     config.json says
 * @param tokenFile holds what the server demands; absent, as the next: nothing
 * @param tokenVariable names the environment variable that does
 * @param encrypted whether a connection to a Triton is encrypted; OPENAI's scheme says it
 * @param drainStreams whether a Triton's stream that a caller leaves is read to its end, unseen,
 *     instead of cancelled
 * @param timeout how long a completion may take
 */
public record RemoteVersion(
    String model,
    String version,
    Kind kind,
    String url,
    String servedModel,
    Path folder,
    OptionalInt contextTokens,
    Optional<Path> tokenFile,
    Optional<String> tokenVariable,
    boolean encrypted,
    boolean drainStreams,
    Duration timeout) {
  /** How a server is spoken to. */
  public enum Kind {
    /** {@code /v1/completions}: vLLM, SGLang, llama.cpp's server. */
    OPENAI,
    /** Triton's vLLM back end over KServe v2. */
    VLLM,
    /** TensorRT-LLM's back end of Triton, over KServe v2. */
    TENSORRT_LLM
  }

  /** Whether it is this one. */
  public boolean is(String otherModel, String otherVersion) {
    return model.equals(otherModel) && version.equals(otherVersion);
  }
}
