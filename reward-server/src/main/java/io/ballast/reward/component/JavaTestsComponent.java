package io.ballast.reward.component;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.ballast.kit.call.ItemFault;
import io.ballast.kit.call.Texts;
import io.ballast.reward.core.ComponentOutcome;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Function;

/**
 * Whether the completion passes unit tests that the caller sends: compiled together and run in a
 * process of their own, within limits. A test is a static method without parameters whose name
 * begins with {@code test}; it passes if it returns. What does not compile, ends before its tests
 * do, or takes more CPU time, memory or threads than it may while they run has not passed; what
 * could not be run, or not to its end in time, has no value.
 */
public final class JavaTestsComponent implements ItemComponent {
  private static final int SHOWN_CHARACTERS = 200;
  private static final int KEPT_CHARACTERS = 4 << 20;

  private final String reference;
  private final boolean continuation;
  private final boolean share;
  private final Function<String, Optional<String>> parser;

  /** What is wrong with tests, by their text: the completions of a prompt bring the same. */
  private final Cache<String, Optional<String>> flaws =
      Caffeine.newBuilder()
          .maximumWeight(KEPT_CHARACTERS)
          .weigher((String tests, Optional<String> flaw) -> tests.length())
          .build();

  /** What a completion is. */
  private enum Form {
    FILE,
    CONTINUATION
  }

  /** What the value is. */
  private enum Value {
    ALL,
    SHARE
  }

  private JavaTestsComponent(String reference, boolean continuation, boolean share) {
    this(reference, continuation, share, tests -> JavaSyntax.flaw(tests, unit -> null));
  }

  /**
   * @param reference the name of the tests' source among the item's references
   * @param continuation whether the prompt begins the file
   * @param share whether the value is the share of the tests that passed; else it is 1 only if all
   *     did
   * @param parser says what is wrong with tests
   */
  JavaTestsComponent(
      String reference,
      boolean continuation,
      boolean share,
      Function<String, Optional<String>> parser) {
    this.reference = reference;
    this.continuation = continuation;
    this.share = share;
    this.parser = parser;
  }

  static JavaTestsComponent read(Settings settings) {
    return new JavaTestsComponent(
        settings.textIfGiven("reference").orElse("tests"),
        settings.choice("form", Form.FILE) == Form.CONTINUATION,
        settings.choice("value", Value.ALL) == Value.SHARE);
  }

  @Override
  public boolean waits() {
    return true;
  }

  @Override
  public ComponentOutcome.Value judge(Candidate candidate, Judging judging) throws CannotJudge {
    String tests = candidate.reference(reference);
    String completion = candidate.completion();
    String source = continuation ? candidate.prompt() + completion : completion;
    requireParses(tests, candidate.referencePath(reference));
    return switch (judging.tools().outside().tests().run(source, tests, judging.patience())) {
      case TestReport.Ran ran ->
          new ComponentOutcome.Value(
              share ? (double) ran.passed() / ran.all() : ran.passed() == ran.all() ? 1 : 0,
              detail(ran));
      case TestReport.Failed failed -> new ComponentOutcome.Value(0, line(failed.why()));
      case TestReport.NoTests none ->
          throw new CannotJudge(
              ItemFault.Reason.INVALID_INPUT,
              candidate.referencePath(reference)
                  + ": no test (expected: static methods without parameters, named test…)");
    };
  }

  private void requireParses(String tests, String path) throws CannotJudge {
    try {
      Optional<String> flaw = flaws.get(tests, parser);
      if (flaw.isPresent()) {
        throw new CannotJudge(ItemFault.Reason.INVALID_INPUT, path + ": " + line(flaw.get()));
      }
    } catch (StackOverflowError e) {
      throw new CannotJudge(
          ItemFault.Reason.TOO_LONG, path + ": nested too deeply for the compiler");
    }
  }

  private static String detail(TestReport.Ran ran) {
    String passed = String.format(Locale.ROOT, "%d of %d passed", ran.passed(), ran.all());
    return ran.firstFailure().isEmpty() ? passed : passed + "; " + line(ran.firstFailure());
  }

  private static String line(String text) {
    return Texts.asLine(text, SHOWN_CHARACTERS);
  }
}
