package io.ballast.training.reward;

import io.ballast.inference.onnx.ScoringObjective;
import io.ballast.training.data.BadRow;
import io.ballast.training.data.JudgementData;
import java.util.List;

/** What a reward is trained from. */
public sealed interface RewardData {
  /** The first of the rows that were left out; of an objective the reason names it. */
  List<BadRow> badRows();

  /** How many rows were left out. */
  long badRowCount();

  /** Judgements of one kind: what people prefer, or how they grade. */
  record Whole(JudgementData judgements) implements RewardData {
    @Override
    public List<BadRow> badRows() {
      return judgements.badRows();
    }

    @Override
    public long badRowCount() {
      return judgements.badRowCount();
    }
  }

  /**
   * Judgements by several objectives, which members weigh against each other.
   *
   * @param objectives 1 to {@value ScoringObjective#MAX_COUNT}, of different names
   */
  record Objectives(List<Objective> objectives) implements RewardData {
    /** Checks the ranges above. */
    public Objectives {
      objectives = List.copyOf(objectives);
      if (objectives.isEmpty()) {
        throw new IllegalArgumentException("objectives: none (expected: at least one)");
      }
      ScoringObjective.requireDistinct(objectives.stream().map(Objective::name).toList());
    }

    @Override
    public List<BadRow> badRows() {
      return objectives.stream()
          .flatMap(each -> each.judgements().badRows().stream().map(each::named))
          .toList();
    }

    @Override
    public long badRowCount() {
      return objectives.stream().mapToLong(each -> each.judgements().badRowCount()).sum();
    }

    /** The stated sum, such as {@code 1.0·love − 0.5·cost}. */
    String sum() {
      StringBuilder sum = new StringBuilder();
      for (Objective each : objectives) {
        sum.append(sum.isEmpty() ? "" : " ").append(each.weight() < 0 ? "− " : "");
        sum.append(each.weight() > 0 && sum.length() > 0 ? "+ " : "");
        sum.append(Math.abs(each.weight())).append('·').append(each.name());
      }
      return sum.toString();
    }
  }

  /**
   * Judgements by one objective: what is preferred or graded higher has more of it.
   *
   * @param name as {@link ScoringObjective} has it
   * @param weight of its standardised score in a member's sum
   * @param fileName what its file is called, for the version's card
   */
  record Objective(String name, double weight, String fileName, JudgementData judgements) {
    /** Checks the ranges above. */
    public Objective {
      ScoringObjective.requireName(name);
      ScoringObjective.requireWeight(weight);
    }

    /** What is done with its judgements. */
    @FunctionalInterface
    interface Step<T> {
      T done() throws UnusableDataException;
    }

    /** Returns what a step does, and lets what it throws name the objective. */
    <T> T named(Step<T> step) throws UnusableDataException {
      try {
        return step.done();
      } catch (UnusableDataException e) {
        throw new UnusableDataException(name + ": " + e.getMessage(), e);
      }
    }

    BadRow named(BadRow row) {
      return new BadRow(row.row(), name + ": " + row.reason());
    }
  }
}
