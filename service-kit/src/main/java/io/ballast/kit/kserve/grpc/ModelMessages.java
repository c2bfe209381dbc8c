package io.ballast.kit.kserve.grpc;

import io.ballast.kit.kserve.Datatype;
import io.ballast.kit.kserve.ModelSignature;
import io.ballast.kit.kserve.ModelState;
import io.ballast.kit.kserve.ServedModel;
import io.ballast.kit.kserve.TensorSpec;
import io.ballast.kserve.v2.DataType;
import io.ballast.kserve.v2.ModelConfig;
import io.ballast.kserve.v2.ModelDynamicBatching;
import io.ballast.kserve.v2.ModelInput;
import io.ballast.kserve.v2.ModelMetadataResponse;
import io.ballast.kserve.v2.ModelMetadataResponse.TensorMetadata;
import io.ballast.kserve.v2.ModelOutput;
import io.ballast.kserve.v2.ModelParameter;
import io.ballast.kserve.v2.ModelQueuePolicy;
import io.ballast.kserve.v2.ModelTransactionPolicy;
import io.ballast.kserve.v2.ModelVersionPolicy;
import io.ballast.kserve.v2.RepositoryIndexResponse.ModelIndex;
import java.util.List;

/** What models are, as messages. */
final class ModelMessages {
  /** What runs every model here. */
  private static final String BACKEND = "ballast";

  /** The lanes: a person waits, a training loop waits, nobody waits. */
  private static final int PRIORITY_LEVELS = 3;

  private ModelMessages() {}

  static ModelMetadataResponse metadata(ServedModel model, List<String> versions) {
    ModelSignature signature = model.signature();
    ModelMetadataResponse.Builder metadata =
        ModelMetadataResponse.newBuilder()
            .setName(model.id().model())
            .addAllVersions(versions)
            .setPlatform(BACKEND);
    signature.inputs().forEach(input -> metadata.addInputs(tensor(input, signature)));
    signature.outputs().forEach(output -> metadata.addOutputs(tensor(output, signature)));
    return metadata.build();
  }

  private static TensorMetadata tensor(TensorSpec spec, ModelSignature signature) {
    TensorMetadata.Builder tensor =
        TensorMetadata.newBuilder().setName(spec.name()).setDatatype(spec.datatype().name());
    if (signature.maxBatchSize() > 0) {
      tensor.addShape(-1);
    }
    return tensor.addAllShape(spec.dims()).build();
  }

  static ModelConfig config(ServedModel model) {
    ModelSignature signature = model.signature();
    ModelConfig.Builder config =
        ModelConfig.newBuilder()
            .setName(model.id().model())
            .setBackend(BACKEND)
            .setVersionPolicy(
                ModelVersionPolicy.newBuilder().setAll(ModelVersionPolicy.All.getDefaultInstance()))
            .setMaxBatchSize(signature.maxBatchSize())
            .setDynamicBatching(
                ModelDynamicBatching.newBuilder()
                    .setPriorityLevels(PRIORITY_LEVELS)
                    .setDefaultPriorityLevel(1)
                    .setDefaultQueuePolicy(
                        ModelQueuePolicy.newBuilder().setAllowTimeoutOverride(true)))
            .setModelTransactionPolicy(
                ModelTransactionPolicy.newBuilder().setDecoupled(signature.decoupled()))
            .putParameters("version", parameter(model.id().version()))
            .putParameters("weights_sha256", parameter(model.id().weightsSha256()));
    signature.parameters().forEach((name, value) -> config.putParameters(name, parameter(value)));
    for (TensorSpec input : signature.inputs()) {
      config.addInput(
          ModelInput.newBuilder()
              .setName(input.name())
              .setDataType(type(input.datatype()))
              .addAllDims(input.dims())
              .setOptional(input.optional()));
    }
    for (TensorSpec output : signature.outputs()) {
      config.addOutput(
          ModelOutput.newBuilder()
              .setName(output.name())
              .setDataType(type(output.datatype()))
              .addAllDims(output.dims()));
    }
    return config.build();
  }

  private static ModelParameter parameter(String value) {
    return ModelParameter.newBuilder().setStringValue(value).build();
  }

  private static DataType type(Datatype datatype) {
    return switch (datatype) {
      case BOOL -> DataType.TYPE_BOOL;
      case INT32 -> DataType.TYPE_INT32;
      case INT64 -> DataType.TYPE_INT64;
      case UINT32 -> DataType.TYPE_UINT32;
      case FP32 -> DataType.TYPE_FP32;
      case BYTES -> DataType.TYPE_STRING;
    };
  }

  static ModelIndex index(ModelState state) {
    return ModelIndex.newBuilder()
        .setName(state.model())
        .setVersion(state.version())
        .setState(state.ready() ? "READY" : "UNAVAILABLE")
        .setReason(state.reason())
        .build();
  }
}
