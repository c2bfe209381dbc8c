package io.ballast.orchestrator.core.run;

import io.ballast.kit.error.MeshException;
import io.ballast.orchestrator.core.peer.SafetyTestReport;
import io.ballast.orchestrator.core.peer.SafetyTester;
import io.ballast.orchestrator.core.spec.SpecReading;
import java.util.List;

/** What the safety tests of a run have proved, where it shall promote nothing. */
public final class RunCertificates {
  private final SafetyTester tester;
  private final SpecReading specs;

  public RunCertificates(SafetyTester tester, SpecReading specs) {
    this.tester = tester;
    this.specs = specs;
  }

  /**
   * Makes every certificate of {@code run} void; once more changes nothing.
   *
   * @throws MeshException DEPENDENCY_DOWN, naming the certificate that may still be valid
   */
  void revoke(Run run, String reason) {
    for (SafetyTestReport test : run.progress().tests()) {
      String id = test.certificateId();
      if (!id.isEmpty()) {
        try {
          tester.revoke(run.tenant(), id, reason);
        } catch (MeshException e) {
          throw new MeshException(
              e.fault(),
              "certificate %s of run %s may still be valid: %s"
                  .formatted(id, run.runId(), e.getMessage()),
              e.metadata());
        }
      }
    }
  }

  /**
   * Makes the certificates of a cancelled run void whose tests have not all passed: each speaks of
   * one constraint, and the spec asks for all.
   *
   * @throws MeshException DEPENDENCY_DOWN, naming the certificate that may still be valid
   */
  void revokeOfCancelled(Run run) {
    List<SafetyTestReport> tests = run.progress().tests();
    if (run.state() != RunState.CANCELLED || tests.isEmpty()) {
      return;
    }
    int constraints = specs.learned(run.spec()).constraints().size();
    if (tests.size() < constraints || run.certificateId().isEmpty()) {
      revoke(run, "the run was cancelled before it had passed by all its constraints");
    }
  }
}
