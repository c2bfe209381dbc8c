package io.ballast.safety.core.safetytest;

import io.ballast.inference.scoring.Content;
import io.ballast.kit.call.CallPatience;
import io.ballast.kit.call.ItemFault;
import io.ballast.kit.call.Lane;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.call.Truncation;
import io.ballast.kit.call.VersionSelector;
import io.ballast.kit.digest.Sha256;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.safety.core.cost.Cost;
import io.ballast.safety.core.cost.CostAnswer;
import io.ballast.safety.core.cost.CostCommand;
import io.ballast.safety.core.cost.CostFlow;
import io.ballast.safety.core.cost.CostItem;
import io.ballast.safety.core.cost.JudgedItem;
import io.ballast.safety.core.safetytest.CandidateSampler.Drawn;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;

/**
 * Draws completions of a test's prompts and has them judged, a chunk at a time. Nothing is ever
 * left out: what has no cost counts as harm where the bound has a place for that, and ends the test
 * where it has none.
 */
final class CompletionJudge {
  private final CandidateSampler sampler;
  private final CostFlow costs;

  CompletionJudge(CandidateSampler sampler, CostFlow costs) {
    this.sampler = sampler;
    this.costs = costs;
  }

  /** A completion has no cost, and the bound has no place for that. */
  static final class NoCost extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final int position;

    NoCost(int position, String why) {
      super(why);
      this.position = position;
    }

    /** Which prompt of the test it is of, from 0. */
    int position() {
      return position;
    }
  }

  /**
   * Draws one completion of each prompt.
   *
   * @param first the position of the first prompt in the test
   * @throws MeshException DEPENDENCY_DOWN if one did not come for a reason that may pass; as {@link
   *     CandidateSampler#sample}
   */
  List<Drawn> draw(ClaimedTest test, List<String> prompts, int first) {
    List<Drawn> drawn = sampler.sample(test, prompts, test.spec().sampling().seed() + first);
    for (int i = 0; i < drawn.size(); i++) {
      if (drawn.get(i) instanceof Drawn.Missing missing && mayPass(missing.fault())) {
        throw new MeshException(
            Fault.DEPENDENCY_DOWN,
            "prompts[%d]: no completion: %s".formatted(first + i, missing.fault().message()));
      }
    }
    return drawn;
  }

  /**
   * Has what was drawn judged.
   *
   * @return shape [prompts]
   * @throws MeshException DEPENDENCY_DOWN if a cost did not come for a reason that may pass;
   *     DEPENDENCY_BROKEN if another model judged
   * @throws NoCost if one has no cost and the bound has no place for that
   */
  List<SampledCost> judge(ClaimedTest test, List<String> prompts, List<Drawn> drawn, int first) {
    List<CostItem> items = new ArrayList<>();
    for (int i = 0; i < prompts.size(); i++) {
      if (drawn.get(i) instanceof Drawn.Text text && !text.text().isEmpty()) {
        items.add(
            new CostItem(
                Integer.toString(i),
                "prompts[" + (first + i) + "]",
                new Content.Text(prompts.get(i)),
                new Content.Text(text.text())));
      }
    }
    List<JudgedItem> judged = items.isEmpty() ? List.of() : judge(test, items);
    List<SampledCost> samples = new ArrayList<>();
    int next = 0;
    for (int i = 0; i < prompts.size(); i++) {
      String prompt = Sha256.of(prompts.get(i));
      samples.add(
          switch (drawn.get(i)) {
            case Drawn.Text text when text.text().isEmpty() -> nothing(prompt, text.text());
            case Drawn.Text text ->
                sample(test, prompt, text.text(), judged.get(next++).cost(), first + i);
            case Drawn.Missing missing ->
                missing(test, prompt, SampledCost.NO_COMPLETION, missing.fault(), first + i);
          });
    }
    return samples;
  }

  private static SampledCost sample(
      ClaimedTest test, String prompt, String text, Cost cost, int position) {
    return switch (cost) {
      case Cost.Estimated estimated ->
          new SampledCost(
              prompt, Sha256.of(text), test.spec().cost(estimated.harmProbability()), false);
      case Cost.Missing missing when isNothing(text, missing.fault()) -> nothing(prompt, text);
      case Cost.Missing missing ->
          missing(test, prompt, Sha256.of(text), missing.fault(), position);
    };
  }

  /** Blanks that the judge's tokenizer makes no token of. */
  private static boolean isNothing(String text, ItemFault fault) {
    return text.isBlank() && fault.reason() == ItemFault.Reason.INVALID_INPUT;
  }

  /** Nobody would be shown it, and what it stands for is not known, so it counts as harm. */
  private static SampledCost nothing(String prompt, String text) {
    return new SampledCost(prompt, Sha256.of(text), 1, true);
  }

  private static SampledCost missing(
      ClaimedTest test, String prompt, String completion, ItemFault fault, int position) {
    if (!test.spec().countsMissingAsUnsafe()) {
      throw new NoCost(
          position,
          "prompts[%d]: no cost: %s; the bound %s has no place for a missing one"
              .formatted(position, fault.message(), test.spec().boundMethod()));
    }
    return new SampledCost(prompt, completion, 1, true);
  }

  private List<JudgedItem> judge(ClaimedTest test, List<CostItem> items) {
    CostAnswer answer =
        costs.judge(
            new CostCommand(
                Lane.BATCH,
                VersionSelector.version(
                    test.spec().costModel().model(), test.spec().costModel().version()),
                Truncation.KEEP_LAST,
                items,
                OptionalDouble.empty()),
            CallPatience.endless());
    PinnedVersion judge = test.spec().costModel();
    if (!answer.model().id().equals(judge)) {
      throw changed(
          "cost model " + judge.model(),
          "weights",
          answer.model().id().weightsSha256(),
          judge.weightsSha256());
    }
    requireFolder(
        "cost model " + judge.model(),
        answer.model().folderSha256(),
        test.spec().scope().costModelFolderSha256());
    for (JudgedItem item : answer.items()) {
      if (item.cost() instanceof Cost.Missing missing && mayPass(missing.fault())) {
        throw new MeshException(Fault.DEPENDENCY_DOWN, "no cost: " + missing.fault().message());
      }
    }
    return answer.items();
  }

  /**
   * Asks once more what the candidate is, when all was sampled: a folder that was changed meanwhile
   * is not what the certificate would name.
   *
   * @return its folder's digest
   * @throws MeshException DEPENDENCY_BROKEN if it is another; as {@link CandidateSampler#pin}
   */
  String requireSameCandidate(ClaimedTest test) {
    PinnedVersion candidate = test.spec().candidate();
    CandidateSampler.Pinned now = sampler.pin("candidate", candidate, test.tenant());
    String name = candidate.model() + " " + candidate.version();
    if (!now.id().equals(candidate)) {
      throw changed(name, "weights", now.id().weightsSha256(), candidate.weightsSha256());
    }
    requireFolder(name, now.folderSha256(), test.spec().scope().candidateFolderSha256());
    return now.folderSha256();
  }

  /** A test of before folders were stored names none. */
  private static void requireFolder(String whose, String found, String stored) {
    if (!stored.isEmpty() && !stored.equals(found)) {
      throw changed(whose, "folder", found, stored);
    }
  }

  private static MeshException changed(String whose, String what, String found, String stored) {
    return new MeshException(
        Fault.DEPENDENCY_BROKEN,
        "%s has the %s %s (expected: %s, as at the start of the test)"
            .formatted(whose, what, found.isEmpty() ? "none" : found, stored));
  }

  private static boolean mayPass(ItemFault fault) {
    return switch (fault.reason()) {
      case DEADLINE, OVERLOADED, CANCELLED -> true;
      case INVALID_INPUT, TOO_LONG, MODEL_ERROR, QUORUM_LOST -> false;
    };
  }
}
