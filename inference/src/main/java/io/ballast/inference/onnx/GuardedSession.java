package io.ballast.inference.onnx;

import ai.onnxruntime.NodeInfo;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtLoggingLevel;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.OrtSession.SessionOptions;
import ai.onnxruntime.TensorInfo;
import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import java.nio.LongBuffer;
import java.nio.file.Path;
import java.util.Set;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;

/** A session of ONNX Runtime that many threads may use; closing it waits for runs under way. */
final class GuardedSession implements AutoCloseable {
  /** What is done with a session while it cannot be closed. */
  @FunctionalInterface
  interface Use<T> {
    T of(OrtSession session) throws OrtException;
  }

  private final OrtEnvironment environment;
  private final OrtSession session;
  private final ReadWriteLock life = new ReentrantReadWriteLock();
  private boolean closed;

  /**
   * Opens a model file.
   *
   * @param threads of one run, ≥ 1; more do not spin while they wait
   * @throws ModelException BROKEN if the engine refuses the file
   */
  GuardedSession(Path model, int threads) {
    if (threads < 1) {
      throw new IllegalArgumentException("threads: " + threads + " (expected: ≥ 1)");
    }
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

  /** The names of the inputs that a run must be given. */
  Set<String> inputs() {
    return session.getInputNames();
  }

  /** The names of the outputs that a run can be asked for. */
  Set<String> outputs() {
    return session.getOutputNames();
  }

  /**
   * How many dimensions an output of that name has by the graph; 0 if the graph does not say.
   *
   * @throws ModelException BROKEN if the engine fails
   */
  int dimensions(String output) {
    try {
      NodeInfo node = session.getOutputInfo().get(output);
      return node != null && node.getInfo() instanceof TensorInfo tensor
          ? tensor.getShape().length
          : 0;
    } catch (OrtException e) {
      throw new ModelException(Reason.BROKEN, "ONNX Runtime: " + e.getMessage(), e);
    }
  }

  /**
   * Uses the session.
   *
   * @throws ModelException CLOSED after {@link #close}, BROKEN if the engine fails
   */
  <T> T use(Use<T> use) {
    life.readLock().lock();
    try {
      if (closed) {
        throw new ModelException(Reason.CLOSED, "the session was closed");
      }
      return use.of(session);
    } catch (OrtException e) {
      throw new ModelException(Reason.BROKEN, "ONNX Runtime: " + e.getMessage(), e);
    } finally {
      life.readLock().unlock();
    }
  }

  /** Returns a tensor of whole numbers; the caller closes it. */
  OnnxTensor tensor(LongBuffer values, long... shape) throws OrtException {
    return OnnxTensor.createTensor(environment, values, shape);
  }

  OrtEnvironment environment() {
    return environment;
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
