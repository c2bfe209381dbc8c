package io.ballast.inference.torch;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.inference.store.ModelManifest;
import io.ballast.inference.store.SafetensorsFile.Content;
import io.ballast.inference.store.WeightType;
import io.ballast.kit.digest.Sha256;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * What a decoder's folder would hold, in memory: a copy of its weights in 32 bits, its shape, where
 * its tokenizer is, and the checksums that the folder would have. Never changes. Whoever made it
 * closes it, once nobody reads from it.
 */
public final class DecoderCopy implements AutoCloseable {
  private final WeightsSnapshot weights;
  private final Path tokenizer;
  private final ModelManifest manifest;

  private DecoderCopy(WeightsSnapshot weights, Path tokenizer, ModelManifest manifest) {
    this.weights = weights;
    this.tokenizer = tokenizer;
    this.manifest = manifest;
  }

  /**
   * Copies.
   *
   * @param contents all weights of {@code layout}, each under its name, in 32 bits
   * @throws io.ballast.inference.api.NotFiniteException if one is not finite; named
   */
  static DecoderCopy of(ParameterLayout layout, List<Content> contents, Path tokenizer)
      throws IOException {
    WeightsSnapshot weights =
        WeightsSnapshot.of(
            layout, ScalarType.Float, contents.stream().map(FiniteNumbers::of).toList());
    try {
      ModelManifest manifest =
          DecoderFolder.manifest(
              layout.config(), weights.contents(WeightType.FLOAT32), WeightType.FLOAT32, tokenizer);
      return new DecoderCopy(weights, tokenizer, manifest);
    } catch (IOException | RuntimeException | Error e) {
      weights.close();
      throw e;
    }
  }

  /** The model's shape. */
  public DecoderConfig config() {
    return weights.config();
  }

  /** The checksum of the file of weights that a folder would have. */
  public String weightsSha256() {
    return manifest.weightsSha256().orElseThrow();
  }

  /** The checksum over all files that a folder would have. */
  public String contentSha256() {
    return manifest.contentSha256();
  }

  /** The tokenizer.json. */
  public Path tokenizer() {
    return tokenizer;
  }

  WeightsSnapshot weights() {
    return weights;
  }

  /**
   * The vocabulary of the tokenizer.
   *
   * @param kept has it, if the last one was of the same
   * @throws ModelException INVALID_FOLDER if it cannot be read, CORRUPT_WEIGHTS if its file is
   *     another than it was
   */
  Vocabulary vocabulary(KeptVocabulary kept) {
    try {
      String found = Sha256.of(tokenizer);
      String expected = manifest.checksums().get(DecoderFolder.TOKENIZER);
      if (!found.equals(expected)) {
        throw new ModelException(
            Reason.CORRUPT_WEIGHTS,
            "%s: SHA-256 %s (expected: %s)".formatted(tokenizer, found, expected));
      }
    } catch (IOException e) {
      throw new ModelException(Reason.INVALID_FOLDER, tokenizer + ": " + e.getMessage(), e);
    }
    return kept.of(tokenizer, config().endOfTextIds());
  }

  @Override
  public void close() {
    weights.close();
  }
}
