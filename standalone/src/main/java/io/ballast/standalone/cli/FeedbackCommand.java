package io.ballast.standalone.cli;

import io.ballast.kit.runtime.Role;
import io.ballast.policy.v1.Accepted;
import io.ballast.policy.v1.Edited;
import io.ballast.policy.v1.FeedbackEvent;
import io.ballast.policy.v1.FeedbackServiceGrpc;
import io.ballast.policy.v1.FollowUp;
import io.ballast.policy.v1.Rating;
import io.ballast.policy.v1.Reaction;
import io.ballast.policy.v1.ReactionKind;
import io.ballast.policy.v1.RecordFeedbackRequest;
import io.ballast.policy.v1.RecordFeedbackResponse;
import io.ballast.policy.v1.Rejected;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Records what became of a suggestion. */
@Command(
    name = "feedback",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = "Records what became of a suggestion; acknowledged once it is on disk.",
    footer = {
      "",
      "Example: ./mesh feedback 01990000-0000-7000-8000-000000000000 --accepted",
      "The same --key has its effect once."
    })
final class FeedbackCommand implements Callable<Integer> {
  @Parameters(paramLabel = "SUGGESTION", description = "The suggestion's id.")
  private String suggestion = "";

  @ArgGroup(multiplicity = "1", heading = "What became of it:%n")
  private What what = new What();

  @Option(
      names = "--saved",
      paramLabel = "N",
      description = "With --accepted: characters of typing saved (default: its length).")
  private @Nullable Integer saved;

  @Option(
      names = "--final-text",
      paramLabel = "TEXT",
      defaultValue = "",
      description = "With --edited: what stands there afterwards.")
  private String finalText = "";

  @Option(
      names = "--scale",
      paramLabel = "MIN,MAX",
      split = ",",
      arity = "1",
      description = "With --rating: its scale (default: 1,5).")
  private double[] scale = {1, 5};

  @Option(
      names = "--key",
      paramLabel = "KEY",
      description = "Idempotency key (default: a new one).")
  private @Nullable String key;

  @Mixin private Printing printing = new Printing();
  @Mixin private MeshTarget target;

  /** Exactly one of the events. */
  static final class What {
    @Option(names = "--accepted", description = "Taken as it was.")
    private boolean accepted;

    @Option(names = "--rejected", description = "Not taken.")
    private boolean rejected;

    @Option(
        names = "--edited",
        paramLabel = "KEPT",
        description =
            "Taken in part: so many characters of its beginning were kept, in UTF-16 code units (an"
                + " emoji is two or more).")
    private @Nullable Integer edited;

    @Option(names = "--like", description = "Thumbs up.")
    private boolean like;

    @Option(names = "--love", description = "Heart.")
    private boolean love;

    @Option(names = "--dislike", description = "Thumbs down.")
    private boolean dislike;

    @Option(names = "--follow-up", paramLabel = "TEXT", description = "What was written next.")
    private @Nullable String followUp;

    @Option(names = "--rating", paramLabel = "VALUE", description = "A judgement on --scale.")
    private @Nullable Double rating;
  }

  FeedbackCommand(CommandContext context) {
    this.target = new MeshTarget(context);
  }

  @Override
  public Integer call() {
    RecordFeedbackRequest request =
        RecordFeedbackRequest.newBuilder()
            .setMetadata(target.keyedMetadata(key))
            .setEvent(event())
            .build();
    try (MeshTarget.Connection mesh =
        target.connect(Role.POLICY_SERVER, FeedbackServiceGrpc.SERVICE_NAME)) {
      RecordFeedbackResponse answer =
          FeedbackServiceGrpc.newBlockingStub(mesh.channel())
              .withDeadlineAfter(mesh.timeoutMillis(), TimeUnit.MILLISECONDS)
              .recordFeedback(request);
      printing.document(answer);
      printing.line(
          (answer.getDuplicate() ? "recorded before: " : "recorded: ")
              + answer.getEventId()
              + (answer.getJoined() ? "" : " (joined when its suggestion arrives)"));
      return Exit.OK.code();
    }
  }

  private FeedbackEvent event() {
    FeedbackEvent.Builder event = FeedbackEvent.newBuilder().setSuggestionId(suggestion);
    if (what.accepted) {
      Accepted.Builder accepted = Accepted.newBuilder();
      if (saved != null) {
        accepted.setSavedCharacters(saved);
      }
      return event.setAccepted(accepted).build();
    }
    if (what.edited != null) {
      return event
          .setEdited(Edited.newBuilder().setKeptCharacters(what.edited).setFinalText(finalText))
          .build();
    }
    if (what.followUp != null) {
      return event.setFollowUp(FollowUp.newBuilder().setText(what.followUp)).build();
    }
    if (what.rating != null) {
      if (scale.length != 2) {
        throw new CommandFailure(
            Exit.USAGE, "INVALID_SCALE", "--scale: expected MIN,MAX, such as 1,5");
      }
      return event
          .setRating(
              Rating.newBuilder().setValue(what.rating).setMinimum(scale[0]).setMaximum(scale[1]))
          .build();
    }
    if (what.rejected) {
      return event.setRejected(Rejected.getDefaultInstance()).build();
    }
    ReactionKind kind =
        what.like
            ? ReactionKind.REACTION_KIND_LIKE
            : what.love ? ReactionKind.REACTION_KIND_LOVE : ReactionKind.REACTION_KIND_DISLIKE;
    return event.setReaction(Reaction.newBuilder().setKind(kind)).build();
  }
}
