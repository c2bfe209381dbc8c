package io.ballast.training.scoring;

import io.ballast.inference.api.TokenIds;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The completions of one prompt, with what was said of them.
 *
 * <p>Shape letters: G completions.
 *
 * @param key what is never split between training and test: a file, a prompt, a user
 * @param prompt shape [P]
 * @param completions shape [G], G ≥ 1
 * @param preferences which completion is better than which; none or more
 * @param grades shape [G]: how good each is by itself
 */
public record JudgedGroup(
    String key,
    TokenIds prompt,
    List<TokenIds> completions,
    List<Preference> preferences,
    List<Grade> grades) {
  /**
   * One completion is better than another.
   *
   * @param winner index of the better one
   * @param loser index of the other
   * @param margin by how much at least, in the unit of the scores, ≥ 0
   * @param weight how much it counts, &gt; 0
   */
  public record Preference(int winner, int loser, double margin, double weight) {}

  /**
   * How good a completion is.
   *
   * @param value finite, higher is better; above ½ is what a yes or no calls yes
   * @param weight how much it counts, ≥ 0; 0: nothing was said
   */
  public record Grade(double value, double weight) {
    /** Nothing was said. */
    public static final Grade NONE = new Grade(0, 0);

    /** Whether something was said. */
    public boolean isKnown() {
      return weight > 0;
    }

    /** Whether it is what a yes or no calls yes. */
    public boolean isYes() {
      return isKnown() && value > 0.5;
    }
  }

  /** Checks what the fields promise of each other. */
  public JudgedGroup {
    completions = List.copyOf(completions);
    preferences = List.copyOf(preferences);
    grades = List.copyOf(grades);
    int size = completions.size();
    if (grades.size() != size) {
      throw new IllegalArgumentException(
          "grades: " + grades.size() + " (expected: one a completion, " + size + ")");
    }
    for (Preference p : preferences) {
      if (p.winner() < 0
          || p.winner() >= size
          || p.loser() < 0
          || p.loser() >= size
          || p.winner() == p.loser()) {
        throw new IllegalArgumentException(
            "preference of %d over %d (expected: two of 0 to %d)"
                .formatted(p.winner(), p.loser(), size - 1));
      }
    }
  }

  /**
   * Returns the preferences that values imply: of two completions of unequal value the one of the
   * higher is better; ties say nothing.
   *
   * @param values shape [G]
   */
  public static List<Preference> byValue(double... values) {
    List<Preference> preferences = new ArrayList<>();
    for (int winner = 0; winner < values.length; winner++) {
      for (int loser = 0; loser < values.length; loser++) {
        if (values[winner] > values[loser]) {
          preferences.add(new Preference(winner, loser, 0, 1));
        }
      }
    }
    return preferences;
  }

  /** Returns the grades of values that all count alike, shape [G]. */
  public static List<Grade> graded(double... values) {
    return Arrays.stream(values).mapToObj(value -> new Grade(value, 1)).toList();
  }

  /** Returns the same with another key. */
  public JudgedGroup withKey(String other) {
    return new JudgedGroup(other, prompt, completions, preferences, grades);
  }

  /**
   * Returns the group of some of the completions, with what was said of those alone.
   *
   * @param kept shape [G]
   */
  JudgedGroup only(boolean[] kept) {
    int[] place = new int[kept.length];
    List<TokenIds> completions = new ArrayList<>();
    List<Grade> grades = new ArrayList<>();
    for (int i = 0; i < kept.length; i++) {
      place[i] = completions.size();
      if (kept[i]) {
        completions.add(completions().get(i));
        grades.add(grades().get(i));
      }
    }
    List<Preference> preferences =
        preferences().stream()
            .filter(p -> kept[p.winner()] && kept[p.loser()])
            .map(p -> new Preference(place[p.winner()], place[p.loser()], p.margin(), p.weight()))
            .toList();
    return new JudgedGroup(key, prompt, completions, preferences, grades);
  }
}
