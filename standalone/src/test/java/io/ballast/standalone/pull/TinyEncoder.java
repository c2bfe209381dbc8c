package io.ballast.standalone.pull;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.OperatorSetIdProto;
import ai.onnx.proto.OnnxMl.StringStringEntryProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.TensorShapeProto;
import ai.onnx.proto.OnnxMl.TypeProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * An encoder so small that a person can compute it: a word is a point of the plane, and nothing
 * else happens before pooling. {@code east} is (1, 0), {@code north} (0, 1), {@code west} (−1, 0),
 * {@code up} (0, 0), any other word (3, 4).
 */
public final class TinyEncoder {
  private static final float[] POINTS = {3, 4, 1, 0, 0, 1, -1, 0, 0, 0};

  private TinyEncoder() {}

  /** Writes model.onnx and tokenizer.json, and returns {@code folder}. */
  public static Path write(Path folder) throws IOException {
    Files.createDirectories(folder);
    write(folder.resolve("model.onnx"), points());
    writeTokenizer(folder.resolve("tokenizer.json"));
    return folder;
  }

  /** Writes the model alone, whose points stand in a file of another path. */
  static void writeWithOuterPoints(Path model, String location) throws IOException {
    TensorProto.Builder points = points().setDataLocation(TensorProto.DataLocation.EXTERNAL);
    points.addExternalData(
        StringStringEntryProto.newBuilder().setKey("location").setValue(location));
    write(model, points.clearFloatData());
  }

  /** The points as a file of 32-bit numbers. */
  static byte[] points(ByteOrder order) {
    ByteBuffer bytes = ByteBuffer.allocate(POINTS.length * Float.BYTES).order(order);
    bytes.asFloatBuffer().put(POINTS);
    return bytes.array();
  }

  private static TensorProto.Builder points() {
    TensorProto.Builder points =
        TensorProto.newBuilder()
            .setName("points")
            .setDataType(TensorProto.DataType.FLOAT.getNumber())
            .addDims(POINTS.length / 2)
            .addDims(2);
    for (float number : POINTS) {
      points.addFloatData(number);
    }
    return points;
  }

  private static void write(Path model, TensorProto.Builder points) throws IOException {
    GraphProto.Builder graph =
        GraphProto.newBuilder()
            .setName("tiny")
            .addInput(value("input_ids", TensorProto.DataType.INT64, "B", "T"))
            .addOutput(value("last_hidden_state", TensorProto.DataType.FLOAT, "B", "T", "2"))
            .addNode(
                NodeProto.newBuilder()
                    .setOpType("Gather")
                    .addInput("points")
                    .addInput("input_ids")
                    .addOutput("last_hidden_state")
                    .addAttribute(
                        AttributeProto.newBuilder()
                            .setName("axis")
                            .setType(AttributeProto.AttributeType.INT)
                            .setI(0)));
    try (OutputStream out = Files.newOutputStream(model)) {
      ModelProto.newBuilder()
          .setIrVersion(8)
          .addOpsetImport(OperatorSetIdProto.newBuilder().setVersion(17))
          .setGraph(graph.addInitializer(points))
          .build()
          .writeTo(out);
    }
  }

  private static void writeTokenizer(Path tokenizer) throws IOException {
    Files.writeString(
        tokenizer,
        """
        {"version": "1.0", "truncation": null, "padding": null, "added_tokens": [],
         "normalizer": null, "pre_tokenizer": {"type": "Whitespace"}, "post_processor": null,
         "decoder": null,
         "model": {"type": "WordLevel", "unk_token": "?",
                   "vocab": {"?": 0, "east": 1, "north": 2, "west": 3, "up": 4}}}
        """);
  }

  private static ValueInfoProto value(String name, TensorProto.DataType type, String... shape) {
    TensorShapeProto.Builder dimensions = TensorShapeProto.newBuilder();
    for (String dimension : shape) {
      dimensions.addDim(TensorShapeProto.Dimension.newBuilder().setDimParam(dimension));
    }
    return ValueInfoProto.newBuilder()
        .setName(name)
        .setType(
            TypeProto.newBuilder()
                .setTensorType(
                    TypeProto.Tensor.newBuilder()
                        .setElemType(type.getNumber())
                        .setShape(dimensions)))
        .build();
  }
}
