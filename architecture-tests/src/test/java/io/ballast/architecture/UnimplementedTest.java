package io.ballast.architecture;

import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaModifier;
import io.grpc.MethodDescriptor;
import io.grpc.ServiceDescriptor;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** docs/unimplemented.md lists the RPCs that no server has, all of them and no others. */
class UnimplementedTest {
  private static final Path PAGE = Path.of("..", "docs", "unimplemented.md");
  private static final Pattern ROW = Pattern.compile("^\\| `([\\w.]+/\\w+)` \\| (.*) \\|$");
  private static final String BASE = "ImplBase";

  @Test
  void thePageAndTheServersAgree() throws IOException {
    List<String> listed = rows().map(Row::rpc).sorted().toList();

    assertThat(bases()).as("generated service bases").hasSizeGreaterThan(8);
    assertThat(listed)
        .as("RPCs without a row (add one), and rows of RPCs that are built or gone (delete them)")
        .containsExactlyElementsOf(unimplemented());
  }

  @Test
  void everyRowIsThereOnceAndSaysWhy() throws IOException {
    assertThat(rows().map(Row::rpc)).doesNotHaveDuplicates();
    assertThat(rows()).allSatisfy(row -> assertThat(row.reason).as(row.rpc).isNotBlank());
  }

  @Test
  void whatAServerOverridesCountsAsBuilt() {
    // one that is built and one that is not, so that the comparison cannot agree on nothing
    assertThat(unimplemented())
        .contains("inference.GRPCInferenceService/TraceSetting")
        .doesNotContain("ballast.policy.v1.PolicyService/Suggest");
  }

  /**
   * A row of the page.
   *
   * @param rpc such as inference.GRPCInferenceService/TraceSetting
   */
  private record Row(String rpc, String reason) {}

  private static Stream<Row> rows() throws IOException {
    return Files.readAllLines(PAGE).stream()
        .map(ROW::matcher)
        .filter(Matcher::matches)
        .map(row -> new Row(row.group(1), row.group(2)));
  }

  /** The full names of the RPCs that are declared and that no server overrides, sorted. */
  private static List<String> unimplemented() {
    return bases().stream()
        .flatMap(
            base ->
                service(base).getMethods().stream()
                    .filter(method -> !isOverridden(base, method))
                    .map(MethodDescriptor::getFullMethodName))
        .sorted()
        .toList();
  }

  /** The class that protoc's plug-in generates of each service for its server to extend. */
  static List<JavaClass> bases() {
    return Ballast.CLASSES.stream()
        .filter(c -> c.getPackageName().matches("io\\.ballast\\.([a-z]+\\.v1|kserve\\.v2)"))
        .filter(c -> c.getSimpleName().endsWith(BASE))
        .toList();
  }

  /** What {@code base} is the base of. */
  static ServiceDescriptor service(JavaClass base) {
    try {
      return (ServiceDescriptor)
          Objects.requireNonNull(
              base.getEnclosingClass()
                  .orElseThrow()
                  .reflect()
                  .getMethod("getServiceDescriptor")
                  .invoke(null));
    } catch (NoSuchMethodException | IllegalAccessException | InvocationTargetException e) {
      throw new AssertionError(base.getName() + " is not as protoc-gen-grpc-java makes it", e);
    }
  }

  private static boolean isOverridden(JavaClass base, MethodDescriptor<?, ?> method) {
    String bare = Objects.requireNonNull(method.getBareMethodName());
    String name = Character.toLowerCase(bare.charAt(0)) + bare.substring(1);
    return base.getAllSubclasses().stream()
        .filter(c -> c.getPackageName().matches("io\\.ballast\\.([a-z]+\\.)+grpc(\\..*)?"))
        .filter(c -> !c.getModifiers().contains(JavaModifier.ABSTRACT))
        .anyMatch(c -> declares(c.reflect(), base.reflect(), name));
  }

  /** Whether {@code service} or a class between it and {@code base} has the method itself. */
  private static boolean declares(Class<?> service, Class<?> base, String name) {
    for (Class<?> c = service; c != null && c != base; c = c.getSuperclass()) {
      if (Arrays.stream(c.getDeclaredMethods()).anyMatch(m -> m.getName().equals(name))) {
        return true;
      }
    }
    return false;
  }
}
