package io.ballast.inference.torch;

import io.ballast.inference.store.SafetensorsFile.Content;
import io.ballast.inference.store.WeightType;
import io.ballast.inference.torch.ParameterLayout.Parameter;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * A decoder's weights and, if they are trained, their gradients, with the network over them.
 *
 * <p>Weights that are not trained have their matrices in the products' type alone, and of the rest
 * only what is used in full width.
 */
final class TrainedWeights implements Trained {
  private final ParameterLayout layout;
  private final Arithmetic arithmetic;

  /** Whether the matrices are there in the products' type alone. */
  private final boolean compact;

  private final FlatNumbers numbers;
  private final DecoderNetwork network;

  /**
   * Starts with zeros.
   *
   * @param trained whether gradients are kept; false saves their memory
   */
  TrainedWeights(ParameterLayout layout, Arithmetic arithmetic, boolean trained) {
    this.layout = layout;
    this.arithmetic = arithmetic;
    this.compact = arithmetic.full() != arithmetic.product() && !trained;
    this.numbers = new FlatNumbers(arithmetic, fullSize(), layout.matrixSize(), trained);
    this.network = bound();
  }

  /** The same weights with gradients of their own. */
  private TrainedWeights(TrainedWeights of) {
    this.layout = of.layout;
    this.arithmetic = of.arithmetic;
    this.compact = of.compact;
    this.numbers = of.numbers.beside();
    this.network = bound();
  }

  private DecoderNetwork bound() {
    try (PointerScope scope = new PointerScope();
        NoGradGuard off = new NoGradGuard()) {
      return new DecoderNetwork(layout, numbers::productLeaf, p -> numbers.fullLeaf(inFull(p)));
    } catch (RuntimeException | Error e) {
      numbers.close();
      throw e;
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
      numbers.full().narrow(0, offset, values.size(0)).copy_(values);
      return;
    }
    long embedding = layout.embedding().size();
    copyPart(values, offset, 0, layout.matrixSize(), numbers.products(), 0);
    copyPart(values, offset, 0, embedding, numbers.full(), 0);
    copyPart(values, offset, layout.matrixSize(), layout.size(), numbers.full(), embedding);
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
    return numbers.bytes();
  }

  /**
   * The weights in full width. Whoever writes to them calls {@link #changed}.
   *
   * @throws IllegalStateException if they are not trained, and the matrices not kept in full width
   */
  @Override
  public Tensor flat() {
    if (compact) {
      throw new IllegalStateException("weights: matrices are kept in the products' type alone");
    }
    return numbers.full();
  }

  @Override
  public long decayedSize() {
    return layout.matrixSize();
  }

  @Override
  public long criticSize() {
    return layout.size() - layout.decoderSize();
  }

  @Override
  public Tensor flatGradients() {
    return numbers.gradients();
  }

  @Override
  public Optional<Tensor> headGradients() {
    return Optional.of(FlatNumbers.shaped(numbers.gradients(), layout.head()));
  }

  @Override
  public Optional<ValueHead> critic() {
    return layout
        .critic()
        .map(critic -> new ValueHead(numbers.full(), numbers.gradients(), critic));
  }

  @Override
  public Products products() {
    return Products.atOnce();
  }

  @Override
  public Map<String, String> kind() {
    Map<String, String> kind = new TreeMap<>();
    kind.put("config", layout.config().toString());
    kind.put("arithmetic", arithmetic.name());
    layout.critic().ifPresent(critic -> kind.put("critic", "true"));
    return kind;
  }

  @Override
  public List<Content> contents(Tensor flat, WeightType type) {
    return DecoderFolder.contents(layout, flat, type);
  }

  /** The type of losses and log-probabilities. */
  ScalarType fullType() {
    return numbers.full().scalar_type();
  }

  @Override
  public void changed() {
    numbers.changed();
  }

  @Override
  public void collectGradients() {
    numbers.collectGradients();
  }

  @Override
  public TrainedWeights beside() {
    return new TrainedWeights(this);
  }

  @Override
  public void clearGradients() {
    numbers.clearGradients();
  }

  @Override
  public void close() {
    numbers.close();
  }
}
