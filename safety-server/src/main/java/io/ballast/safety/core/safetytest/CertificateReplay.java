package io.ballast.safety.core.safetytest;

import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.rl.bound.SafetyTestNumbers;
import io.ballast.safety.core.cost.CostFlow;
import io.ballast.safety.core.safetytest.CandidateSampler.Drawn;
import io.ballast.safety.core.safetytest.SafetyTestStore.Evidence;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CancellationException;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/**
 * Samples again what a certificate rests on, from the recorded versions and seeds, and says what
 * agrees. It takes no look and issues nothing: what is sampled is what was sampled. Thread-safe.
 */
public final class CertificateReplay {
  /** A cost depends on what it was batched with by some 1e-5. */
  private static final double COST_TOLERANCE = 1e-4;

  private final SafetyTestStore store;
  private final CertificateDesk desk;
  private final CompletionJudge judge;
  private final TestSettings settings;

  public CertificateReplay(
      SafetyTestStore store,
      CertificateDesk desk,
      CandidateSampler sampler,
      CostFlow costs,
      TestSettings settings) {
    this.store = store;
    this.desk = desk;
    this.judge = new CompletionJudge(sampler, costs);
    this.settings = settings;
  }

  /**
   * Where a sample differs.
   *
   * @param position of the prompt in the test, from 0
   * @param field of the evidence
   */
  public record Difference(int position, String field, String said, String found) {}

  /**
   * How far a replay is.
   *
   * @param agreeing samples that are as the evidence has them
   * @param first the first that is not
   */
  public record Progress(int replayed, int total, int agreeing, Optional<Difference> first) {}

  /**
   * What came of it.
   *
   * @param outcome of the costs as they are now; empty if one had none and the bound has no place
   *     for that
   * @param sameDecision whether they pass too
   */
  public record Replayed(Progress progress, Optional<TestOutcome> outcome, boolean sameDecision) {
    /** Whether every sample agrees, and so does the decision. */
    public boolean reproduced() {
      return sameDecision && progress.agreeing() == progress.total();
    }

    /** Why it was not reproduced; empty if it was. */
    public String explanation() {
      if (reproduced()) {
        return "";
      }
      String agree =
          "%,d of %,d samples agree; %s"
              .formatted(
                  progress.agreeing(),
                  progress.total(),
                  sameDecision ? "the decision is the same" : "the decision is another");
      boolean texts =
          progress.first().filter(first -> first.field().equals("completion_sha256")).isPresent();
      return texts
          ? agree
              + "; completions come out the same only from the same engine, on the same kind of processor, with ballast.policy.batch-invariant on when the test ran and now"
          : agree;
    }
  }

  /**
   * Replays a certificate.
   *
   * @param progress is told after each call for completions
   * @param cancelled whether the caller has left
   * @throws MeshException UNKNOWN_RESOURCE if there is no such certificate; PRECONDITION_FAILED for
   *     one without evidence; UNKNOWN_MODEL if a version is gone; DEPENDENCY_BROKEN if a folder has
   *     changed since; DEPENDENCY_DOWN if a server is away
   */
  public Replayed replay(UUID id, Consumer<Progress> progress, BooleanSupplier cancelled) {
    Evidence evidence = desk.get(id);
    if (evidence.signed().isEmpty()) {
      throw new MeshException(
          Fault.PRECONDITION_FAILED,
          "certificate %s is of format 1, which keeps no completions to compare with".formatted(id),
          Map.of("certificate_id", id.toString()));
    }
    ClaimedTest test = store.tested(evidence.certificate().testId()).orElseThrow();
    var unused = judge.requireSameCandidate(test);
    List<SampledCost> said = evidence.samples();
    List<SampledCost> found = new ArrayList<>();
    Progress now = new Progress(0, said.size(), 0, Optional.empty());
    List<String> prompts = test.spec().prompts().prompts();
    int size = test.spec().chunk() == 0 ? settings.chunk() : test.spec().chunk();
    boolean complete = true;
    for (int first = 0; first < prompts.size(); first += size) {
      if (cancelled.getAsBoolean()) {
        throw new CancellationException("the caller left");
      }
      List<String> chunk = prompts.subList(first, Math.min(prompts.size(), first + size));
      List<Drawn> drawn = judge.draw(test, chunk, first);
      try {
        found.addAll(judge.judge(test, chunk, drawn, first));
        now = compared(now, said, found);
      } catch (CompletionJudge.NoCost e) {
        complete = false;
        now =
            new Progress(
                now.replayed() + chunk.size(),
                now.total(),
                now.agreeing(),
                now.first()
                    .or(
                        () ->
                            Optional.of(
                                new Difference(
                                    e.position(), "cost", cost(said.get(e.position())), "none"))));
        found.addAll(said.subList(found.size(), found.size() + chunk.size()));
      }
      progress.accept(now);
    }
    return replayed(now, test, evidence, complete ? Optional.of(found) : Optional.empty());
  }

  private static Progress compared(
      Progress before, List<SampledCost> said, List<SampledCost> found) {
    int agreeing = before.agreeing();
    Optional<Difference> first = before.first();
    for (int i = before.replayed(); i < found.size(); i++) {
      Optional<Difference> difference = difference(i, said.get(i), found.get(i));
      agreeing += difference.isEmpty() ? 1 : 0;
      first = first.isPresent() ? first : difference;
    }
    return new Progress(found.size(), before.total(), agreeing, first);
  }

  private static Optional<Difference> difference(int i, SampledCost said, SampledCost found) {
    if (!said.promptSha256().equals(found.promptSha256())) {
      return Optional.of(
          new Difference(i, "prompt_sha256", said.promptSha256(), found.promptSha256()));
    }
    if (!said.completionSha256().equals(found.completionSha256())) {
      return Optional.of(
          new Difference(
              i, "completion_sha256", said.completionSha256(), found.completionSha256()));
    }
    boolean sameCost = Math.abs(said.cost() - found.cost()) <= COST_TOLERANCE;
    return said.missing() == found.missing() && sameCost
        ? Optional.empty()
        : Optional.of(new Difference(i, "cost", cost(said), cost(found)));
  }

  private static String cost(SampledCost sample) {
    return sample.missing() ? "none, counted as " + sample.cost() : Double.toString(sample.cost());
  }

  private static Replayed replayed(
      Progress progress, ClaimedTest test, Evidence evidence, Optional<List<SampledCost>> found) {
    if (found.isEmpty()) {
      return new Replayed(progress, Optional.empty(), false);
    }
    List<Integer> groups = test.spec().prompts().groupNumbers();
    List<SampledCost> samples = new ArrayList<>();
    for (SampledCost sample : found.get()) {
      samples.add(groups.isEmpty() ? sample : sample.of(groups.get(samples.size())));
    }
    SafetyTestNumbers numbers = SampledCost.decide(test.spec().rule(), samples).numbers();
    TestOutcome outcome =
        new TestOutcome(numbers, (int) samples.stream().filter(SampledCost::missing).count());
    return new Replayed(
        progress,
        Optional.of(outcome),
        outcome.passed() == evidence.certificate().outcome().passed());
  }
}
