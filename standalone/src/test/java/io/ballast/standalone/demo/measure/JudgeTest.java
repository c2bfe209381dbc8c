package io.ballast.standalone.demo.measure;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.standalone.demo.measure.Judge.Asked;
import io.ballast.workshop.corpus.SourceFile;
import io.ballast.workshop.programmer.Outcome;
import io.ballast.workshop.programmer.Position;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The true file judges, and nothing else. */
class JudgeTest {
  private static final String TEXT = "class A {\n  int size() {\n    return count;\n  }\n}\n";
  private static final Position AFTER_RETURN =
      new Position(new SourceFile("a-1", "A.java", TEXT), TEXT.indexOf("count"));

  @Test
  void aSuggestionIsHeldAgainstTheFile() throws Exception {
    try (Judge judge = new Judge(2)) {
      List<Judged> judged =
          judge
              .judge(
                  List.of(
                      new Asked(AFTER_RETURN, "count;", true),
                      new Asked(AFTER_RETURN, "size;", true),
                      new Asked(AFTER_RETURN, "count", false)))
              .get();
      assertThat(judged)
          .extracting(j -> j.judgement().outcome())
          .containsExactly(Outcome.ACCEPTED, Outcome.REJECTED, Outcome.EDITED);
      assertThat(judged).extracting(Judged::breaks).containsExactly(false, false, true);
      assertThat(judged).extracting(Judged::shown).containsExactly(true, true, false);
      // asked again, and shown this time: the same answer, from memory
      List<Judged> again = judge.judge(List.of(new Asked(AFTER_RETURN, "count", true))).get();
      assertThat(again.getFirst().breaks()).isTrue();
      assertThat(again.getFirst().shown()).isTrue();
    }
  }
}
