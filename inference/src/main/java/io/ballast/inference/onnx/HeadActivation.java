package io.ballast.inference.onnx;

import java.util.Locale;

/** What stands between a head's two layers. */
public enum HeadActivation {
  /** The hyperbolic tangent. */
  TANH,
  /** x · Φ(x), with the normal distribution's own Φ. */
  GELU;

  /** Its name in a scoring folder's {@code config.json}. */
  public String code() {
    return name().toLowerCase(Locale.ROOT);
  }
}
