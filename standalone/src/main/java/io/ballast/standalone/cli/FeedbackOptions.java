package io.ballast.standalone.cli;

import io.ballast.kit.grpc.Timestamps;
import io.ballast.reward.core.training.FeedbackSource;
import io.ballast.reward.v1.FeedbackChoice;
import io.ballast.training.feedback.FeedbackForm;
import io.ballast.training.feedback.FeedbackRules;
import java.time.Instant;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.Spec.Target;

/** Whether to learn from the mesh's feedback, and how it becomes judgements. */
final class FeedbackOptions {
  @Option(
      names = "--from-feedback",
      description =
          "Instead of a FILE: what people did with the suggestions of a running mesh, as far as it"
              + " judges them. Suggestions that nobody reacted to are no negative judgements.")
  private boolean fromFeedback;

  @Option(
      names = "--since",
      paramLabel = "TIME",
      converter = TimeText.class,
      description =
          "Only feedback that arrived then or later, such as 2026-11-01 or 2026-11-01T09:30:00Z.")
  private @Nullable Instant since;

  @Option(
      names = "--feedback-form",
      paramLabel = "FORM",
      defaultValue = "grades",
      description =
          "What feedback is made into, ${COMPLETION-CANDIDATES}: grades (accepted 1, rejected 0,"
              + " edited the share that was kept), or pairs (what somebody made of a suggestion over"
              + " the suggestion; of one user's suggestions at one prompt the better over the"
              + " other); default: ${DEFAULT-VALUE}.")
  private FeedbackForm form = FeedbackForm.GRADES;

  @Option(
      names = "--per-user",
      paramLabel = "N",
      defaultValue = "500",
      description =
          "The most suggestions of one user that count, the last ones; all without a user are one"
              + " (default: ${DEFAULT-VALUE}).")
  private int perUser;

  @Option(
      names = "--most",
      paramLabel = "N",
      description =
          "The most suggestions that count, the last ones (default: 50000; with --remote what the"
              + " server takes).")
  private @Nullable Integer most;

  @Spec(Target.MIXEE)
  private CommandSpec spec = CommandSpec.create();

  /** Whether feedback is what is learned from. */
  boolean isAsked() {
    return fromFeedback;
  }

  /**
   * What to read.
   *
   * @throws ParameterException if an option is out of its range
   */
  FeedbackSource.Query query(String tenant) {
    try {
      FeedbackRules usual = FeedbackRules.of(form);
      FeedbackRules rules = usual.with(perUser, most == null ? usual.mostSuggestions() : most);
      return new FeedbackSource.Query(tenant, Optional.ofNullable(since), rules);
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), String.valueOf(e.getMessage()), e);
    }
  }

  /** The choice for a server, which checks it. */
  FeedbackChoice message() {
    FeedbackChoice.Builder choice =
        FeedbackChoice.newBuilder()
            .setForm(
                switch (form) {
                  case GRADES -> io.ballast.reward.v1.FeedbackForm.FEEDBACK_FORM_GRADES;
                  case PAIRS -> io.ballast.reward.v1.FeedbackForm.FEEDBACK_FORM_PAIRS;
                })
            .setSuggestionsPerUser(perUser);
    if (since != null) {
      choice.setSinceTime(Timestamps.of(since));
    }
    if (most != null) {
      choice.setMaxSuggestions(most);
    }
    return choice.build();
  }
}
