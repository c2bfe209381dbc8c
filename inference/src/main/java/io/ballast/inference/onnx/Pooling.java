package io.ballast.inference.onnx;

import java.util.Arrays;
import java.util.Optional;

/** How the vectors of a text's tokens become one. */
public enum Pooling {
  /** Their mean, special tokens included, padding excluded. */
  MEAN("mean", "pooling_mode_mean_tokens"),
  /** The first token's, which begins every text. */
  FIRST_TOKEN("cls", "pooling_mode_cls_token"),
  /** The last token's, the only one that saw all of a text in a decoder; padding excluded. */
  LAST_TOKEN("last", "pooling_mode_lasttoken");

  private final String code;
  private final String mode;

  Pooling(String code, String mode) {
    this.code = code;
    this.mode = mode;
  }

  /** Its short name, as the field says it. */
  public String code() {
    return code;
  }

  /** Its field in a sentence encoder's 1_Pooling/config.json. */
  String mode() {
    return mode;
  }

  /** The way of a short name; empty if there is none of that name. */
  public static Optional<Pooling> ofCode(String code) {
    return Arrays.stream(values()).filter(way -> way.code.equals(code)).findFirst();
  }
}
