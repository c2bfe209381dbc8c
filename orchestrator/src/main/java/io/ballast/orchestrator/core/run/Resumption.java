package io.ballast.orchestrator.core.run;

import io.ballast.orchestrator.core.Faults;
import io.ballast.orchestrator.core.spec.GroupedPrompts;
import io.ballast.orchestrator.core.spec.SpecReading;

/** Lets a run go on, with fresh prompts where its next safety test needs or takes some. */
final class Resumption {
  private final RunStore store;
  private final SpecReading specs;
  private final RunAdmission admission;

  Resumption(RunStore store, SpecReading specs, RunAdmission admission) {
    this.store = store;
    this.specs = specs;
    this.admission = admission;
  }

  /**
   * Goes on with a paused or failed run.
   *
   * @param testPrompts as {@link Runs#resume} takes them
   * @throws io.ballast.kit.error.MeshException as {@link Runs#resume} says
   */
  Run resume(Run run, GroupedPrompts testPrompts) {
    NextTest next = run.nextTest();
    boolean none = testPrompts.prompts().isEmpty();
    boolean given = !none && store.prompts(run.runId()).test().equals(testPrompts);
    if (next == NextTest.NONE) {
      throw Faults.precondition(
          "no part of its delta is left for another safety test of run %s (safety_test.attempts)"
              .formatted(run.runId()));
    }
    if (next == NextTest.NEEDS_PROMPTS && none) {
      throw Faults.precondition(
          "the safety test of run %s told nothing and its prompts are used up; resume it with fresh ones (test_prompts)"
              .formatted(run.runId()));
    }
    boolean takes = next == NextTest.NEEDS_PROMPTS || next == NextTest.TAKES_PROMPTS;
    if (!takes && !none && !given) {
      throw Faults.precondition(
          "run %s takes no test_prompts: no safety test of it was refused its prompts or has used them up"
              .formatted(run.runId()));
    }
    return admission.resume(
        run,
        () -> takes && !none ? renew(run, testPrompts) : store.change(run.runId(), Run::resume));
  }

  /** Of two at once the first one's prompts stand: a test may have begun on them. */
  private Run renew(Run run, GroupedPrompts testPrompts) {
    NextTest next = run.nextTest();
    PromptSets fresh =
        PromptReader.fresh(
            specs.learned(run.spec()),
            store.prompts(run.runId()),
            testPrompts,
            next == NextTest.NEEDS_PROMPTS);
    Run resumed =
        store.renew(
            run.runId(), stored -> stored.nextTest() == next ? stored.resume() : stored, fresh);
    if (!store.prompts(run.runId()).test().equals(fresh.test())) {
      throw Faults.precondition(
          "run %s was resumed meanwhile with other test_prompts".formatted(run.runId()));
    }
    return resumed;
  }
}
