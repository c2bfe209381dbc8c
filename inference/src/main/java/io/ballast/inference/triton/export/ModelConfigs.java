package io.ballast.inference.triton.export;

import com.google.protobuf.TextFormat;
import io.ballast.inference.triton.export.ExportOptions.Backend;
import io.ballast.inference.triton.export.ExportOptions.Batching;
import io.ballast.inference.triton.export.ExportOptions.Queue;
import io.ballast.inference.triton.export.ExportOptions.TimeoutAction;
import io.ballast.kserve.v2.DataType;
import io.ballast.kserve.v2.ModelConfig;
import io.ballast.kserve.v2.ModelDynamicBatching;
import io.ballast.kserve.v2.ModelInput;
import io.ballast.kserve.v2.ModelInstanceGroup;
import io.ballast.kserve.v2.ModelOutput;
import io.ballast.kserve.v2.ModelParameter;
import io.ballast.kserve.v2.ModelQueuePolicy;
import io.ballast.kserve.v2.ModelVersionPolicy;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Makes what a config.pbtxt says. */
final class ModelConfigs {
  /** Threads of one execution; Triton's ONNX Runtime back end reads a parameter of this name. */
  static final String THREADS = "intra_op_thread_count";

  private static final int LANES = 3;
  private static final int INTERACTIVE = 1;

  private ModelConfigs() {}

  /**
   * Begins the configuration of a model that is batched by rows: all but its tensors.
   *
   * @param versions those that serve, and no others
   * @param parameters for whoever runs or asks the model
   */
  static ModelConfig.Builder batched(
      String name, List<Long> versions, ExportOptions options, Map<String, String> parameters) {
    return common(name, versions, options, parameters)
        .setBackend(options.backend().code())
        .setDefaultModelFilename(options.backend() == Backend.PYTHON ? "model.py" : "model.onnx")
        .setMaxBatchSize(options.batching().maxRows())
        .setDynamicBatching(batching(options.batching(), options.queue()));
  }

  /** Begins any configuration. */
  static ModelConfig.Builder common(
      String name, List<Long> versions, ExportOptions options, Map<String, String> parameters) {
    ModelConfig.Builder config =
        ModelConfig.newBuilder()
            .setName(name)
            .setVersionPolicy(
                ModelVersionPolicy.newBuilder()
                    .setSpecific(
                        ModelVersionPolicy.Specific.newBuilder()
                            .addAllVersions(versions.stream().sorted().toList())))
            .addInstanceGroup(
                ModelInstanceGroup.newBuilder()
                    .setCount(options.instances().count())
                    .setKind(
                        switch (options.instances().device()) {
                          case CPU -> ModelInstanceGroup.Kind.KIND_CPU;
                          case GPU -> ModelInstanceGroup.Kind.KIND_GPU;
                        }));
    Map<String, String> all = new TreeMap<>(parameters);
    all.put(THREADS, Integer.toString(options.instances().threads()));
    all.forEach(
        (key, value) ->
            config.putParameters(key, ModelParameter.newBuilder().setStringValue(value).build()));
    return config;
  }

  /** How requests wait and become batches. */
  static ModelDynamicBatching batching(Batching batching, Queue queue) {
    ModelDynamicBatching.Builder made =
        ModelDynamicBatching.newBuilder()
            .addAllPreferredBatchSize(batching.preferredRows())
            .setMaxQueueDelayMicroseconds(micros(batching.longestWait()));
    if (queue.lanes()) {
      made.setPriorityLevels(LANES).setDefaultPriorityLevel(INTERACTIVE);
    }
    if (!queue.isPlain()) {
      made.setDefaultQueuePolicy(
          ModelQueuePolicy.newBuilder()
              .setTimeoutAction(
                  queue.action() == TimeoutAction.DELAY
                      ? ModelQueuePolicy.TimeoutAction.DELAY
                      : ModelQueuePolicy.TimeoutAction.REJECT)
              .setDefaultTimeoutMicroseconds(queue.timeout().map(ModelConfigs::micros).orElse(0L))
              .setAllowTimeoutOverride(queue.timeoutOverride())
              .setMaxQueueSize(queue.maxRequests().orElse(0)));
    }
    return made.build();
  }

  /** A tensor that a model takes; −1 for a dimension of any size. */
  static ModelInput.Builder input(String name, DataType type, long... dimensions) {
    return ModelInput.newBuilder()
        .setName(name)
        .setDataType(type)
        .addAllDims(Arrays.stream(dimensions).boxed().toList());
  }

  /** A tensor that a model gives. */
  static ModelOutput.Builder output(String name, DataType type, long... dimensions) {
    return ModelOutput.newBuilder()
        .setName(name)
        .setDataType(type)
        .addAllDims(Arrays.stream(dimensions).boxed().toList());
  }

  /** The text of a config.pbtxt. */
  static String text(ModelConfig config) {
    return TextFormat.printer().printToString(config);
  }

  private static long micros(Duration duration) {
    return duration.toNanos() / 1_000;
  }
}
