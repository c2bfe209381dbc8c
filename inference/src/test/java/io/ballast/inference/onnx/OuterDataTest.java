package io.ballast.inference.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.StringStringEntryProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import io.ballast.inference.api.ModelException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Weights that a graph keeps in another file are read from its own folder, and nowhere else. */
class OuterDataTest {
  @TempDir private Path root;

  @Test
  void aFileBesideTheGraphIsRead() throws IOException {
    Path folder = Files.createDirectory(root.resolve("m"));
    Files.write(folder.resolve("model.onnx_data"), new byte[8]);

    try (GuardedSession session = new GuardedSession(graph(folder, "model.onnx_data"), 1)) {
      assertThat(session.outputs()).containsExactly("y");
    }
  }

  @Test
  void aFileElsewhereIsNot() throws IOException {
    Path folder = Files.createDirectory(root.resolve("m"));
    Path secret = Files.write(root.resolve("secret"), new byte[8]);
    Files.createSymbolicLink(folder.resolve("link"), secret);

    for (String location : List.of("../secret", secret.toString(), "a/../../secret", "link")) {
      Path model = graph(folder, location);
      assertThatThrownBy(() -> new GuardedSession(model, 1).close())
          .as(location)
          .isInstanceOf(ModelException.class);
    }
  }

  /** y = x + two numbers that lie in another file. */
  private static Path graph(Path folder, String location) throws IOException {
    OnnxGraph graph = new OnnxGraph("outer");
    String x = graph.input("x", TensorProto.DataType.FLOAT, "2");
    graph.output("y", graph.apply("Add", x, graph.weight("w", new float[2], 2)), "2");
    ModelProto.Builder model = graph.model().toBuilder();
    TensorProto.Builder weight = model.getGraphBuilder().getInitializerBuilder(0);
    weight.clearRawData().setDataLocation(TensorProto.DataLocation.EXTERNAL);
    for (List<String> entry :
        List.of(List.of("location", location), List.of("offset", "0"), List.of("length", "8"))) {
      weight.addExternalData(
          StringStringEntryProto.newBuilder().setKey(entry.get(0)).setValue(entry.get(1)));
    }
    return Files.write(folder.resolve("model.onnx"), model.build().toByteArray());
  }
}
