package io.ballast.orchestrator.core.measure;

import io.ballast.orchestrator.core.Seeds;
import io.ballast.orchestrator.core.peer.Judgeable;
import io.ballast.orchestrator.core.rollout.JudgedCompletion;
import io.ballast.orchestrator.core.rollout.JudgedGroup;
import io.ballast.orchestrator.core.rollout.JudgedRollout;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.OptionalDouble;
import java.util.Random;

/** Completions of an iteration that a judge is asked about on whom nothing is trained. */
public record CompletionSample(List<Member> members) {
  /** Copies the list. */
  public CompletionSample {
    members = List.copyOf(members);
  }

  /**
   * One completion.
   *
   * @param item for the judge
   * @param reward that it is trained on; empty where there is none, and it is trained on all the
   *     same
   * @param cost that it is trained on
   */
  public record Member(Judgeable item, OptionalDouble reward, double cost) {}

  /**
   * Takes all, or draws {@code most}: the same again after a crash.
   *
   * @param question keeps the draws of different questions apart
   */
  public static CompletionSample of(
      JudgedRollout rollout, int most, long runSeed, int question, int iteration) {
    List<Member> all = new ArrayList<>();
    for (JudgedGroup group : rollout.groups()) {
      for (JudgedCompletion judged : group.completions()) {
        all.add(
            new Member(
                new Judgeable(group.prompt(), judged.completion()),
                judged.reward(),
                judged.cost()));
      }
    }
    if (all.size() <= most) {
      return new CompletionSample(all);
    }
    Collections.shuffle(all, new Random(Seeds.derive(runSeed, question, iteration)));
    return new CompletionSample(all.subList(0, most));
  }

  /** What the judge is asked about. */
  public List<Judgeable> items() {
    return members.stream().map(Member::item).toList();
  }

  /** How many there are. */
  public int size() {
    return members.size();
  }

  /** Whether {@code known} of them stand for all: at least half, and two. */
  public boolean isKnownBy(int known) {
    return known >= 2 && size() - known <= known;
  }
}
