package io.ballast.inference.triton;

import io.ballast.inference.triton.TritonException.Reason;
import io.ballast.kserve.v2.GRPCInferenceServiceGrpc;
import io.ballast.kserve.v2.InferStatistics;
import io.ballast.kserve.v2.ModelStatistics;
import io.ballast.kserve.v2.ModelStatisticsRequest;
import io.ballast.kserve.v2.StatisticDuration;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Counts and times of one version of a model since it was loaded.
 *
 * @param lastInference when the last request arrived; empty: none has
 * @param inferences items inferred: a request of n rows counts n
 * @param executions of the model, however many rows each had
 * @param executionsByRows how many executions had so many rows
 */
public record ModelCounts(
    ServedModel model,
    Optional<Instant> lastInference,
    long inferences,
    long executions,
    Map<Long, Long> executionsByRows,
    Span success,
    Span fail,
    Span queue,
    Span computeInput,
    Span computeInfer,
    Span computeOutput,
    Span cacheHit,
    Span cacheMiss) {

  public ModelCounts {
    executionsByRows = Map.copyOf(executionsByRows);
  }

  /** How often something was done, and how long that took together. */
  public record Span(long count, Duration time) {}

  static List<ModelCounts> ask(Calls calls, Duration deadline, String name, String version) {
    return calls
        .unary(
            GRPCInferenceServiceGrpc.getModelStatisticsMethod(),
            ModelStatisticsRequest.newBuilder().setName(name).setVersion(version).build(),
            deadline,
            name.isEmpty() ? "statistics" : "model '" + name + "'")
        .getModelStatsList()
        .stream()
        .map(ModelCounts::fromWire)
        .toList();
  }

  private static ModelCounts fromWire(ModelStatistics wire) {
    if (wire.getName().isEmpty()) {
      throw new TritonException(Reason.WRONG_ANSWER, "statistics: those of a model without a name");
    }
    InferStatistics times = wire.getInferenceStats();
    Map<Long, Long> byRows = new TreeMap<>();
    wire.getBatchStatsList()
        .forEach(batch -> byRows.put(batch.getBatchSize(), batch.getComputeInfer().getCount()));
    return new ModelCounts(
        new ServedModel(wire.getName(), wire.getVersion()),
        wire.getLastInference() == 0
            ? Optional.empty()
            : Optional.of(Instant.ofEpochMilli(wire.getLastInference())),
        wire.getInferenceCount(),
        wire.getExecutionCount(),
        byRows,
        span(times.getSuccess()),
        span(times.getFail()),
        span(times.getQueue()),
        span(times.getComputeInput()),
        span(times.getComputeInfer()),
        span(times.getComputeOutput()),
        span(times.getCacheHit()),
        span(times.getCacheMiss()));
  }

  private static Span span(StatisticDuration wire) {
    return new Span(wire.getCount(), Duration.ofNanos(wire.getNs()));
  }
}
