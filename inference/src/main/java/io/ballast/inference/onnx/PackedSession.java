package io.ballast.inference.onnx;

import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.TokenIds;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** A {@link ScoringGraph} in ONNX Runtime. Thread-safe; closing waits for calls under way. */
final class PackedSession implements AutoCloseable {
  private final GuardedSession session;
  private final RowPacker packer;
  private final int contextTokens;

  /**
   * Opens a model file.
   *
   * @param threads of one call, ≥ 1; more do not spin while they wait
   * @throws ModelException BROKEN if the engine refuses the file
   */
  PackedSession(Path model, PackingOptions packing, int threads) {
    packer = new RowPacker(packing);
    contextTokens = packing.contextTokens();
    session = new GuardedSession(model, threads);
  }

  /** The most tokens of a prompt with one completion. */
  int contextTokens() {
    return contextTokens;
  }

  /**
   * Runs the model over all groups and makes something of each completion. One whose numbers are
   * not finite is run once more, alone: in a row attention multiplies its siblings by zero, and
   * zero times NaN is NaN.
   *
   * @param outputs names of the outputs to read
   * @param refused what a refused completion becomes
   * @param read what a completion becomes, given its row of each output; for log-probabilities the
   *     row is as long as the longest completion of its run
   * @return shape [groups][completions of each]
   * @throws ModelException CLOSED, or BROKEN if the engine fails
   */
  <T> List<List<T>> each(
      List<ScoringGroup> groups,
      List<String> outputs,
      Function<Refusal, T> refused,
      Function<float[][], T> read) {
    List<List<@Nullable T>> results = new ArrayList<>();
    for (ScoringGroup group : groups) {
      List<@Nullable T> row = new ArrayList<>();
      for (int i = 0; i < group.completions().size(); i++) {
        Optional<Refusal> refusal = packer.refusal(group, i);
        row.add(refusal.isPresent() ? refused.apply(refusal.get()) : null);
      }
      results.add(row);
    }
    for (PackedRun run : packer.pack(groups)) {
      List<float[][]> values = run(run, outputs);
      for (int m = 0; m < run.slots().size(); m++) {
        RowPacker.Slot slot = run.slots().get(m);
        float[][] ofCompletion = ofSlot(values, m);
        if (run.slots().size() > 1 && !finite(ofCompletion)) {
          ofCompletion = alone(groups.get(slot.group()).prompt(), slot.tokens(), outputs);
        }
        results.get(slot.group()).set(slot.completion(), read.apply(ofCompletion));
      }
    }
    return results.stream()
        .map(row -> row.stream().<T>map(Objects::requireNonNull).toList())
        .toList();
  }

  private float[][] alone(TokenIds prompt, TokenIds completion, List<String> outputs) {
    PackedRun run = packer.pack(List.of(new ScoringGroup(prompt, List.of(completion)))).getFirst();
    return ofSlot(run(run, outputs), 0);
  }

  /** The row of each output that is of one completion. */
  private static float[][] ofSlot(List<float[][]> values, int slot) {
    float[][] ofCompletion = new float[values.size()][];
    for (int o = 0; o < ofCompletion.length; o++) {
      ofCompletion[o] = values.get(o)[slot];
    }
    return ofCompletion;
  }

  private static boolean finite(float[][] rows) {
    for (float[] row : rows) {
      for (float value : row) {
        if (!Float.isFinite(value)) {
          return false;
        }
      }
    }
    return true;
  }

  private List<float[][]> run(PackedRun run, List<String> outputs) {
    return session.use(
        open -> {
          Map<String, OnnxTensor> inputs = new LinkedHashMap<>();
          try {
            lay(run, inputs);
            try (OrtSession.Result result = open.run(inputs, new LinkedHashSet<>(outputs))) {
              List<float[][]> values = new ArrayList<>();
              for (String name : outputs) {
                values.add(rows((OnnxTensor) result.get(name).orElseThrow(), run.slots().size()));
              }
              return values;
            }
          } finally {
            inputs.values().forEach(OnnxTensor::close);
          }
        });
  }

  private void lay(PackedRun run, Map<String, OnnxTensor> inputs) throws OrtException {
    long[] rows = {run.rows(), run.tokens()};
    long[] completions = {run.slots().size(), run.longest()};
    inputs.put(ScoringGraph.INPUT_IDS, session.tensor(run.inputIds(), rows));
    inputs.put(ScoringGraph.POSITION_IDS, session.tensor(run.positionIds(), rows));
    inputs.put(
        ScoringGraph.ATTENTION_MASK,
        OnnxTensor.createTensor(
            session.environment(),
            run.attentionMask(),
            new long[] {run.rows(), run.tokens(), run.tokens()},
            OnnxJavaType.BOOL));
    inputs.put(ScoringGraph.PREDICT_INDEX, session.tensor(run.predictIndex(), completions));
    inputs.put(ScoringGraph.TOKEN_INDEX, session.tensor(run.tokenIndex(), completions));
    inputs.put(ScoringGraph.TARGETS, session.tensor(run.targets(), completions));
    inputs.put(
        ScoringGraph.MASK, OnnxTensor.createTensor(session.environment(), run.mask(), completions));
  }

  private static float[][] rows(OnnxTensor tensor, int count) {
    FloatBuffer values = tensor.getFloatBuffer();
    float[][] rows = new float[count][values.remaining() / count];
    for (float[] row : rows) {
      values.get(row);
    }
    return rows;
  }

  @Override
  public void close() {
    session.close();
  }
}
