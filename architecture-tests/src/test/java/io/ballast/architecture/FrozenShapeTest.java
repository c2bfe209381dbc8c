package io.ballast.architecture;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.rl.algorithm.Part;
import io.ballast.rl.algorithm.RecipeSteps;
import io.ballast.rl.objective.Objective;
import java.io.IOException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.Type;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** docs/architecture.md lists the shape that every algorithm has, and rl/ has that shape still. */
class FrozenShapeTest {
  private static final Path PAGE = Path.of("..", "docs", "architecture.md");
  private static final String SECTION = "## What is frozen";
  private static final List<Class<?>> FROZEN =
      List.of(Objective.class, Part.class, RecipeSteps.class);

  /** The listed shape: a method, or the constants of the stages. */
  private static final Pattern LINE = Pattern.compile("[A-Z][\\w.]+(\\(.*\\): | = ).+");

  private static final Pattern PACKAGE = Pattern.compile("\\b([a-z]\\w*\\.)+(?=[A-Z])");

  @Test
  void theShapeIsThatOfThePage() throws IOException {
    assertThat(shape())
        .as(
            "public methods and stages of rl/ beside the list in docs/architecture.md: a change of"
                + " shape is a decision, so write a page in docs/decisions/ that says why the"
                + " papers before it need it, and change the list with it")
        .containsExactlyInAnyOrderElementsOf(listed());
  }

  @Test
  void whatIsComparedIsThere() throws IOException {
    assertThat(listed())
        .contains(
            "Objective.evaluate(Batch): ObjectiveResult",
            "Objective.terms(): List<WeightedSum.Term>",
            "Part.Stage = SOURCE, SHAPING, SELECTOR, ADVANTAGE, OBJECTIVE")
        .hasSizeGreaterThan(10);
  }

  private static List<String> listed() throws IOException {
    String page = Files.readString(PAGE);
    int from = page.indexOf(SECTION + "\n");
    assertThat(from).as(SECTION).isNotNegative();
    int to = page.indexOf("\n## ", from + SECTION.length());
    return page.substring(from, to).lines().filter(LINE.asMatchPredicate()).toList();
  }

  private static List<String> shape() {
    return Stream.concat(
            FROZEN.stream().flatMap(FrozenShapeTest::methods),
            Stream.of("Part.Stage = " + joined(Arrays.stream(Part.Stage.values()).map(Enum::name))))
        .toList();
  }

  private static Stream<String> methods(Class<?> type) {
    return Arrays.stream(type.getDeclaredMethods())
        .filter(method -> Modifier.isPublic(method.getModifiers()))
        .filter(method -> !method.isSynthetic())
        .map(FrozenShapeTest::signature);
  }

  private static String signature(Method method) {
    return "%s.%s(%s): %s"
        .formatted(
            method.getDeclaringClass().getSimpleName(),
            method.getName(),
            joined(Arrays.stream(method.getGenericParameterTypes()).map(FrozenShapeTest::name)),
            name(method.getGenericReturnType()));
  }

  /** As it is written in code that imports it. */
  private static String name(Type type) {
    return PACKAGE.matcher(type.getTypeName()).replaceAll("").replace('$', '.');
  }

  private static String joined(Stream<String> parts) {
    return parts.collect(Collectors.joining(", "));
  }
}
