package io.ballast.training.feedback;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.training.data.BadRow;
import io.ballast.training.data.Judgement;
import io.ballast.training.data.JudgementData;
import io.ballast.training.data.PromptText;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What people did becomes what they thought, and nothing that they did not say. */
class FeedbackJudgementsTest {
  private static final Instant NOON = Instant.parse("2026-11-27T12:00:00Z");

  private long row;

  @Test
  void eachActIsAGradeOfItsSuggestion() {
    JudgementData data =
        read(
            FeedbackForm.GRADES,
            act("s1", "ann", "list", "size()", new FeedbackAct.Accepted()),
            act("s2", "ann", "list", "clear()", new FeedbackAct.Rejected()),
            act("s3", "bob", "map", "getKey()", new FeedbackAct.Edited(3, "get(k)")), // 3 of 8
            act("s4", "bob", "map", "put()", new FeedbackAct.Reacted(true)),
            act("s5", "bob", "map", "pop()", new FeedbackAct.Reacted(false)),
            act("s6", "bob", "map", "take()", new FeedbackAct.Rated(4, 1, 5))); // (4 − 1) / 4

    assertThat(data.judgements())
        .extracting(judgement -> ((Judgement.Grade) judgement).grade())
        .containsExactly(1.0, 0.0, 0.375, 1.0, 0.0, 0.75);
    Judgement.Grade first = (Judgement.Grade) data.judgements().getFirst();
    assertThat(first.prompt()).isEqualTo(new PromptText.Plain("list"));
    assertThat(first.completion()).isEqualTo("size()");
    assertThat(first.source().user()).isEqualTo("ann");
    assertThat(first.source().time()).contains(NOON);
    assertThat(first.source().policyVersion()).isEqualTo("java-tiny/1");
    assertThat(data.facts())
        .containsEntry("feedback", "6 events; 6 suggestions of 2 users, at most 500 of one")
        .containsEntry("suggested by", "java-tiny/1 6")
        .doesNotContainKey("feedback left out");
  }

  @Test
  void whatSaysNothingIsNoNegativeJudgement() {
    FeedbackRecord unseen = act("s2", "ann", "list", "clear()", new FeedbackAct.Rejected());
    JudgementData data =
        read(
            FeedbackForm.GRADES,
            act("s1", "ann", "list", "size()", new FeedbackAct.FollowedUp()),
            new FeedbackRecord(
                unseen.row(),
                unseen.suggestionId(),
                unseen.eventId(),
                unseen.user(),
                unseen.policyVersion(),
                unseen.prompt(),
                unseen.completion(),
                false,
                unseen.time(),
                unseen.act()));

    assertThat(data.judgements()).isEmpty();
    assertThat(data.badRowCount()).isZero();
    assertThat(data.facts()).containsEntry("feedback left out", "no judgement 1, not shown 1");
  }

  @Test
  void theLastJudgementOfASuggestionCountsInWhateverOrderTheyCome() {
    FeedbackRecord accepted = act("s1", "ann", "list", "size()", new FeedbackAct.Accepted());
    FeedbackRecord takenBack =
        at(act("s1", "ann", "list", "size()", new FeedbackAct.Rejected()), NOON.plusSeconds(5));

    assertThat(grades(read(FeedbackForm.GRADES, accepted, takenBack))).containsExactly(0.0);
    JudgementData late = read(FeedbackForm.GRADES, takenBack, accepted);
    assertThat(grades(late)).containsExactly(0.0);
    assertThat(late.facts()).containsEntry("feedback left out", "judged anew later 1");
  }

  @Test
  void whoVotesInBulkIsHeardNoMoreThanOthers() {
    FeedbackJudgements judgements =
        new FeedbackJudgements(FeedbackRules.of(FeedbackForm.GRADES).with(3, 100));
    for (int i = 0; i < 50; i++) {
      judgements.add(act("b" + i, "bulk", "p" + i, "c", new FeedbackAct.Accepted()));
    }
    for (int i = 0; i < 5; i++) {
      judgements.add(act("n" + i, "", "p" + i, "c", new FeedbackAct.Accepted()));
    }
    judgements.add(act("a", "ann", "p", "c", new FeedbackAct.Rejected()));
    JudgementData data = judgements.data();

    assertThat(data.judgements())
        .extracting(judgement -> judgement.source().row())
        .as("the last three of each, and who gives no user is one")
        .containsExactly(48L, 49L, 50L, 53L, 54L, 55L, 56L);
    assertThat(data.facts())
        .containsEntry(
            "feedback",
            "56 events; 7 suggestions of 2 users and 3 of nobody in particular, at most 3 of one")
        .containsEntry("feedback left out", "over the limit of one user 49");
  }

  @Test
  void aLogOfAnyLengthIsHeldInBoundedMemory() {
    FeedbackJudgements few =
        new FeedbackJudgements(FeedbackRules.of(FeedbackForm.GRADES).with(500, 10));
    FeedbackJudgements small =
        new FeedbackJudgements(new FeedbackRules(FeedbackForm.GRADES, 500, 1_000, 2_500));
    for (int i = 0; i < 100; i++) {
      FeedbackRecord record =
          act("s" + i, "u" + i, "p".repeat(999), "c", new FeedbackAct.Accepted());
      few.add(record);
      small.add(record);
    }

    assertThat(few.data().judgements()).hasSize(10);
    assertThat(few.data().judgements().getFirst().source().row()).isEqualTo(91);
    assertThat(small.data().judgements()).as("of 1,000 characters each").hasSize(2);
    assertThat(small.data().facts()).containsEntry("feedback left out", "over the limit of all 98");
  }

  @Test
  void onePersonsSuggestionsAtOnePromptMakePairs() {
    JudgementData data =
        read(
            FeedbackForm.PAIRS,
            act("s1", "ann", "list", "size()", new FeedbackAct.Accepted()),
            act("s2", "ann", "list", "clear()", new FeedbackAct.Rejected()),
            act("s3", "bob", "list", "add()", new FeedbackAct.Rejected()),
            act("s4", "bob", "map", "getKey()", new FeedbackAct.Edited(3, "get(k)")),
            act("s5", "bob", "set", "add()", new FeedbackAct.Edited(3, "")));

    assertThat(data.judgements())
        .extracting(judgement -> (Judgement.Pair) judgement)
        .extracting(pair -> pair.chosen() + " > " + pair.rejected())
        .as("bob's judgement of another suggestion is no comparison of ann's")
        .containsExactly("size() > clear()", "get(k) > getKey()");
    assertThat(data.facts()).containsEntry("feedback left out", "nothing to compare with 2");
  }

  @Test
  void charactersKeptAreCountedAsUtf16CodeUnits() {
    // "ok🙂();" has 7 of them, the emoji being two; of code points there are 6
    String completion = "ok🙂();";
    JudgementData data =
        read(
            FeedbackForm.GRADES,
            act("s1", "ann", "list", completion, new FeedbackAct.Edited(4, "")),
            act("s2", "ann", "list", completion, new FeedbackAct.Edited(7, "")),
            act("s3", "ann", "list", completion, new FeedbackAct.Edited(8, "")));

    assertThat(data.judgements())
        .extracting(judgement -> ((Judgement.Grade) judgement).grade())
        .containsExactly(4 / 7.0, 1.0);
    assertThat(data.badRows())
        .extracting(BadRow::toString)
        .containsExactly("row 3: event e3: 8 characters kept of 7");
  }

  @Test
  void pairsOfOnePromptDoNotGrowWithTheSquareOfItsSuggestions() {
    FeedbackJudgements judgements = new FeedbackJudgements(FeedbackRules.of(FeedbackForm.PAIRS));
    for (int i = 0; i < 400; i++) {
      judgements.add(
          act(
              "s" + i,
              "ann",
              "list",
              "c" + i,
              i % 2 == 0 ? new FeedbackAct.Accepted() : new FeedbackAct.Rejected()));
    }
    // of the last 16, 8 accepted and 8 rejected
    assertThat(judgements.data().judgements()).hasSize(64);
  }

  @Test
  void aRecordThatCannotBeIsNamedAndLeftOut() {
    JudgementData data =
        read(
            FeedbackForm.GRADES,
            act("s1", "ann", "list", "", new FeedbackAct.Accepted()),
            act("s2", "ann", "list", "add()", new FeedbackAct.Edited(6, "")),
            act(
                "s3",
                "ann",
                "list",
                "add()",
                new FeedbackAct.Rated(0, -Double.MAX_VALUE, Double.MAX_VALUE)),
            act("s4", "ann", "list", "add()", new FeedbackAct.Accepted()));

    assertThat(data.judgements()).hasSize(1);
    assertThat(data.badRowCount()).isEqualTo(3);
    assertThat(data.badRows())
        .extracting(BadRow::toString)
        .containsExactly(
            "row 1: suggestion s1: empty (expected: at least one character)",
            "row 2: event e2: 6 characters kept of 5",
            "row 3: event e3: rating 0.0 of -1.7976931348623157E308 to 1.7976931348623157E308"
                + " (expected: a scale whose width is a number)");
  }

  @Test
  void theSameFeedbackHasTheSameDigestAndOtherFeedbackAnother() {
    FeedbackRecord record = act("s1", "ann", "list", "size()", new FeedbackAct.Accepted());
    String digest = read(FeedbackForm.GRADES, record).sha256();
    assertThat(digest).hasSize(64).isEqualTo(read(FeedbackForm.GRADES, record).sha256());
    assertThat(read(FeedbackForm.PAIRS, record).sha256()).isNotEqualTo(digest);
    assertThat(read(FeedbackForm.GRADES, at(record, NOON.plusSeconds(1))).sha256())
        .isNotEqualTo(digest);
  }

  @Test
  void boundsThatCannotBeAreNamed() {
    assertThatThrownBy(() -> FeedbackRules.of(FeedbackForm.GRADES).with(0, 5))
        .hasMessage(
            "feedback of one user: 0; suggestions: 5; characters: 100,000,000 (expected: ≥ 1"
                + " each)");
  }

  private static List<Double> grades(JudgementData data) {
    return data.judgements().stream()
        .map(judgement -> ((Judgement.Grade) judgement).grade())
        .toList();
  }

  private static JudgementData read(FeedbackForm form, FeedbackRecord... records) {
    FeedbackJudgements judgements = new FeedbackJudgements(FeedbackRules.of(form));
    for (FeedbackRecord record : records) {
      judgements.add(record);
    }
    return judgements.data();
  }

  private FeedbackRecord act(
      String suggestion, String user, String prompt, String completion, FeedbackAct act) {
    row++;
    return new FeedbackRecord(
        row, suggestion, "e" + row, user, "java-tiny/1", prompt, completion, true, NOON, act);
  }

  private static FeedbackRecord at(FeedbackRecord record, Instant time) {
    return new FeedbackRecord(
        record.row(),
        record.suggestionId(),
        record.eventId(),
        record.user(),
        record.policyVersion(),
        record.prompt(),
        record.completion(),
        record.shown(),
        time,
        record.act());
  }
}
