package io.ballast.training.cost;

import io.ballast.inference.chat.ChatTemplate;
import io.ballast.inference.store.DigestIndex;
import io.ballast.training.data.Judgement;
import io.ballast.training.reward.JudgementGroups;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.LongStream;

/**
 * What judgements are of: by these a judge is known to have seen what another was optimised by, or
 * what a candidate is tested on. Those that only measured are among them.
 */
record SeenExamples(DigestIndex prompts, DigestIndex labels) {
  /**
   * Returns it.
   *
   * @param template makes a text of a conversation; empty: rows with one cannot be used, and are
   *     left out
   */
  static SeenExamples of(List<Judgement> judgements, Optional<ChatTemplate> template) {
    List<Example> examples =
        judgements.stream().flatMap(judgement -> example(judgement, template).stream()).toList();
    return new SeenExamples(
        DigestIndex.of(examples.stream().map(Example::prompt).mapToLong(DigestIndex::ofPrompt)),
        DigestIndex.of(examples.stream().flatMapToLong(Example::labels)));
  }

  private record Example(String prompt, List<String> completions) {
    LongStream labels() {
      return completions.stream().mapToLong(completion -> DigestIndex.ofLabel(prompt, completion));
    }
  }

  private static Optional<Example> example(Judgement judgement, Optional<ChatTemplate> template) {
    List<String> completions =
        switch (judgement) {
          case Judgement.Pair pair -> List.of(pair.chosen(), pair.rejected());
          case Judgement.Grade grade -> List.of(grade.completion());
        };
    try {
      return Optional.of(
          new Example(JudgementGroups.text(judgement.prompt(), template), completions));
    } catch (IllegalArgumentException e) {
      return Optional.empty(); // the trunk cannot read it, and nothing was trained on it
    }
  }

  /** Writes both into a model's folder. */
  void write(Path folder) throws IOException {
    prompts.write(folder.resolve(DigestIndex.PROMPTS));
    labels.write(folder.resolve(DigestIndex.LABELS));
  }
}
