package io.ballast.training.reward;

import io.ballast.inference.api.TokenIds;
import io.ballast.inference.api.Tokenizer;
import io.ballast.inference.chat.ChatTemplate;
import io.ballast.training.data.BadRow;
import io.ballast.training.data.Judgement;
import io.ballast.training.data.PromptText;
import io.ballast.training.scoring.JudgedGroup;
import io.ballast.training.scoring.JudgedGroup.Grade;
import io.ballast.training.scoring.JudgedGroup.Preference;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * Judgements grouped by what they are about: completions of one prompt stand together, each once,
 * as tokens, with all that was said of them. A completion that is graded more than once has the
 * weighted mean of its grades.
 */
public final class JudgementGroups {
  private final Tokenizer tokenizer;
  private final Optional<ChatTemplate> template;
  private final int maxPromptTokens;
  private final SplitBy splitBy;

  /**
   * A grouping as a trunk reads.
   *
   * @param template makes a text of a conversation; empty: rows with one are bad
   * @param maxPromptTokens that members see of a prompt, its last ones, as the server that is to
   *     ask them has it; 0: all
   */
  public JudgementGroups(
      Tokenizer tokenizer, Optional<ChatTemplate> template, int maxPromptTokens, SplitBy splitBy) {
    this.tokenizer = tokenizer;
    this.template = template;
    this.maxPromptTokens = maxPromptTokens;
    this.splitBy = splitBy;
  }

  /**
   * What became of judgements.
   *
   * @param groups in the order in which their prompts first came
   * @param badRows those that this model or this split cannot use
   */
  public record Grouped(List<JudgedGroup> groups, List<BadRow> badRows) {
    public Grouped {
      groups = List.copyOf(groups);
      badRows = List.copyOf(badRows);
    }
  }

  private record Place(String key, String promptText) {}

  /** Groups judgements. */
  public Grouped group(List<Judgement> judgements) {
    Map<Place, Builder> builders = new LinkedHashMap<>();
    List<BadRow> bad = new ArrayList<>();
    for (Judgement judgement : judgements) {
      try {
        String prompt = text(judgement.prompt(), template);
        String key = splitBy.keyOf(judgement, prompt);
        if (key.isEmpty() && splitBy != SplitBy.PROMPT) {
          throw new IllegalArgumentException(
              "%s: missing (expected: one, the split is by it)"
                  .formatted(splitBy.name().toLowerCase(Locale.ROOT)));
        }
        Place place = new Place(splitBy == SplitBy.TIME ? "" : key, prompt);
        builders.computeIfAbsent(place, first -> new Builder(prompt(prompt))).add(key, judgement);
      } catch (IllegalArgumentException e) {
        bad.add(new BadRow(judgement.source().row(), String.valueOf(e.getMessage())));
      }
    }
    return new Grouped(builders.values().stream().map(Builder::group).toList(), bad);
  }

  /**
   * Returns a prompt as the trunk is given it.
   *
   * @param template makes a text of a conversation
   * @throws IllegalArgumentException if the prompt is one, and there is no template
   */
  public static String text(PromptText prompt, Optional<ChatTemplate> template) {
    return switch (prompt) {
      case PromptText.Plain plain -> plain.text();
      case PromptText.Dialogue dialogue ->
          template
              .orElseThrow(
                  () ->
                      new IllegalArgumentException(
                          "messages: the trunk has no chat template (expected: a text)"))
              .render(dialogue.messages(), true);
    };
  }

  /** As the reward-server reads a prompt: its last tokens, or the one that ends a text. */
  private TokenIds prompt(String text) {
    TokenIds tokens = tokenizer.encode(text);
    TokenIds last = maxPromptTokens == 0 ? tokens : tokens.last(maxPromptTokens);
    return last.size() == 0 ? TokenIds.of(tokenizer.endOfTextId()) : last;
  }

  private final class Builder {
    private final TokenIds prompt;
    private final Map<String, Integer> indices = new LinkedHashMap<>();
    private final List<TokenIds> completions = new ArrayList<>();
    private final List<Grade> grades = new ArrayList<>();
    private final List<Preference> preferences = new ArrayList<>();
    private String key = "";

    private Builder(TokenIds prompt) {
      this.prompt = prompt;
    }

    /**
     * Adds a judgement.
     *
     * @param itsKey the same for all, or their times, of which the last counts
     */
    void add(String itsKey, Judgement judgement) {
      if (itsKey.compareTo(key) > 0) {
        key = itsKey;
      }
      switch (judgement) {
        case Judgement.Pair pair -> {
          int chosen = index(pair.chosen());
          int rejected = index(pair.rejected());
          preferences.add(new Preference(chosen, rejected, pair.margin(), pair.weight()));
          pair.safety()
              .ifPresent(
                  labels -> {
                    grade(chosen, labels.chosenUnsafe() ? 1 : 0, pair.weight());
                    grade(rejected, labels.rejectedUnsafe() ? 1 : 0, pair.weight());
                  });
        }
        case Judgement.Grade grade ->
            grade(index(grade.completion()), grade.grade(), grade.weight());
      }
    }

    private void grade(int index, double value, double weight) {
      Grade known = grades.get(index);
      double weights = known.weight() + weight;
      double sum = known.value() * known.weight() + value * weight;
      grades.set(index, new Grade(sum / weights, weights));
    }

    private int index(String completion) {
      return indices.computeIfAbsent(
          completion,
          text -> {
            completions.add(tokenizer.encode(text));
            grades.add(Grade.NONE);
            return completions.size() - 1;
          });
    }

    JudgedGroup group() {
      return new JudgedGroup(key, prompt, completions, preferences, grades);
    }
  }
}
