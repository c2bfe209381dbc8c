package io.ballast.standalone.cli;

import io.ballast.inference.brought.BroughtMember;
import io.ballast.inference.brought.LabelReference;
import io.ballast.inference.brought.MemberInput;
import io.ballast.inference.brought.ScoreReading;
import io.ballast.inference.onnx.Normalization;
import io.ballast.inference.onnx.Pooling;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/**
 * What all members of an ensemble of brought classifiers are like, beside what they read: what a
 * manifest would say of each. A default stands twice, as picocli asks of options in groups.
 */
final class MemberOptions {
  /** What is the score. */
  enum Score {
    /** One output as it is. */
    LOGIT,
    /** How much likelier a label is than all others. */
    LOG_ODDS,
    /** The mean rating that the labels promise. */
    EXPECTED_RATING
  }

  @Option(
      names = "--special-tokens",
      arity = "1",
      paramLabel = "true|false",
      description =
          "Whether the tokenizer's own, such as [CLS] and [SEP], are put round the text (default:"
              + " true; false with --chat).")
  private @Nullable Boolean specialTokens;

  @Option(
      names = "--score",
      defaultValue = "LOGIT",
      description =
          "What of the outputs is the score: ${COMPLETION-CANDIDATES} (default: ${DEFAULT-VALUE}).")
  private Score score = Score.LOGIT;

  @Option(
      names = "--label",
      paramLabel = "LABEL",
      defaultValue = "0",
      description = "Whose: an index, or a name of id2label (default: ${DEFAULT-VALUE}).")
  private String label = "0";

  @Option(
      names = "--ratings",
      paramLabel = "NUMBER",
      split = ",",
      description = "With EXPECTED_RATING, what each label is worth, such as 1,2,3,4,5.")
  private List<Double> ratings = List.of();

  @Option(
      names = "--pooling",
      paramLabel = "WAY",
      description =
          "Of a model in ONNX whose outputs are of tokens: mean, cls or last (default: as its folder"
              + " says; where it says nothing, such a model is refused).")
  private @Nullable String pooling;

  @Option(names = "--lower-is-better", description = "The score is turned round.")
  private boolean lowerIsBetter;

  @Option(
      names = "--mean",
      paramLabel = "M",
      defaultValue = "0",
      description =
          "Of scores, turned round if so, on answers of the reference policy (default:"
              + " ${DEFAULT-VALUE}).")
  private double mean = 0;

  @Option(
      names = "--std",
      paramLabel = "S",
      defaultValue = "1",
      description = "Their standard deviation, above 0 (default: ${DEFAULT-VALUE}).")
  private double std = 1;

  @Option(
      names = "--max-tokens",
      paramLabel = "N",
      description = "The most tokens of an item (default: as many as a member can read).")
  private @Nullable Integer maxTokens;

  /** How the numbers of tokens become a text's, if that was said. */
  Optional<Pooling> pooling() {
    return Optional.ofNullable(pooling).map(PullCommand::pooling);
  }

  /** Whether the tokenizer's own tokens are put round the text. */
  boolean specialTokens(boolean usually) {
    return specialTokens == null ? usually : specialTokens;
  }

  /**
   * The member that a model becomes.
   *
   * @param input what it reads
   * @throws IllegalArgumentException if the options say what cannot be
   */
  BroughtMember member(ModelChoice choice, MemberInput input) {
    return new BroughtMember(
        choice.model(),
        choice.version(),
        Optional.empty(),
        input,
        pooling(),
        reading(),
        lowerIsBetter,
        new Normalization(mean, std),
        maxTokens == null ? OptionalInt.empty() : OptionalInt.of(maxTokens));
  }

  private ScoreReading reading() {
    return switch (score) {
      case LOGIT -> new ScoreReading.Logit(LabelReference.of(label));
      case LOG_ODDS -> new ScoreReading.LogOdds(LabelReference.of(label));
      case EXPECTED_RATING -> new ScoreReading.ExpectedRating(ratings);
    };
  }
}
