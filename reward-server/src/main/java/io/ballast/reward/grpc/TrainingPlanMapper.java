package io.ballast.reward.grpc;

import io.ballast.inference.onnx.ScoringObjective;
import io.ballast.kit.call.Caller;
import io.ballast.kit.call.Texts;
import io.ballast.kit.digest.Sha256;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.grpc.Timestamps;
import io.ballast.reward.core.training.TrainingOrder;
import io.ballast.reward.core.training.TrainingOrder.Source;
import io.ballast.reward.v1.FeedbackChoice;
import io.ballast.reward.v1.ObjectiveChoice;
import io.ballast.reward.v1.ObjectivesChoice;
import io.ballast.reward.v1.TrainingOptions;
import io.ballast.reward.v1.TrainingPlan;
import io.ballast.training.data.JudgementData;
import io.ballast.training.data.SplitRule;
import io.ballast.training.feedback.FeedbackForm;
import io.ballast.training.feedback.FeedbackRules;
import io.ballast.training.reward.RewardPlan;
import io.ballast.training.reward.SplitBy;
import io.ballast.training.scoring.HeadForm;
import io.ballast.training.scoring.HeadTrainer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/** Translates plans of trainings, and checks them. What is absent is as the command line has it. */
public final class TrainingPlanMapper {
  private static final String DEFAULT_TRUNK = "java-tiny";
  private static final String DEFAULT_FILE = "judgements.jsonl";
  private static final int DEFAULT_MEMBERS = 5;
  private static final int DEFAULT_HELD_OUT = 10;
  private static final int DEFAULT_EPOCHS = 40;
  private static final int MAX_EPOCHS = 10_000;
  private static final int DEFAULT_SEED = 1;
  private static final Pattern FILE_NAME = Pattern.compile("[A-Za-z0-9._-]{1,128}");

  private final int promptTokens;
  private final int mostJudgements;

  /**
   * @param promptTokens that this server shows its members, the last ones; 0: all
   * @param mostJudgements that it keeps in memory
   */
  public TrainingPlanMapper(int promptTokens, int mostJudgements) {
    this.promptTokens = promptTokens;
    this.mostJudgements = mostJudgements;
  }

  /**
   * @param owner the tenant that the training is for in particular; empty: the mesh
   * @param bound whether the caller may ask for that tenant only
   */
  TrainingOrder order(
      Caller caller, Optional<String> owner, boolean bound, TrainingPlan plan, Source source) {
    return new TrainingOrder(
        caller.tenant(),
        owner,
        bound,
        caller.idempotencyKey(),
        fingerprint(plan, source),
        plan.getName(),
        plan.getTrunk().isEmpty() ? DEFAULT_TRUNK : plan.getTrunk(),
        rewardPlan(plan.getOptions()),
        source,
        plan.getSkipBadRows());
  }

  RewardPlan rewardPlan(TrainingOptions options) {
    int epochs = options.hasMaxEpochs() ? options.getMaxEpochs() : DEFAULT_EPOCHS;
    if (epochs < 1 || epochs > MAX_EPOCHS) {
      throw Texts.malformed(
          "plan.options.max_epochs", "%,d (expected: 1 to %,d)".formatted(epochs, MAX_EPOCHS));
    }
    long seed = options.hasSeed() ? options.getSeed() : DEFAULT_SEED;
    int heldOut = options.hasHeldOutPercent() ? options.getHeldOutPercent() : DEFAULT_HELD_OUT;
    try {
      return new RewardPlan(
          options.hasMembersCount() ? options.getMembersCount() : DEFAULT_MEMBERS,
          options.getBootstrap(),
          options.getLabelSmoothing(),
          options.getFlipProbability(),
          splitBy(options),
          new SplitRule(seed, heldOut, heldOut),
          options.hasMaxPromptTokens() ? options.getMaxPromptTokens() : promptTokens,
          seed,
          HeadTrainer.Options.defaults().withEpochs(epochs).withForm(form(options)));
    } catch (IllegalArgumentException e) {
      throw Texts.malformed("plan.options", String.valueOf(e.getMessage()));
    }
  }

  private static HeadForm form(TrainingOptions options) {
    return switch (options.getHead()) {
      case TRAINING_HEAD_UNSPECIFIED, TRAINING_HEAD_LAYERED -> HeadForm.LAYERED;
      case TRAINING_HEAD_LINEAR -> HeadForm.LINEAR;
      case UNRECOGNIZED ->
          throw Texts.malformed("plan.options.head", "unknown (expected: LAYERED or LINEAR)");
    };
  }

  private static SplitBy splitBy(TrainingOptions options) {
    return switch (options.getSplit()) {
      case TRAINING_SPLIT_UNSPECIFIED, TRAINING_SPLIT_PROMPT -> SplitBy.PROMPT;
      case TRAINING_SPLIT_USER -> SplitBy.USER;
      case TRAINING_SPLIT_ANNOTATOR -> SplitBy.ANNOTATOR;
      case TRAINING_SPLIT_TIME -> SplitBy.TIME;
      case UNRECOGNIZED ->
          throw Texts.malformed(
              "plan.options.split", "unknown (expected: PROMPT, USER, ANNOTATOR or TIME)");
    };
  }

  Source.Feedback feedback(FeedbackChoice choice) {
    int most = choice.hasMaxSuggestions() ? choice.getMaxSuggestions() : mostJudgements;
    if (most > mostJudgements) {
      throw Texts.malformed(
          "plan.feedback.max_suggestions", "%,d, limit %,d".formatted(most, mostJudgements));
    }
    FeedbackRules rules = FeedbackRules.of(form(choice));
    try {
      return new Source.Feedback(
          since(choice),
          rules.with(
              choice.hasSuggestionsPerUser() ? choice.getSuggestionsPerUser() : rules.perUser(),
              most));
    } catch (IllegalArgumentException e) {
      throw Texts.malformed("plan.feedback", String.valueOf(e.getMessage()));
    }
  }

  private static Optional<Instant> since(FeedbackChoice choice) {
    try {
      return choice.hasSinceTime()
          ? Optional.of(Timestamps.instant(choice.getSinceTime()))
          : Optional.empty();
    } catch (DateTimeException | ArithmeticException e) {
      throw Texts.malformed("plan.feedback.since_time", "no time (expected: years 1 to 9999)");
    }
  }

  private static FeedbackForm form(FeedbackChoice choice) {
    return switch (choice.getForm()) {
      case FEEDBACK_FORM_UNSPECIFIED, FEEDBACK_FORM_GRADES -> FeedbackForm.GRADES;
      case FEEDBACK_FORM_PAIRS -> FeedbackForm.PAIRS;
      case UNRECOGNIZED ->
          throw Texts.malformed("plan.feedback.form", "unknown (expected: GRADES or PAIRS)");
    };
  }

  /** The objectives of a choice, each of which can be trained by. */
  static List<ObjectiveChoice> objectives(ObjectivesChoice choice) {
    List<ObjectiveChoice> choices = choice.getObjectivesList();
    if (choices.isEmpty()) {
      throw Texts.malformed("plan.objectives", "none (expected: at least one)");
    }
    for (int o = 0; o < choices.size(); o++) {
      try {
        ScoringObjective.requireName(choices.get(o).getName());
        ScoringObjective.requireWeight(choices.get(o).getWeight());
      } catch (IllegalArgumentException e) {
        throw malformed("plan.objectives[" + o + "].", e);
      }
      var unused = fileName("plan.objectives[" + o + "]", choices.get(o).getFileName());
    }
    try {
      ScoringObjective.requireDistinct(choices.stream().map(ObjectiveChoice::getName).toList());
    } catch (IllegalArgumentException e) {
      throw malformed("plan.", e);
    }
    return choices;
  }

  /** What is wrong with a field below {@code path}: the message is the field and its flaw. */
  private static MeshException malformed(String path, IllegalArgumentException e) {
    String[] parts = String.valueOf(e.getMessage()).split(": ", 2);
    return Texts.malformed(path + parts[0], parts[1]);
  }

  /**
   * What a file is called.
   *
   * @param path of the choice, for messages
   */
  static String fileName(String path, String given) {
    String name = given.isEmpty() ? DEFAULT_FILE : given;
    if (!FILE_NAME.matcher(name).matches()) {
      throw Texts.malformed(
          path + ".file_name", "expected: at most 128 characters of [A-Za-z0-9._-]");
    }
    return name;
  }

  private static void update(MessageDigest sum, JudgementData judgements) {
    sum.update(judgements.sha256().getBytes(StandardCharsets.UTF_8));
  }

  private static String fingerprint(TrainingPlan plan, Source source) {
    MessageDigest sum = Sha256.digest();
    sum.update(plan.toByteArray());
    switch (source) {
      case Source.Feedback feedback -> {}
      case Source.Upload upload -> update(sum, upload.judgements());
      case Source.Objectives several ->
          several.data().objectives().forEach(each -> update(sum, each.judgements()));
    }
    return Sha256.hex(sum);
  }
}
