package io.ballast.inference.brought;

import io.ballast.inference.onnx.Normalization;
import io.ballast.inference.onnx.Pooling;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * One classifier of an ensemble, and how it judges a completion.
 *
 * @param model the name of its folder; empty where a Triton has all that it needs
 * @param version the folder's version
 * @param sha256 over the folder's checksums, see {@link
 *     io.ballast.inference.store.ModelManifest#contentSha256}; empty in a manifest that a person
 *     writes, before it is adopted
 * @param input what it reads
 * @param pooling how the outputs of tokens become a text's; empty: as the model does it
 * @param score which of its outputs is the score
 * @param lowerIsBetter whether the score is turned round, so that higher is better
 * @param scale where scores, turned round if so, lie on answers of the reference policy
 * @param maxTokens the most tokens of a row, special ones included, or bytes where the model splits
 *     texts itself; empty: as many as it can read
 * @param triton where it is computed, if not here; the folder, if there is one, has its tokenizer
 */
public record BroughtMember(
    String model,
    String version,
    Optional<String> sha256,
    MemberInput input,
    Optional<Pooling> pooling,
    ScoreReading score,
    boolean lowerIsBetter,
    Normalization scale,
    OptionalInt maxTokens,
    Optional<TritonModel> triton) {
  /** Checks the ranges, and that it has what it reads with. */
  public BroughtMember {
    boolean bytes = triton.isPresent() && triton.get().readsTexts();
    if (bytes && input instanceof MemberInput.Tokens) {
      throw new IllegalArgumentException(
          "triton.text: of a member that reads tokens (expected: ids)");
    }
    boolean alone =
        triton.isPresent()
            && (input instanceof MemberInput.Tokens
                || bytes && input instanceof MemberInput.Template);
    if (model.isEmpty() && !alone) {
      throw new IllegalArgumentException(
          "model: absent (expected: the folder that has its tokenizer and chat template)");
    }
    if (maxTokens.isPresent() && maxTokens.getAsInt() < 1) {
      throw new IllegalArgumentException(
          "max_tokens: " + maxTokens.getAsInt() + " (expected: ≥ 1)");
    }
  }

  /** A member that is computed in this process. */
  public BroughtMember(
      String model,
      String version,
      Optional<String> sha256,
      MemberInput input,
      Optional<Pooling> pooling,
      ScoreReading score,
      boolean lowerIsBetter,
      Normalization scale,
      OptionalInt maxTokens) {
    this(
        model,
        version,
        sha256,
        input,
        pooling,
        score,
        lowerIsBetter,
        scale,
        maxTokens,
        Optional.empty());
  }

  /** Its name: its folder's, or the Triton model's where there is none. */
  public String name() {
    return hasFolder() ? model : triton.orElseThrow().model();
  }

  /** The version of that name. */
  public String nameVersion() {
    return hasFolder() ? version : triton.orElseThrow().version();
  }

  /** Its name and version, as people write them. */
  public String id() {
    return name() + "/" + nameVersion();
  }

  /** Whether something of it is in a model folder. */
  public boolean hasFolder() {
    return !model.isEmpty();
  }

  /** Returns the same of a folder whose files are known. */
  public BroughtMember pinned(String contentSha256) {
    return new BroughtMember(
        model,
        version,
        Optional.of(contentSha256),
        input,
        pooling,
        score,
        lowerIsBetter,
        scale,
        maxTokens,
        triton);
  }

  /** Returns the same on another scale. */
  public BroughtMember scaled(Normalization other) {
    return new BroughtMember(
        model, version, sha256, input, pooling, score, lowerIsBetter, other, maxTokens, triton);
  }
}
