package io.ballast.inference.onnx;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.inference.chat.ChatTemplate;
import io.ballast.kit.digest.Sha256;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * How a trunk makes tokens of texts, by checksum. Heads that were trained on tokens of one
 * tokenizer say nothing of those of another, and would say it with confidence.
 *
 * @param tokenizerSha256 of its tokenizer.json, lower-case hexadecimal
 * @param templateSha256 of its chat template, as {@link ChatTemplate#sha256} has it; empty: it has
 *     none
 */
public record TrunkText(String tokenizerSha256, Optional<String> templateSha256) {
  private static final String TOKENIZER = "tokenizer.json";

  /**
   * Reads that of a decoder's folder; empty if it has no tokenizer.json.
   *
   * @throws ModelException INVALID_FOLDER if a file is there and cannot be read
   */
  public static Optional<TrunkText> of(Path trunk) {
    Path file = trunk.resolve(TOKENIZER);
    if (!Files.isRegularFile(file)) {
      return Optional.empty();
    }
    try {
      return Optional.of(new TrunkText(Sha256.of(file), ChatTemplate.sha256(trunk)));
    } catch (IOException e) {
      throw new ModelException(Reason.INVALID_FOLDER, file + ": " + e.getMessage(), e);
    }
  }

  /**
   * Refuses a trunk that reads texts otherwise.
   *
   * @param trunk its folder
   * @param heads what was trained on texts as this says, for the message
   * @throws ModelException CORRUPT_WEIGHTS naming the file and both checksums; INVALID_FOLDER as
   *     {@link #of}, and if there is no tokenizer.json
   */
  public void require(Path trunk, String heads) {
    require(required(trunk), trunk, heads);
  }

  /**
   * Reads that of a decoder's folder.
   *
   * @throws ModelException INVALID_FOLDER as {@link #of}, and if there is no tokenizer.json
   */
  public static TrunkText required(Path trunk) {
    return of(trunk)
        .orElseThrow(
            () ->
                new ModelException(
                    Reason.INVALID_FOLDER, trunk.resolve(TOKENIZER) + ": the file is missing"));
  }

  /**
   * As the other, of a trunk that was read already.
   *
   * @param here what {@code trunk} has
   */
  public void require(TrunkText here, Path trunk, String heads) {
    Path file = trunk.resolve(TOKENIZER);
    if (!here.tokenizerSha256.equals(tokenizerSha256)) {
      throw new ModelException(
          Reason.CORRUPT_WEIGHTS,
          "%s: SHA-256 %s (expected: %s, with which %s was trained)"
              .formatted(file, here.tokenizerSha256, tokenizerSha256, heads));
    }
    if (!here.templateSha256.equals(templateSha256)) {
      throw new ModelException(
          Reason.CORRUPT_WEIGHTS,
          "%s: chat template: %s (expected: %s, with which %s was trained)"
              .formatted(trunk, words(here.templateSha256), words(templateSha256), heads));
    }
  }

  private static String words(Optional<String> template) {
    return template.map(sum -> "SHA-256 " + sum).orElse("none");
  }
}
