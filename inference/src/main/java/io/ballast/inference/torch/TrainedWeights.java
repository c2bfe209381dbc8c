package io.ballast.inference.torch;

import io.ballast.inference.torch.ParameterLayout.Parameter;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * Weights and, if they are trained, their gradients: each in one flat buffer, with a leaf of the
 * graph on every weight.
 *
 * <p>Where products have a type of their own, the matrices have a second copy in it, with gradients
 * of its own, which {@link #collectGradients} adds to the full ones: what many micro-batches add up
 * is added up in full width.
 */
final class TrainedWeights implements AutoCloseable {
  private final ParameterLayout layout;
  private final boolean twoTypes;
  private final boolean trained;
  private final List<Tensor> kept = new ArrayList<>();
  private final Tensor weights;
  private final Tensor gradients;
  private final Tensor products;
  private final Tensor productGradients;
  private final DecoderNetwork network;

  /**
   * Starts with zeros.
   *
   * @param trained whether gradients are kept; false saves their memory
   */
  TrainedWeights(ParameterLayout layout, Arithmetic arithmetic, boolean trained) {
    this.layout = layout;
    this.trained = trained;
    this.twoTypes = arithmetic.full() != arithmetic.product();
    try (PointerScope scope = new PointerScope();
        NoGradGuard off = new NoGradGuard()) {
      weights = keep(Tensors.zeros(arithmetic.full(), layout.size()));
      gradients = keep(Tensors.zeros(arithmetic.full(), trained ? layout.size() : 0));
      if (twoTypes) {
        products = keep(Tensors.zeros(arithmetic.product(), layout.matrixSize()));
        productGradients =
            keep(Tensors.zeros(arithmetic.product(), trained ? layout.matrixSize() : 0));
      } else {
        products = weights;
        productGradients = gradients;
      }
      network =
          new DecoderNetwork(
              layout, p -> leaf(products, productGradients, p), p -> leaf(weights, gradients, p));
    }
  }

  private Tensor keep(Tensor tensor) {
    tensor.retainReference();
    kept.add(tensor);
    return tensor;
  }

  private Tensor leaf(Tensor values, Tensor gradientsOfValues, Parameter p) {
    Tensor leaf = keep(shaped(values, p).detach());
    if (trained) {
      leaf.set_requires_grad(true);
      leaf.mutable_grad().put(shaped(gradientsOfValues, p));
    }
    return leaf;
  }

  /** Returns the part of a flat buffer that belongs to {@code p}, in its shape. */
  static Tensor shaped(Tensor flat, Parameter p) {
    Tensor range = flat.narrow(0, p.offset(), p.size());
    return p.columns() == 0 ? range : range.view(p.rows(), p.columns());
  }

  DecoderNetwork network() {
    return network;
  }

  ParameterLayout layout() {
    return layout;
  }

  /** The weights in full width. Whoever writes to them calls {@link #changed}. */
  Tensor flat() {
    return weights;
  }

  /** The gradients in full width, complete after {@link #collectGradients}. */
  Tensor flatGradients() {
    return gradients;
  }

  /** The head's gradients in full width, shape [V, D]. The caller has opened a scope. */
  Tensor headGradients() {
    return shaped(gradients, layout.head());
  }

  /** The type of losses and log-probabilities. */
  ScalarType fullType() {
    return weights.scalar_type();
  }

  /** Brings the copy for products up to date. */
  void changed() {
    if (twoTypes) {
      try (NoGradGuard off = new NoGradGuard()) {
        products.copy_(weights.narrow(0, 0, layout.matrixSize()));
      }
    }
  }

  /** Adds what the products' copy has collected to the full gradients. */
  void collectGradients() {
    if (twoTypes) {
      try (NoGradGuard off = new NoGradGuard()) {
        gradients.narrow(0, 0, layout.matrixSize()).add_(productGradients, new Scalar(1.0));
        productGradients.zero_();
      }
    }
  }

  /** Forgets all gradients. */
  void clearGradients() {
    try (NoGradGuard off = new NoGradGuard()) {
      gradients.zero_();
      if (twoTypes) {
        productGradients.zero_();
      }
    }
  }

  @Override
  public void close() {
    for (Tensor tensor : kept) {
      tensor.releaseReference();
    }
    kept.clear();
  }
}
