package io.ballast.inference.brought;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.inference.api.TokenIds;
import io.ballast.inference.brought.TritonModel.RowTensors;
import io.ballast.inference.onnx.EncodingOutcome;
import io.ballast.inference.onnx.FeatureVector;
import io.ballast.inference.onnx.Refusal;
import io.ballast.inference.triton.GuardedModel;
import io.ballast.inference.triton.InferAnswer;
import io.ballast.inference.triton.InferRequest;
import io.ballast.inference.triton.ModelDescription;
import io.ballast.inference.triton.ModelDescription.TensorPromise;
import io.ballast.inference.triton.Tensor;
import io.ballast.inference.triton.TensorType;
import io.ballast.kit.call.CallPatience;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;

/** A classifier on Tritons. Its rows are tokens or, where it reads texts, their bytes in UTF-8. */
final class TritonClassifier implements Classifier {
  /** Nothing is told of it; what is too long for the model it refuses itself. */
  private static final int MAX_TOKENS = 1 << 16;

  private static final int MOST_ROWS = 64;
  private static final Set<TensorType> WHOLE = Set.of(TensorType.INT64, TensorType.INT32);
  private static final Set<TensorType> NUMBERS =
      Set.of(TensorType.FP32, TensorType.FP16, TensorType.FP64);

  private final TritonModel model;
  private final GuardedModel remote;
  private final TensorType type;
  private final int dimensions;
  private final int maxRows;
  private final int labels;

  private TritonClassifier(TritonModel model, String at, GuardedModel remote) {
    this.model = model;
    this.remote = remote;
    ModelDescription told = remote.describe();
    TensorPromise input =
        switch (model.input()) {
          case RowTensors.Text(String text) ->
              promise(at + "text", told.inputs(), text, Set.of(TensorType.BYTES));
          case RowTensors.Ids ids -> {
            TensorPromise promise = promise(at + "ids", told.inputs(), ids.ids(), WHOLE);
            ids.mask()
                .ifPresent(
                    mask -> promise(at + "mask", told.inputs(), mask, Set.of(promise.type())));
            yield promise;
          }
        };
    TensorPromise output = promise(at + "output", told.outputs(), model.output(), NUMBERS);
    this.type = input.type();
    this.dimensions = input.shape().size();
    List<Long> shape = output.shape();
    long numbers = shape.stream().skip(1).reduce(1L, (a, b) -> a < 0 || b < 0 ? -1 : a * b);
    boolean rows = model.readsTexts() ? dimensions == 1 || dimensions == 2 : dimensions == 2;
    if (numbers < 1 || !rows || told.decoupled()) {
      throw new ModelException(
          Reason.INVALID_FOLDER,
          "%soutput: '%s' of shape %s for '%s' of shape %s (expected: rows, each of as many numbers as the shape says)"
              .formatted(at, output.name(), shape, input.name(), input.shape()));
    }
    this.labels = (int) numbers;
    boolean batches = told.maxBatchSize() > 0 || input.shape().getFirst() < 0;
    this.maxRows =
        !batches
            ? 1
            : told.maxBatchSize() > 0 ? Math.min(MOST_ROWS, told.maxBatchSize()) : MOST_ROWS;
  }

  /**
   * Asks what the model takes and gives.
   *
   * @param at where the model stands in its manifest, such as {@code members[0].triton.}
   * @param remote closed with this
   * @throws ModelException INVALID_FOLDER if it has no such tensors, or of other types; named
   * @throws io.ballast.kit.error.MeshException DEPENDENCY_DOWN if it is not reached
   */
  static TritonClassifier open(TritonModel model, String at, GuardedModel remote) {
    try {
      return new TritonClassifier(model, at, remote);
    } catch (RuntimeException e) {
      remote.close();
      throw e;
    }
  }

  private static TensorPromise promise(
      String field, List<TensorPromise> tensors, String name, Set<TensorType> types) {
    TensorPromise found =
        tensors.stream()
            .filter(tensor -> tensor.name().equals(name))
            .findFirst()
            .orElseThrow(
                () ->
                    new ModelException(
                        Reason.INVALID_FOLDER,
                        "%s: '%s' (expected: one of %s)"
                            .formatted(
                                field, name, tensors.stream().map(TensorPromise::name).toList())));
    if (!types.contains(found.type())) {
      throw new ModelException(
          Reason.INVALID_FOLDER,
          "%s: '%s' is %s (expected: %s)"
              .formatted(field, name, found.type(), types.stream().sorted().toList()));
    }
    return found;
  }

  @Override
  public int labels() {
    return labels;
  }

  @Override
  public int maxTokens() {
    return MAX_TOKENS;
  }

  @Override
  public int vocabularySize() {
    return Integer.MAX_VALUE;
  }

  @Override
  public Optional<String> noneReady() {
    return remote.noneReady();
  }

  @Override
  public List<EncodingOutcome> outputs(List<TokenIds> rows, CallPatience callers) {
    List<List<Integer>> batches = batches(rows);
    List<InferAnswer> answers =
        remote.infer(
            batches.stream().map(batch -> request(batch.stream().map(rows::get).toList())).toList(),
            callers);
    EncodingOutcome[] outcomes = new EncodingOutcome[rows.size()];
    for (int i = 0; i < batches.size(); i++) {
      List<Integer> batch = batches.get(i);
      float[] numbers = numbers(answers.get(i).output(model.output()), batch.size());
      for (int b = 0; b < batch.size(); b++) {
        float[] own = new float[labels];
        System.arraycopy(numbers, b * labels, own, 0, labels);
        outcomes[batch.get(b)] = outcome(own);
      }
    }
    return List.of(outcomes);
  }

  /** Rows that share a request: of one length where nothing tells padding from tokens. */
  private List<List<Integer>> batches(List<TokenIds> rows) {
    boolean alike = model.input() instanceof RowTensors.Ids ids && ids.mask().isEmpty();
    List<Integer> byLength =
        IntStream.range(0, rows.size())
            .boxed()
            .sorted(Comparator.comparingInt(i -> rows.get(i).size()))
            .toList();
    List<List<Integer>> batches = new ArrayList<>();
    List<Integer> batch = new ArrayList<>();
    for (int i : byLength) {
      boolean other =
          !batch.isEmpty() && alike && rows.get(batch.getFirst()).size() != rows.get(i).size();
      if (batch.size() == maxRows || other) {
        batches.add(List.copyOf(batch));
        batch.clear();
      }
      batch.add(i);
    }
    if (!batch.isEmpty()) {
      batches.add(List.copyOf(batch));
    }
    return batches;
  }

  private InferRequest request(List<TokenIds> rows) {
    InferRequest.Builder request = InferRequest.of(model.served()).output(model.output());
    long count = rows.size();
    switch (model.input()) {
      case RowTensors.Text(String text) ->
          request.input(
              Tensor.bytes(
                  text,
                  dimensions == 1 ? List.of(count) : List.of(count, 1L),
                  rows.stream().map(TextBytes::bytes).toList()));
      case RowTensors.Ids ids -> {
        int longest = rows.stream().mapToInt(TokenIds::size).max().orElseThrow();
        long[] values = new long[rows.size() * longest];
        long[] mask = new long[values.length];
        for (int b = 0; b < rows.size(); b++) {
          for (int t = 0; t < rows.get(b).size(); t++) {
            values[b * longest + t] = rows.get(b).get(t);
            mask[b * longest + t] = 1;
          }
        }
        List<Long> shape = List.of(count, (long) longest);
        request.input(Tensor.integers(ids.ids(), type, shape, values));
        ids.mask().ifPresent(name -> request.input(Tensor.integers(name, type, shape, mask)));
      }
    }
    return request.build();
  }

  private float[] numbers(Tensor output, int rows) {
    float[] numbers;
    if (output.type() == TensorType.FP64) {
      double[] wide = output.doubles();
      numbers = new float[wide.length];
      for (int i = 0; i < wide.length; i++) {
        numbers[i] = (float) wide[i];
      }
    } else {
      numbers = output.floats();
    }
    if (numbers.length != rows * labels) {
      throw new ModelException(
          Reason.BROKEN,
          "%s: %,d numbers for %,d rows (expected: %d a row)"
              .formatted(model.output(), numbers.length, rows, labels));
    }
    return numbers;
  }

  private static EncodingOutcome outcome(float[] outputs) {
    for (int k = 0; k < outputs.length; k++) {
      if (!Float.isFinite(outputs[k])) {
        return new Refusal(
            Refusal.Reason.NOT_FINITE, "outputs[" + k + "]: " + outputs[k] + " (expected: finite)");
      }
    }
    return new EncodingOutcome.Encoded(FeatureVector.of(outputs));
  }

  @Override
  public void close() {
    remote.close();
  }
}
