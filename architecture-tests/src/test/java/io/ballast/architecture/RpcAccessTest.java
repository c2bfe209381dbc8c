package io.ballast.architecture;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.kit.security.Right;
import io.ballast.kit.security.RpcAccess;
import io.grpc.MethodDescriptor;
import io.grpc.reflection.v1.ServerReflectionGrpc;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Somebody decided of every RPC who may call it, and docs/operations/security.md says so. */
class RpcAccessTest {
  private static final Path PAGE = Path.of("..", "docs", "operations", "security.md");

  @Test
  void everyRpcHasARowAndNoRowIsOfNothing() {
    List<String> served =
        Stream.concat(
                UnimplementedTest.bases().stream().map(UnimplementedTest::service),
                Stream.of(ServerReflectionGrpc.getServiceDescriptor()))
            .flatMap(service -> service.getMethods().stream())
            .map(MethodDescriptor::getFullMethodName)
            .toList();

    assertThat(RpcAccess.rows().keySet()).containsExactlyInAnyOrderElementsOf(served);
    assertThat(RpcAccess.rows()).allSatisfy((rpc, rights) -> assertThat(rights).isNotEmpty());
  }

  @Test
  void thePageHasTheTable() throws IOException {
    List<String> rows = RpcAccess.rows().entrySet().stream().map(RpcAccessTest::row).toList();

    assertThat(
            Files.readAllLines(PAGE).stream()
                .filter(line -> line.matches("^\\| `[\\w.]+/\\w+` \\|.*")))
        .containsExactlyElementsOf(rows);
  }

  private static String row(Map.Entry<String, Set<Right>> of) {
    String rights =
        of.getValue().size() == Right.values().length
            ? "all"
            : of.getValue().stream().sorted().map(Right::label).collect(Collectors.joining(", "));
    return "| `%s` | %s | %s |"
        .formatted(of.getKey(), rights, RpcAccess.isMeshWide(of.getKey()) ? "yes" : "");
  }
}
