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
 * is added up in full width. Weights that are not trained have that copy alone, and of the rest
 * only what is used in full width.
 */
final class TrainedWeights implements AutoCloseable {
  private final ParameterLayout layout;
  private final boolean twoTypes;
  private final boolean trained;

  /** Whether the matrices are there in the products' type alone. */
  private final boolean compact;

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
    this.compact = twoTypes && !trained;
    try (PointerScope scope = new PointerScope();
        NoGradGuard off = new NoGradGuard()) {
      weights = keep(Tensors.zeros(arithmetic.full(), fullSize()));
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
              layout,
              p -> leaf(products, productGradients, p),
              p -> leaf(weights, gradients, inFull(p)));
    }
  }

  /** Numbers in full width: all, or the embedding, which is looked up in, and the vectors. */
  private long fullSize() {
    return compact
        ? layout.embedding().size() + layout.size() - layout.matrixSize()
        : layout.size();
  }

  /** Where a weight lies among those in full width. */
  private Parameter inFull(Parameter p) {
    if (!compact || p.offset() < layout.matrixSize()) {
      return p;
    }
    long offset = p.offset() - layout.matrixSize() + layout.embedding().size();
    return new Parameter(p.name(), offset, p.rows(), p.columns());
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

  /**
   * Writes weights, in the layout's order. Whoever does calls {@link #changed}.
   *
   * @param offset of the first of them
   */
  void write(long offset, Tensor values) {
    if (!compact) {
      weights.narrow(0, offset, values.size(0)).copy_(values);
      return;
    }
    long embedding = layout.embedding().size();
    copyPart(values, offset, 0, layout.matrixSize(), products, 0);
    copyPart(values, offset, 0, embedding, weights, 0);
    copyPart(values, offset, layout.matrixSize(), layout.size(), weights, embedding);
  }

  /** Copies what {@code values} have of the weights {@code from} to {@code to}. */
  private static void copyPart(
      Tensor values, long offset, long from, long to, Tensor target, long at) {
    long first = Math.max(offset, from);
    long end = Math.min(offset + values.size(0), to);
    if (first < end) {
      target
          .narrow(0, at + first - from, end - first)
          .copy_(values.narrow(0, first - offset, end - first));
    }
  }

  /** Bytes of the weights, their copies and gradients. */
  long bytes() {
    return weights.nbytes()
        + gradients.nbytes()
        + (twoTypes ? products.nbytes() + productGradients.nbytes() : 0);
  }

  /**
   * The weights in full width. Whoever writes to them calls {@link #changed}.
   *
   * @throws IllegalStateException if they are not trained, and the matrices not kept in full width
   */
  Tensor flat() {
    if (compact) {
      throw new IllegalStateException("weights: matrices are kept in the products' type alone");
    }
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
    if (twoTypes && !compact) {
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
