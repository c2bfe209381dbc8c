package io.ballast.inference.onnx;

import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import com.google.protobuf.CodedInputStream;
import com.google.protobuf.WireFormat;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;

/** Reads which operators an ONNX file uses, without reading its weights into memory. */
final class OperatorNames {
  private interface Visit {
    void run() throws IOException;
  }

  private OperatorNames() {}

  /**
   * Returns the operators of the file's graph; those within subgraphs and functions are not listed.
   *
   * @throws IOException if the file cannot be read or is not ONNX
   */
  static Set<String> of(Path model) throws IOException {
    Set<String> names = new TreeSet<>();
    try (var file = Files.newInputStream(model)) {
      CodedInputStream in = CodedInputStream.newInstance(file);
      in.setSizeLimit(Integer.MAX_VALUE);
      Visit operator = () -> names.add(in.readStringRequireUtf8());
      Visit node = () -> within(in, NodeProto.OP_TYPE_FIELD_NUMBER, operator);
      Visit graph = () -> within(in, GraphProto.NODE_FIELD_NUMBER, node);
      visit(in, ModelProto.GRAPH_FIELD_NUMBER, graph);
    }
    return names;
  }

  /** Visits the fields of the embedded message that comes next. */
  private static void within(CodedInputStream in, int field, Visit visit) throws IOException {
    int outer = in.pushLimit(in.readRawVarint32());
    visit(in, field, visit);
    in.popLimit(outer);
  }

  private static void visit(CodedInputStream in, int field, Visit visit) throws IOException {
    int wanted = field << 3 | WireFormat.WIRETYPE_LENGTH_DELIMITED;
    for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
      if (tag == wanted) {
        visit.run();
      } else {
        in.skipField(tag);
      }
    }
  }
}
