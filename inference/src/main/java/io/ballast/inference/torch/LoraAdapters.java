package io.ballast.inference.torch;

import io.ballast.inference.store.SafetensorsFile.Content;
import io.ballast.inference.store.WeightFiles;
import io.ballast.inference.store.WeightType;
import io.ballast.inference.torch.ParameterLayout.Critic;
import io.ballast.inference.torch.ParameterLayout.Parameter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.random.RandomGenerator;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/**
 * Low-rank adapters in training on a decoder that stays as it is and may carry others' at the same
 * time.
 *
 * <pre>x·Wᵀ + (α/r)·(x·Aᵀ)·Bᵀ,   A [r, in] normal with variance 1/in, B [out, r] zero at the start
 * </pre>
 *
 * <p>So at the start every number is the decoder's own. The paper draws A from a Gaussian and
 * leaves its variance open; this one keeps x·Aᵀ as wide as x. Source: Hu et al. 2021 (LoRA), §4.1,
 * arXiv:2106.09685.
 */
final class LoraAdapters implements Trained {
  /**
   * One adapter.
   *
   * @param down A
   * @param up B
   * @param firstRow where in its product its outputs begin
   */
  private record Adapter(Tensor down, Tensor up, long firstRow) {}

  /** Where an adapter lies in the flat buffer. */
  private record Place(Parameter down, Parameter up) {}

  private final FrozenDecoder base;
  private final LoraOptions options;
  private final double scale;
  private final FlatNumbers numbers;
  private final long matrixSize;
  private final Optional<Critic> critic;
  private final Map<String, Place> places = new HashMap<>();

  /** By the tensor that a product is with, in the order of their rows. */
  private final Map<Tensor, List<Adapter>> adapters = new IdentityHashMap<>();

  /**
   * Draws A.
   *
   * @param withCritic whether a critic is trained with them
   * @throws IllegalArgumentException if a projection is narrower than the rank
   */
  LoraAdapters(
      FrozenDecoder base, LoraOptions options, boolean withCritic, RandomGenerator random) {
    this.base = base;
    this.options = options;
    this.scale = options.alpha() / options.rank();
    options.requireFit(base.config());
    ParameterLayout layout = base.weights().layout();
    List<Place> ordered = new ArrayList<>();
    long size = 0;
    for (int layer = 0; layer < layout.blocks(); layer++) {
      for (LoraProjection projection : options.projections()) {
        Parameter target = layout.matrices(layer).get(projection.ordinal());
        Parameter down =
            new Parameter(target.name() + ".A", size, options.rank(), target.columns());
        Parameter up =
            new Parameter(target.name() + ".B", size + down.size(), target.rows(), options.rank());
        size += down.size() + up.size();
        Place place = new Place(down, up);
        places.put(target.name(), place);
        ordered.add(place);
      }
    }
    this.matrixSize = size;
    this.critic =
        withCritic
            ? Optional.of(ParameterLayout.critic(size, layout.config().hiddenSize()))
            : Optional.empty();
    this.numbers =
        new FlatNumbers(
            base.arithmetic(),
            size + critic.map(c -> c.weight().size() + c.bias().size()).orElse(0L),
            size,
            true);
    try (PointerScope scope = new PointerScope();
        NoGradGuard off = new NoGradGuard()) {
      for (Place place : ordered) {
        draw(place.down(), random);
      }
      bind(layout);
      numbers.changed();
    } catch (RuntimeException | Error e) {
      numbers.close();
      throw e;
    }
  }

  /** The same adapters with gradients of their own. */
  private LoraAdapters(LoraAdapters of) {
    this.base = of.base;
    this.options = of.options;
    this.scale = of.scale;
    this.matrixSize = of.matrixSize;
    this.critic = of.critic;
    this.places.putAll(of.places);
    this.numbers = of.numbers.beside();
    try (PointerScope scope = new PointerScope();
        NoGradGuard off = new NoGradGuard()) {
      bind(base.weights().layout());
    } catch (RuntimeException | Error e) {
      numbers.close();
      throw e;
    }
  }

  @Override
  public LoraAdapters beside() {
    return new LoraAdapters(this);
  }

  private void draw(Parameter down, RandomGenerator random) {
    double deviation = 1 / Math.sqrt(down.columns());
    double[] values = new double[Math.toIntExact(down.columns())];
    for (long row = 0; row < down.rows(); row++) {
      for (int i = 0; i < values.length; i++) {
        values[i] = deviation * random.nextGaussian();
      }
      numbers
          .full()
          .narrow(0, down.offset() + row * down.columns(), down.columns())
          .copy_(Tensors.of(values, values.length));
    }
  }

  private void bind(ParameterLayout layout) {
    for (int layer = 0; layer < layout.blocks(); layer++) {
      for (LoraProjection projection : options.projections()) {
        Place place = place(layout.matrices(layer).get(projection.ordinal())).orElseThrow();
        adapters
            .computeIfAbsent(
                projection.product(base.weights().network().blocks().get(layer)),
                product -> new ArrayList<>())
            .add(
                new Adapter(
                    numbers.productLeaf(place.down()),
                    numbers.productLeaf(place.up()),
                    projection.firstRow(layout.config())));
      }
    }
  }

  private Optional<Place> place(Parameter target) {
    return Optional.ofNullable(places.get(target.name()));
  }

  @Override
  public Products products() {
    return (x, weight) -> {
      Tensor own = torch.linear(x, weight);
      List<Adapter> added = adapters.get(weight);
      return added == null ? own : adapted(x, own, added);
    };
  }

  private Tensor adapted(Tensor x, Tensor own, List<Adapter> added) {
    TensorVector parts = new TensorVector();
    long done = 0;
    for (Adapter adapter : added) {
      if (adapter.firstRow() > done) {
        parts.push_back(own.narrow(-1, done, adapter.firstRow() - done));
      }
      Tensor delta = torch.linear(torch.linear(x, adapter.down()), adapter.up());
      long rows = delta.size(-1);
      parts.push_back(own.narrow(-1, adapter.firstRow(), rows).add(delta.mul(new Scalar(scale))));
      done = adapter.firstRow() + rows;
    }
    long width = own.size(-1);
    if (done < width) {
      parts.push_back(own.narrow(-1, done, width - done));
    }
    return parts.size() == 1 ? parts.get(0) : torch.cat(parts, -1);
  }

  @Override
  public Tensor flat() {
    return numbers.full();
  }

  @Override
  public long decayedSize() {
    return matrixSize;
  }

  @Override
  public long criticSize() {
    return numbers.full().numel() - matrixSize;
  }

  @Override
  public Tensor flatGradients() {
    return numbers.gradients();
  }

  @Override
  public void collectGradients() {
    numbers.collectGradients();
  }

  @Override
  public void clearGradients() {
    numbers.clearGradients();
  }

  @Override
  public void changed() {
    numbers.changed();
  }

  @Override
  public Optional<Tensor> headGradients() {
    return Optional.empty();
  }

  @Override
  public Optional<ValueHead> critic() {
    return critic.map(c -> new ValueHead(numbers.full(), numbers.gradients(), c));
  }

  @Override
  public Map<String, String> kind() {
    Map<String, String> kind = new TreeMap<>();
    kind.put("config", base.config().toString());
    kind.put("arithmetic", base.arithmetic().name());
    kind.put("adapters", "rank %d on %s".formatted(options.rank(), options.projections()));
    kind.put("alpha", Double.toString(options.alpha()));
    kind.put("base_sha256", base.weightsSha256());
    critic.ifPresent(c -> kind.put("critic", "true"));
    return kind;
  }

  /** The base's weights, read again in 32 bits from its folder, with the adapters added. */
  @Override
  public List<Content> contents(Tensor flat, WeightType type) {
    WeightFiles files = WeightFiles.open(base.folder());
    List<Content> contents = new ArrayList<>();
    for (Parameter parameter : base.weights().layout().parameters()) {
      contents.add(
          new Content(
              parameter.name(),
              type,
              parameter.shape(),
              piece ->
                  files.readFinite(
                      parameter.name(),
                      parameter.shape(),
                      (values, count, at) -> {
                        addAdapter(flat, parameter, values, count, at);
                        piece.take(values, count, at);
                      })));
    }
    return contents;
  }

  /**
   * Makes W + (α/r)·B·A of a piece of W, of whose rows only those are computed.
   *
   * @param at index of the first number of the piece
   */
  private void addAdapter(Tensor flat, Parameter parameter, float[] values, int count, long at) {
    Place place = places.get(parameter.name());
    if (place == null) {
      return;
    }
    long firstRow = at / parameter.columns();
    long lastRow = (at + count - 1) / parameter.columns();
    try (PointerScope scope = new PointerScope();
        NoGradGuard off = new NoGradGuard()) {
      Tensor down = FlatNumbers.shaped(flat, place.down());
      Tensor up = FlatNumbers.shaped(flat, place.up()).narrow(0, firstRow, lastRow - firstRow + 1);
      float[] delta = Tensors.floats(up.mm(down).mul(new Scalar(scale)));
      int before = (int) (at - firstRow * parameter.columns());
      for (int i = 0; i < count; i++) {
        values[i] += delta[before + i];
      }
    }
  }

  @Override
  public void requireSaveable(Path folder) throws IOException {
    if (Files.exists(folder) && Files.isSameFile(folder, base.folder())) {
      throw new IllegalArgumentException(
          "folder: %s (expected: another than the adapters' base, which is read meanwhile)"
              .formatted(folder));
    }
    requireUnchanged();
  }

  @Override
  public void requireUnchanged() {
    base.requireUnchanged();
  }

  @Override
  public void close() {
    numbers.close();
  }
}
