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
 * Numbers and, if they are trained, their gradients: each in one flat buffer, on whose parts leaves
 * of the graph are made.
 *
 * <p>Where products have a type of their own, the matrices have a second copy in it, with gradients
 * of its own, which {@link #collectGradients} adds to the full ones: what many micro-batches add up
 * is added up in full width.
 */
final class FlatNumbers implements AutoCloseable {
  private final long matrixSize;
  private final boolean twoTypes;
  private final boolean trained;
  private final List<Tensor> kept = new ArrayList<>();
  private final Tensor full;
  private final Tensor gradients;
  private final Tensor products;
  private final Tensor productGradients;

  /**
   * Starts with zeros.
   *
   * @param fullSize numbers in full width
   * @param matrixSize numbers in the products' type; where they are trained, the first ones of
   *     those in full width
   * @param trained whether gradients are kept
   */
  FlatNumbers(Arithmetic arithmetic, long fullSize, long matrixSize, boolean trained) {
    this.matrixSize = matrixSize;
    this.trained = trained;
    this.twoTypes = arithmetic.full() != arithmetic.product();
    try (PointerScope scope = new PointerScope();
        NoGradGuard off = new NoGradGuard()) {
      full = zeros(arithmetic.full(), fullSize);
      gradients = zeros(arithmetic.full(), trained ? fullSize : 0);
      products = twoTypes ? zeros(arithmetic.product(), matrixSize) : full;
      productGradients =
          twoTypes ? zeros(arithmetic.product(), trained ? matrixSize : 0) : gradients;
    } catch (RuntimeException | Error e) { // memory may end between two of them
      close();
      throw e;
    }
  }

  /** The same numbers with gradients of their own. */
  private FlatNumbers(FlatNumbers of) {
    this.matrixSize = of.matrixSize;
    this.trained = true;
    this.twoTypes = of.twoTypes;
    this.full = of.full;
    this.products = of.products;
    try (PointerScope scope = new PointerScope();
        NoGradGuard off = new NoGradGuard()) {
      gradients = zeros(full.scalar_type(), full.numel());
      productGradients = twoTypes ? zeros(products.scalar_type(), matrixSize) : gradients;
    } catch (RuntimeException | Error e) {
      close();
      throw e;
    }
  }

  /**
   * Returns the same numbers with gradients of their own, of zeros. Closed by the caller, before
   * these.
   */
  FlatNumbers beside() {
    return new FlatNumbers(this);
  }

  private Tensor zeros(ScalarType type, long size) {
    return keep(Tensors.zeros(type, size));
  }

  private Tensor keep(Tensor tensor) {
    tensor.retainReference();
    kept.add(tensor);
    return tensor;
  }

  /** Returns a leaf for products, kept as long as these numbers are. */
  Tensor productLeaf(Parameter p) {
    return leaf(products, productGradients, p);
  }

  /** Returns a leaf in full width, kept as long as these numbers are. */
  Tensor fullLeaf(Parameter p) {
    return leaf(full, gradients, p);
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

  Tensor full() {
    return full;
  }

  Tensor gradients() {
    return gradients;
  }

  Tensor products() {
    return products;
  }

  /** Bytes of the numbers, their copies and gradients. */
  long bytes() {
    return full.nbytes()
        + gradients.nbytes()
        + (twoTypes ? products.nbytes() + productGradients.nbytes() : 0);
  }

  /** Brings the copy for products up to date. */
  void changed() {
    if (twoTypes && trained) {
      try (PointerScope scope = new PointerScope();
          NoGradGuard off = new NoGradGuard()) {
        products.copy_(full.narrow(0, 0, matrixSize));
      }
    }
  }

  /** Adds what the products' copy has collected to the full gradients. */
  void collectGradients() {
    if (twoTypes) {
      try (PointerScope scope = new PointerScope();
          NoGradGuard off = new NoGradGuard()) {
        gradients.narrow(0, 0, matrixSize).add_(productGradients, new Scalar(1.0));
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
