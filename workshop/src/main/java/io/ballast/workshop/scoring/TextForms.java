package io.ballast.workshop.scoring;

import io.ballast.inference.api.TokenIds;
import io.ballast.inference.api.Tokenizer;
import io.ballast.workshop.scoring.LabelledCompletion.Drawn;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Gives some groups as callers who hold no tokens would: prompt and completion as two texts, each
 * encoded by itself. What was healed at the cursor and what ended the line is then not to be seen,
 * and heads must know such completions too.
 */
final class TextForms {
  private final List<LabelledGroup> groups = new ArrayList<>();
  private final Set<LabelledGroup> asText = Collections.newSetFromMap(new IdentityHashMap<>());

  private TextForms() {}

  /**
   * Rewrites every {@code interval}-th group that has texts.
   *
   * @param interval ≥ 1
   */
  static TextForms of(List<LabelledGroup> groups, int interval, Tokenizer tokenizer) {
    TextForms forms = new TextForms();
    for (int i = 0; i < groups.size(); i++) {
      LabelledGroup group = groups.get(i);
      boolean hasTexts =
          !group.promptText().isEmpty()
              && group.completions().stream().allMatch(c -> c.drawn().isPresent());
      if (i % interval == interval - 1 && hasTexts) {
        LabelledGroup rewritten = rewrite(group, tokenizer);
        forms.groups.add(rewritten);
        forms.asText.add(rewritten);
      } else {
        forms.groups.add(group);
      }
    }
    return forms;
  }

  /** Rewrites nothing. */
  static TextForms without(List<LabelledGroup> groups) {
    TextForms forms = new TextForms();
    forms.groups.addAll(groups);
    return forms;
  }

  private static LabelledGroup rewrite(LabelledGroup group, Tokenizer tokenizer) {
    TokenIds prompt = tokenizer.encode(group.promptText()).last(group.prompt().size());
    List<LabelledCompletion> completions = new ArrayList<>();
    for (LabelledCompletion completion : group.completions()) {
      String text = completion.drawn().map(Drawn::text).orElse("");
      completions.add(
          new LabelledCompletion(
              tokenizer.encode(text),
              completion.saved(),
              completion.kept(),
              completion.harmful(),
              Optional.empty()));
    }
    return new LabelledGroup(group.file(), prompt, group.promptText(), completions);
  }

  /** All groups, in the order given. */
  List<LabelledGroup> groups() {
    return groups;
  }

  /** Whether {@code group}, one of {@link #groups}, was rewritten. */
  boolean isText(LabelledGroup group) {
    return asText.contains(group);
  }
}
