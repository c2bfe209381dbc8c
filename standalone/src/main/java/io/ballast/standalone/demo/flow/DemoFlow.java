package io.ballast.standalone.demo.flow;

import io.ballast.standalone.demo.flow.ComparisonResult.Arm;
import io.ballast.standalone.demo.mesh.RunName;
import io.ballast.standalone.demo.mesh.RunOutcome;
import io.ballast.standalone.demo.mesh.VerifiedCertificate;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The demo from the first suggestion to the last: suggest and react → can the rewards rank? → two
 * runs, each tested → old and new at the same fresh positions.
 */
public final class DemoFlow {
  private final DemoContext demo;
  private final RunSpecs specs;
  private final String attempt;

  /**
   * @param attempt distinguishes this demo's runs from those of another on the same mesh
   */
  public DemoFlow(DemoContext demo, RunSpecs specs, String attempt) {
    this.demo = demo;
    this.specs = specs;
    this.attempt = attempt;
  }

  /** Runs it all; blocks for minutes. */
  public DemoResult run() {
    String before = serving();
    FirstSuggestions first = new SuggestStep(demo).run();
    demo.screen().say(SummaryText.of(first));
    List<RankingRow> ranking = new RankingStep(demo, before).run();
    Map<RunName, RunOutcome> runs = new RunStep(demo, specs, before, attempt).run();
    RunOutcome constrained = of(runs, RunName.CONSTRAINED);
    Optional<VerifiedCertificate> certificate =
        constrained.certificateId().isEmpty()
            ? Optional.empty()
            : Optional.of(
                demo.calls().verify(constrained.certificateId(), constrained.weightsSha256()));
    Map<Arm, String> versions = new EnumMap<>(Arm.class);
    versions.put(Arm.BEFORE, before);
    versions.put(Arm.CONSTRAINED, constrained.version());
    versions.put(Arm.REWARD_ONLY, of(runs, RunName.REWARD_ONLY).version());
    ComparisonResult comparison = new ComparisonStep(demo).run(versions);
    return new DemoResult(
        demo.plan(),
        demo.screen().seconds(),
        before,
        constrained.version(),
        serving(),
        first,
        ranking,
        runs,
        certificate,
        comparison);
  }

  private String serving() {
    return demo.calls()
        .servingVersion()
        .orElseThrow(
            () ->
                new IllegalStateException(
                    "model %s has no alias \"serving\" (is it the mesh's model? see: ./mesh models)"
                        .formatted(demo.plan().model())));
  }

  private static RunOutcome of(Map<RunName, RunOutcome> runs, RunName run) {
    RunOutcome outcome = runs.get(run);
    if (outcome == null) {
      throw new IllegalStateException(run + ": no outcome");
    }
    return outcome;
  }
}
