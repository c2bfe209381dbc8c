package io.ballast.inference.torch;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/** What the gate of a feed-forward layer goes through. */
public enum Activation {
  /** x · σ(x). */
  SILU("silu"),
  /** x · Φ(x), Φ by its approximation with tanh. */
  GELU_TANH("gelu_pytorch_tanh"),
  /** x · Φ(x), Φ the normal distribution's. */
  GELU("gelu");

  private final String code;

  Activation(String code) {
    this.code = code;
  }

  /** Its name in a config.json. */
  public String code() {
    return code;
  }

  /** Returns it of each number of {@code x}. */
  Tensor apply(Tensor x) {
    return switch (this) {
      case SILU -> torch.silu(x);
      case GELU_TANH -> torch.gelu(x, "tanh");
      case GELU -> torch.gelu(x, "none");
    };
  }

  /** Writes it of each number of {@code x} into {@code target}, of the same shape. */
  void apply(Tensor x, Tensor target) {
    var unused =
        switch (this) {
          case SILU -> torch.silu_out(target, x);
          case GELU_TANH -> torch.gelu_out(target, x, "tanh");
          case GELU -> torch.gelu_out(target, x, "none");
        };
  }

  static Optional<Activation> of(String code) {
    return Arrays.stream(values()).filter(a -> a.code.equals(code)).findFirst();
  }

  static List<String> codes() {
    return Arrays.stream(values()).map(Activation::code).toList();
  }
}
