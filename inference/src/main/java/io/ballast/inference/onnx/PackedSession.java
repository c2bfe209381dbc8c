package io.ballast.inference.onnx;

import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtLoggingLevel;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.OrtSession.SessionOptions;
import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** A {@link ScoringGraph} in ONNX Runtime. Thread-safe; closing waits for calls under way. */
final class PackedSession implements AutoCloseable {
  private final OrtEnvironment environment;
  private final OrtSession session;
  private final RowPacker packer;
  private final ReadWriteLock life = new ReentrantReadWriteLock();
  private boolean closed;

  /**
   * Opens a model file.
   *
   * @param threads of one call, ≥ 1; more do not spin while they wait
   * @throws ModelException BROKEN if the engine refuses the file
   */
  PackedSession(Path model, PackingOptions packing, int threads) {
    if (threads < 1) {
      throw new IllegalArgumentException("threads: " + threads + " (expected: ≥ 1)");
    }
    packer = new RowPacker(packing);
    try {
      environment = OrtEnvironment.getEnvironment(OrtLoggingLevel.ORT_LOGGING_LEVEL_WARNING);
      environment.setTelemetry(false);
      try (SessionOptions options = new SessionOptions()) {
        options.setIntraOpNumThreads(threads);
        options.setInterOpNumThreads(1);
        options.setMemoryPatternOptimization(false);
        options.addConfigEntry("session.intra_op.allow_spinning", "0");
        session = environment.createSession(model.toString(), options);
      }
    } catch (OrtException e) {
      throw new ModelException(Reason.BROKEN, model + ": " + e.getMessage(), e);
    }
  }

  /**
   * Runs the model over all groups and makes something of each completion.
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
        float[][] ofCompletion = new float[outputs.size()][];
        for (int o = 0; o < outputs.size(); o++) {
          ofCompletion[o] = values.get(o)[m];
        }
        results.get(slot.group()).set(slot.completion(), read.apply(ofCompletion));
      }
    }
    return results.stream()
        .map(row -> row.stream().<T>map(Objects::requireNonNull).toList())
        .toList();
  }

  private List<float[][]> run(PackedRun run, List<String> outputs) {
    life.readLock().lock();
    try {
      if (closed) {
        throw new ModelException(Reason.CLOSED, "the scoring session was closed");
      }
      Map<String, OnnxTensor> inputs = new LinkedHashMap<>();
      try {
        long[] rows = {run.rows(), run.tokens()};
        long[] completions = {run.slots().size(), run.longest()};
        inputs.put(ScoringGraph.INPUT_IDS, tensor(run.inputIds(), rows));
        inputs.put(ScoringGraph.POSITION_IDS, tensor(run.positionIds(), rows));
        inputs.put(
            ScoringGraph.ATTENTION_MASK,
            OnnxTensor.createTensor(
                environment,
                run.attentionMask(),
                new long[] {run.rows(), run.tokens(), run.tokens()},
                OnnxJavaType.BOOL));
        inputs.put(ScoringGraph.PREDICT_INDEX, tensor(run.predictIndex(), completions));
        inputs.put(ScoringGraph.TOKEN_INDEX, tensor(run.tokenIndex(), completions));
        inputs.put(ScoringGraph.TARGETS, tensor(run.targets(), completions));
        inputs.put(
            ScoringGraph.MASK, OnnxTensor.createTensor(environment, run.mask(), completions));
        try (OrtSession.Result result = session.run(inputs, new LinkedHashSet<>(outputs))) {
          List<float[][]> values = new ArrayList<>();
          for (String name : outputs) {
            values.add(rows((OnnxTensor) result.get(name).orElseThrow(), run.slots().size()));
          }
          return values;
        }
      } finally {
        inputs.values().forEach(OnnxTensor::close);
      }
    } catch (OrtException e) {
      throw new ModelException(Reason.BROKEN, "ONNX Runtime: " + e.getMessage(), e);
    } finally {
      life.readLock().unlock();
    }
  }

  private OnnxTensor tensor(LongBuffer values, long[] shape) throws OrtException {
    return OnnxTensor.createTensor(environment, values, shape);
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
    life.writeLock().lock();
    try {
      if (!closed) {
        closed = true;
        session.close();
      }
    } catch (OrtException e) {
      throw new ModelException(Reason.BROKEN, "ONNX Runtime: " + e.getMessage(), e);
    } finally {
      life.writeLock().unlock();
    }
  }
}
