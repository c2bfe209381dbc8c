package io.ballast.reward.component;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.inference.scoring.Content;
import io.ballast.kit.error.MeshException;
import io.ballast.reward.core.ComponentOutcome;
import io.ballast.reward.core.ScoreItem;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** What the tests' process reports becomes a value, or the reason why there is none. */
class JavaTestsComponentTest {
  private static final Map<String, String> TESTS = Map.of("tests", "class T {}");

  private final List<String> sources = new ArrayList<>();

  @Test
  void allMustPassUnlessTheShareIsWanted() throws CannotJudge {
    TestReport most = new TestReport.Ran(3, 4, "testX: AssertionError");

    assertThat(judge("{'kind': 'java_tests'}", new TestReport.Ran(4, 4, "")))
        .isEqualTo(new ComponentOutcome.Value(1, "4 of 4 passed"));
    assertThat(judge("{'kind': 'java_tests'}", most))
        .isEqualTo(new ComponentOutcome.Value(0, "3 of 4 passed; testX: AssertionError"));
    assertThat(judge("{'kind': 'java_tests', 'value': 'share'}", most).value()).isEqualTo(.75);
    assertThat(judge("{'kind': 'java_tests', 'value': 'share'}", new TestReport.Failed("late")))
        .isEqualTo(new ComponentOutcome.Value(0, "late"));
  }

  @Test
  void aContinuationIsRunWithItsPrompt() throws CannotJudge {
    TestReport ran = new TestReport.Ran(1, 1, "");
    judge("{'kind': 'java_tests', 'form': 'continuation'}", ran);
    judge("{'kind': 'java_tests'}", ran);

    assertThat(sources).containsExactly("class A { int x; }", "int x; }");
  }

  @Test
  void whatIsWrongWithTheTestsIsTheCallersAndNoValue() {
    assertThatThrownBy(() -> judge("{'kind': 'java_tests'}", new TestReport.NoTests()))
        .isInstanceOf(CannotJudge.class)
        .hasMessageStartingWith("items[0].references[\"tests\"]: no test (expected: static");
    assertThatThrownBy(
            () ->
                new OneComponent("{'kind': 'java_tests'}")
                    .value("class A {}", Map.of("tests", "class T {")))
        .isInstanceOf(CannotJudge.class)
        .hasMessageStartingWith("items[0].references[\"tests\"]: line 1: reached end of file");
    assertThatThrownBy(() -> new OneComponent("{'kind': 'java_tests'}").value("class A {}"))
        .hasMessageStartingWith("items[0].references[\"tests\"]: absent");
  }

  @Test
  void theTestsOfManyCompletionsAreParsedOnce() throws CannotJudge {
    List<String> parsed = new ArrayList<>();
    JavaTestsComponent component =
        new JavaTestsComponent(
            "tests",
            false,
            false,
            tests -> {
              parsed.add(tests);
              return JavaSyntax.flaw(tests, unit -> null);
            });
    OneComponent one = new OneComponent("{'kind': 'java_tests'}");
    Outside outside =
        new Outside(
            name -> Optional.empty(), (source, tests, patience) -> new TestReport.Ran(1, 1, ""));

    for (int i = 0; i < 3; i++) {
      one.judge(component, OneComponent.item("class A" + i + " {}", TESTS), outside);
    }
    for (int i = 0; i < 2; i++) {
      assertThatThrownBy(
              () ->
                  one.judge(
                      component,
                      OneComponent.item("class A {}", Map.of("tests", "class T {")),
                      outside))
          .hasMessageContaining("line 1: reached end of file");
    }
    assertThat(parsed).containsExactly("class T {}", "class T {");
  }

  @Test
  void itIsOffUnlessTheOperatorEnablesIt() {
    assertThatThrownBy(() -> new OneComponent("{'kind': 'java_tests'}").value("class A {}", TESTS))
        .isInstanceOf(MeshException.class)
        .hasMessageContaining("ballast.reward.components.java-tests.enabled is false");
  }

  private ComponentOutcome.Value judge(String settings, TestReport report) throws CannotJudge {
    return new OneComponent(settings)
        .judge(
            new ScoreItem(
                "",
                "items[0]",
                new Content.Text("class A { "),
                new Content.Text("int x; }"),
                TESTS),
            new Outside(
                name -> Optional.empty(),
                (source, tests, patience) -> {
                  sources.add(source);
                  return report;
                }));
  }
}
