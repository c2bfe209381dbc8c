package io.ballast.inference.onnx;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.OperatorSetIdProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.TensorShapeProto;
import ai.onnx.proto.OnnxMl.TypeProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import com.google.protobuf.ByteString;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Collects the nodes and weights of one ONNX graph, operator set 17. Every operator returns the
 * name of what it makes, to be given to the next.
 */
final class OnnxGraph {
  private static final int OPERATOR_SET = 17;
  private static final int IR_VERSION = 8;
  private static final String ML_DOMAIN = "ai.onnx.ml";
  private static final int ML_OPERATOR_SET = 3;

  private final GraphProto.Builder graph = GraphProto.newBuilder();
  private final Map<String, String> integers = new HashMap<>();
  private boolean usesMl;

  OnnxGraph(String name) {
    graph.setName(name);
  }

  /** Declares an input; a dimension is named, or a number. */
  String input(String name, TensorProto.DataType type, String... dimensions) {
    graph.addInput(value(name, type, dimensions));
    return name;
  }

  /** Declares that {@code value} is an output called {@code name}. */
  void output(String name, String value, String... dimensions) {
    graph.addNode(
        NodeProto.newBuilder().setOpType("Identity").addInput(value).addOutput(name).setName(name));
    graph.addOutput(value(name, TensorProto.DataType.FLOAT, dimensions));
  }

  private static ValueInfoProto value(
      String name, TensorProto.DataType type, String... dimensions) {
    TensorShapeProto.Builder shape = TensorShapeProto.newBuilder();
    for (String dimension : dimensions) {
      TensorShapeProto.Dimension.Builder d = shape.addDimBuilder();
      if (Character.isDigit(dimension.charAt(0))) {
        d.setDimValue(Long.parseLong(dimension));
      } else {
        d.setDimParam(dimension);
      }
    }
    return ValueInfoProto.newBuilder()
        .setName(name)
        .setType(
            TypeProto.newBuilder()
                .setTensorType(
                    TypeProto.Tensor.newBuilder().setElemType(type.getNumber()).setShape(shape)))
        .build();
  }

  /** Adds a weight. */
  String weight(String name, float[] values, long... shape) {
    ByteBuffer bytes = ByteBuffer.allocate(values.length * 4).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(values);
    graph.addInitializer(
        TensorProto.newBuilder()
            .setName(name)
            .setDataType(TensorProto.DataType.FLOAT.getNumber())
            .addAllDims(Arrays.stream(shape).boxed().toList())
            .setRawData(ByteString.copyFrom(bytes)));
    return name;
  }

  /** A number as a tensor without dimensions. */
  String scalar(String name, double value) {
    return weight(name, new float[] {(float) value});
  }

  /** Whole numbers as a vector; equal ones are shared. */
  String integers(long... values) {
    return integers.computeIfAbsent(
        Arrays.toString(values),
        key -> {
          String name = "integers_" + integers.size();
          ByteBuffer bytes = ByteBuffer.allocate(values.length * 8).order(ByteOrder.LITTLE_ENDIAN);
          bytes.asLongBuffer().put(values);
          graph.addInitializer(
              TensorProto.newBuilder()
                  .setName(name)
                  .setDataType(TensorProto.DataType.INT64.getNumber())
                  .addDims(values.length)
                  .setRawData(ByteString.copyFrom(bytes)));
          return name;
        });
  }

  /** Adds an operator without attributes. */
  String apply(String operator, String... inputs) {
    return apply(operator, List.of(), inputs);
  }

  /** Adds an operator with one output. */
  String apply(String operator, List<AttributeProto> attributes, String... inputs) {
    return split(operator, attributes, 1, inputs).getFirst();
  }

  /** Adds an operator with several outputs. */
  List<String> split(
      String operator, List<AttributeProto> attributes, int outputs, String... inputs) {
    String name = operator.toLowerCase(Locale.ROOT) + "_" + graph.getNodeCount();
    NodeProto.Builder node =
        NodeProto.newBuilder()
            .setOpType(operator)
            .setName(name)
            .addAllInput(Arrays.asList(inputs))
            .addAllAttribute(attributes);
    for (int i = 0; i < outputs; i++) {
      node.addOutput(outputs == 1 ? name : name + "_" + i);
    }
    graph.addNode(node);
    return List.copyOf(node.getOutputList());
  }

  /** Adds an operator of the classical machine-learning set, version 3, with one output. */
  String applyMl(String operator, List<AttributeProto> attributes, String... inputs) {
    usesMl = true;
    String name = apply(operator, attributes, inputs);
    graph.getNodeBuilder(graph.getNodeCount() - 1).setDomain(ML_DOMAIN);
    return name;
  }

  String reshape(String x, long... shape) {
    return apply("Reshape", x, integers(shape));
  }

  String transpose(String x, long... permutation) {
    return apply("Transpose", List.of(integersAttribute("perm", permutation)), x);
  }

  String unsqueeze(String x, long axis) {
    return apply("Unsqueeze", x, integers(axis));
  }

  /** Cuts {@code x} along {@code axis} into parts of these lengths. */
  List<String> cut(String x, long axis, long... lengths) {
    return split("Split", List.of(attribute("axis", axis)), lengths.length, x, integers(lengths));
  }

  /** Takes the indices {@code from} to {@code to} (exclusive, clipped) of {@code axis}. */
  String slice(String x, long axis, long from, long to) {
    return apply("Slice", x, integers(from), integers(to), integers(axis));
  }

  String concat(long axis, String... parts) {
    return apply("Concat", List.of(attribute("axis", axis)), parts);
  }

  /** Sums over {@code axis}, which stays with length 1 if {@code keep}. */
  String sum(String x, long axis, boolean keep) {
    return apply("ReduceSum", List.of(attribute("keepdims", keep ? 1 : 0)), x, integers(axis));
  }

  /** Takes rows of {@code table} along its first axis. */
  String gather(String table, String indices) {
    return apply("Gather", table, indices);
  }

  static AttributeProto attribute(String name, long value) {
    return AttributeProto.newBuilder()
        .setName(name)
        .setType(AttributeProto.AttributeType.INT)
        .setI(value)
        .build();
  }

  static AttributeProto integersAttribute(String name, long... values) {
    return integersAttribute(name, Arrays.stream(values).boxed().toList());
  }

  static AttributeProto integersAttribute(String name, List<Long> values) {
    return AttributeProto.newBuilder()
        .setName(name)
        .setType(AttributeProto.AttributeType.INTS)
        .addAllInts(values)
        .build();
  }

  static AttributeProto floatsAttribute(String name, List<Float> values) {
    return AttributeProto.newBuilder()
        .setName(name)
        .setType(AttributeProto.AttributeType.FLOATS)
        .addAllFloats(values)
        .build();
  }

  static AttributeProto textsAttribute(String name, List<String> values) {
    return AttributeProto.newBuilder()
        .setName(name)
        .setType(AttributeProto.AttributeType.STRINGS)
        .addAllStrings(values.stream().map(ByteString::copyFromUtf8).toList())
        .build();
  }

  /** The whole model. */
  ModelProto model() {
    ModelProto.Builder model =
        ModelProto.newBuilder()
            .setIrVersion(IR_VERSION)
            .setProducerName("ballast")
            .addOpsetImport(OperatorSetIdProto.newBuilder().setDomain("").setVersion(OPERATOR_SET))
            .setGraph(graph);
    if (usesMl) {
      model.addOpsetImport(
          OperatorSetIdProto.newBuilder().setDomain(ML_DOMAIN).setVersion(ML_OPERATOR_SET));
    }
    return model.build();
  }
}
