package io.ballast.standalone.cli;

import io.ballast.mesh.v1.FailureReason;
import io.ballast.mesh.v1.ItemFailure;
import io.ballast.mesh.v1.TextOrTokens;
import io.ballast.mesh.v1.TokenSequence;
import io.ballast.reward.v1.Aggregation;
import io.ballast.reward.v1.GoldenScore;
import io.ballast.reward.v1.MemberScore;
import io.ballast.reward.v1.ScoreItem;
import io.ballast.reward.v1.ScoreResponse;
import io.ballast.reward.v1.ScoreResult;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

/**
 * The items that an examination sends, in the form that an ensemble reads.
 *
 * @param good items that should have a reward, of many lengths; at least one
 * @param bad items that must not
 * @param tooLong how many items more the ensemble has no room for
 * @param narrowest the member that has no room for most of these, such as {@code member 1,
 *     judge/3}; empty if none is too long, or for the ensemble as a whole
 */
record ProbeItems(List<ScoreItem> good, List<Bad> bad, int tooLong, String narrowest) {
  private static final List<String> PROMPTS =
      List.of(
          "",
          "int ",
          "The answer is",
          "for (int i = 0; i < ",
          "/** Returns the sum of the values. */\nint sum(int[] values) {\n  ");
  private static final List<String> COMPLETIONS =
      List.of(
          ";",
          "a = 1;",
          " forty-two, and nothing else.",
          "n; i++) {\n  total += i;\n}",
          "return java.util.Arrays.stream(values).sum();\n}\n",
          "x".repeat(3) + " ".repeat(5) + "é 汉 🙂");

  /** One more than a server may be told to take: bytes of a text, and tokens. */
  private static final int TOO_MANY = (1 << 20) + 1;

  /** What helps if most items are too long. */
  static final String MORE_ROOM =
      "most of what people write will have no reward: raise max_tokens in its manifest, or bring a"
          + " model that reads more";

  /** At most so many of an ensemble's own golden items are recombined. */
  private static final int GOLDEN_PARTS = 5;

  ProbeItems {
    good = List.copyOf(good);
    bad = List.copyOf(bad);
  }

  /** An item that must fail, and why. */
  record Bad(ScoreItem item, FailureReason reason) {}

  /**
   * Those that an ensemble reads: texts, unless it reads tokens only; then what its golden items
   * are made of. What is too long for it, or for a member, is left out.
   */
  static ProbeItems of(RewardProbe probe) {
    ProbeItems texts = ofTexts();
    ScoreResponse answer = probe.score(texts.good(), Aggregation.getDefaultInstance());
    boolean refused =
        answer.getResults(0).getFailure().getReason() == FailureReason.FAILURE_REASON_INVALID_INPUT;
    if (refused && answer.hasAggregation()) {
      List<GoldenScore> golden = probe.golden().getItemsList();
      if (!golden.isEmpty() && golden.getFirst().getItem().getCompletion().hasTokens()) {
        ProbeItems tokens = ofTokens(golden);
        return tokens.fitting(probe.score(tokens.good(), Aggregation.getDefaultInstance()));
      }
    }
    return texts.fitting(answer);
  }

  /** Those that are not too long, or all if all are: the ensemble is then of no use. */
  private ProbeItems fitting(ScoreResponse answer) {
    List<ScoreItem> fitting = new ArrayList<>();
    for (int i = 0; i < good.size(); i++) {
      if (!isTooLong(answer.getResults(i))) {
        fitting.add(good.get(i));
      }
    }
    return fitting.isEmpty()
        ? this
        : new ProbeItems(fitting, bad, good.size() - fitting.size(), narrowest(answer));
  }

  private static boolean isTooLong(ScoreResult result) {
    return isTooLong(result.getFailure())
        || result.getMembersList().stream().anyMatch(member -> isTooLong(member.getFailure()));
  }

  private static boolean isTooLong(ItemFailure failure) {
    return failure.getReason() == FailureReason.FAILURE_REASON_TOO_LONG;
  }

  private static String narrowest(ScoreResponse answer) {
    Map<String, Integer> tooLong = new LinkedHashMap<>();
    for (ScoreResult result : answer.getResultsList()) {
      for (int k = 0; k < result.getMembersCount(); k++) {
        MemberScore member = result.getMembers(k);
        if (isTooLong(member.getFailure())) {
          String name = "member %d, %s".formatted(k, ModelOptions.text(member.getModelVersion()));
          tooLong.merge(name, 1, Integer::sum);
        }
      }
    }
    return tooLong.entrySet().stream()
        .max(Map.Entry.comparingByValue())
        .map(Map.Entry::getKey)
        .orElse("");
  }

  /** What is left out, to be said behind other things; empty if nothing is. */
  String leftOut() {
    return tooLong == 0
        ? ""
        : "; too short for %d of %d items that doctor would ask about%s"
            .formatted(tooLong, good.size() + tooLong, narrowest.isEmpty() ? "" : ": " + narrowest);
  }

  /** Whether there is no room for more than half of the items. */
  boolean mostAreTooLong() {
    return tooLong > good.size();
  }

  /** Texts: each of some prompts with each of some completions. */
  static ProbeItems ofTexts() {
    return of(
        PROMPTS.stream().map(ProbeItems::text).toList(),
        COMPLETIONS.stream().map(ProbeItems::text).toList(),
        text(""),
        text("word ".repeat(TOO_MANY / 5 + 1)));
  }

  /**
   * Tokens, for an ensemble that reads no texts: ids that it knows are those of its golden items.
   *
   * @param golden at least one, in tokens
   */
  static ProbeItems ofTokens(List<GoldenScore> golden) {
    Set<TextOrTokens> prompts = new LinkedHashSet<>();
    Set<TextOrTokens> completions = new LinkedHashSet<>();
    golden.stream()
        .limit(GOLDEN_PARTS)
        .forEach(
            kept -> {
              prompts.add(kept.getItem().getPrompt());
              completions.add(kept.getItem().getCompletion());
            });
    int known =
        golden.stream()
            .flatMap(kept -> Stream.of(kept.getItem().getPrompt(), kept.getItem().getCompletion()))
            .flatMap(content -> content.getTokens().getTokenIdsList().stream())
            .findFirst()
            .orElse(0); // which every vocabulary has
    completions.removeIf(completion -> completion.getTokens().getTokenIdsCount() == 0);
    if (completions.isEmpty()) {
      completions.add(tokens(List.of(known)));
    }
    return of(
        List.copyOf(prompts),
        List.copyOf(completions),
        tokens(List.of()),
        tokens(Collections.nCopies(TOO_MANY, known)));
  }

  private static ProbeItems of(
      List<TextOrTokens> prompts,
      List<TextOrTokens> completions,
      TextOrTokens empty,
      TextOrTokens tooLong) {
    List<ScoreItem> good = new ArrayList<>();
    for (TextOrTokens prompt : prompts) {
      for (TextOrTokens completion : completions) {
        good.add(item("probe-" + good.size(), prompt, completion));
      }
    }
    TextOrTokens prompt = prompts.getLast();
    return new ProbeItems(
        good,
        List.of(
            new Bad(item("empty", prompt, empty), FailureReason.FAILURE_REASON_INVALID_INPUT),
            new Bad(
                ScoreItem.newBuilder().setItemId("nothing").build(),
                FailureReason.FAILURE_REASON_INVALID_INPUT),
            new Bad(item("long", prompt, tooLong), FailureReason.FAILURE_REASON_TOO_LONG)),
        0,
        "");
  }

  private static ScoreItem item(String id, TextOrTokens prompt, TextOrTokens completion) {
    return ScoreItem.newBuilder().setItemId(id).setPrompt(prompt).setCompletion(completion).build();
  }

  private static TextOrTokens text(String text) {
    return TextOrTokens.newBuilder().setText(text).build();
  }

  private static TextOrTokens tokens(List<Integer> ids) {
    return TextOrTokens.newBuilder()
        .setTokens(TokenSequence.newBuilder().addAllTokenIds(ids))
        .build();
  }
}
