package io.ballast.inference.onnx;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.FunctionProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import com.google.protobuf.CodedInputStream;
import com.google.protobuf.WireFormat;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/** Reads which operators an ONNX file uses, without reading its weights into memory. */
final class OperatorNames {
  private static final int DEEPEST = 64;

  private interface Visit {
    void run() throws IOException;
  }

  private OperatorNames() {}

  /**
   * Returns the operators of the file's graph, of the graphs within it (branches, loops) and of the
   * functions that the file defines.
   *
   * @throws IOException if the file cannot be read or is not ONNX
   */
  static Set<String> of(Path model) throws IOException {
    Set<String> names = new TreeSet<>();
    try (var file = Files.newInputStream(model)) {
      CodedInputStream in = CodedInputStream.newInstance(file);
      in.setSizeLimit(Integer.MAX_VALUE);
      visit(
          in,
          Map.of(
              ModelProto.GRAPH_FIELD_NUMBER,
              () -> graph(in, names, 1),
              ModelProto.FUNCTIONS_FIELD_NUMBER,
              () -> within(in, Map.of(FunctionProto.NODE_FIELD_NUMBER, () -> node(in, names, 1)))));
    }
    return names;
  }

  private static void graph(CodedInputStream in, Set<String> names, int depth) throws IOException {
    if (depth > DEEPEST) {
      throw new IOException("graphs within graphs: more than " + DEEPEST);
    }
    within(in, Map.of(GraphProto.NODE_FIELD_NUMBER, () -> node(in, names, depth)));
  }

  private static void node(CodedInputStream in, Set<String> names, int depth) throws IOException {
    Visit graph = () -> graph(in, names, depth + 1);
    within(
        in,
        Map.of(
            NodeProto.OP_TYPE_FIELD_NUMBER,
            () -> names.add(in.readStringRequireUtf8()),
            NodeProto.ATTRIBUTE_FIELD_NUMBER,
            () ->
                within(
                    in,
                    Map.of(
                        AttributeProto.G_FIELD_NUMBER,
                        graph,
                        AttributeProto.GRAPHS_FIELD_NUMBER,
                        graph))));
  }

  /** Visits the fields of the embedded message that comes next. */
  private static void within(CodedInputStream in, Map<Integer, Visit> fields) throws IOException {
    int outer = in.pushLimit(in.readRawVarint32());
    visit(in, fields);
    in.popLimit(outer);
  }

  private static void visit(CodedInputStream in, Map<Integer, Visit> fields) throws IOException {
    for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
      Visit visit = fields.get(WireFormat.getTagFieldNumber(tag));
      if (visit != null && WireFormat.getTagWireType(tag) == WireFormat.WIRETYPE_LENGTH_DELIMITED) {
        visit.run();
      } else {
        in.skipField(tag);
      }
    }
  }
}
