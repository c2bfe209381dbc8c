package io.ballast.reward.component;

import io.ballast.kit.call.ItemFault;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.reward.component.RemoteReward.Question;
import io.ballast.reward.core.ComponentOutcome;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * A reward that another process gives: a RewardService over gRPC, or a server in the manner of
 * OpenRLHF over HTTP. Where it is says the operator, by its name; the file says only which, and for
 * gRPC which version of which model.
 *
 * @param remote its name among {@code ballast.reward.components.remotes}
 * @param model of a RewardService; empty: its default
 * @param version of the model; empty: what its alias "serving" points to
 * @param sha256 the checksum that the answer must name; empty: any
 * @param label the name of the reference that goes out as the label over HTTP; empty: none goes
 */
public record RemoteComponent(
    String remote, String model, String version, String sha256, String label)
    implements BatchComponent {
  private static final Pattern SHA256 = Pattern.compile("[0-9a-f]{64}");

  static RemoteComponent read(Settings settings) {
    String sha256 = settings.textIfGiven("weights_sha256").orElse("");
    if (!sha256.isEmpty() && !SHA256.matcher(sha256).matches()) {
      throw new CompositeFlaw(
          settings.path("weights_sha256"),
          "\"%s\" (expected: 64 lower-case hexadecimal digits)".formatted(sha256));
    }
    return new RemoteComponent(
        settings.text("remote"),
        settings.textIfGiven("model").orElse(""),
        settings.textIfGiven("version").orElse(""),
        sha256,
        settings.textIfGiven("label").orElse(""));
  }

  @Override
  public List<Judged> judge(List<Candidate> candidates, Judging judging) {
    RemoteReward found =
        judging
            .tools()
            .outside()
            .remotes()
            .find(remote)
            .orElseThrow(
                () ->
                    new MeshException(
                        Fault.PRECONDITION_FAILED,
                        "remote '%s' is not known here: ballast.reward.components.remotes.\"%s\" says where it is"
                            .formatted(remote, remote),
                        Map.of("remote", remote)));
    List<Optional<ComponentOutcome>> refused = new ArrayList<>();
    List<Question> questions = new ArrayList<>();
    for (Candidate candidate : candidates) {
      try {
        Question question = new Question(candidate, candidate.prompt(), candidate.completion());
        if (!label.isEmpty()) {
          var unused = candidate.reference(label);
        }
        questions.add(question);
        refused.add(Optional.empty());
      } catch (CannotJudge e) {
        refused.add(Optional.of(new ComponentOutcome.Failed(e.fault())));
      }
    }
    List<ComponentOutcome> answers =
        questions.isEmpty() ? List.of() : found.ask(questions, this, judging);
    if (answers.size() != questions.size()) {
      ComponentOutcome wrong =
          new ComponentOutcome.Failed(
              new ItemFault(
                  ItemFault.Reason.MODEL_ERROR,
                  "%s: %,d rewards (expected: %,d)"
                      .formatted(remote, answers.size(), questions.size())));
      answers = questions.stream().map(each -> wrong).toList();
    }
    List<Judged> judged = new ArrayList<>();
    int next = 0;
    for (Optional<ComponentOutcome> each : refused) {
      judged.add(Judged.of(each.isPresent() ? each.get() : answers.get(next++)));
    }
    return judged;
  }
}
