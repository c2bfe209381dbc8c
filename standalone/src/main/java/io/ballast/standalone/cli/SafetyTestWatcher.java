package io.ballast.standalone.cli;

import io.ballast.safety.v1.Certificate;
import io.ballast.safety.v1.GetCertificateRequest;
import io.ballast.safety.v1.GetSafetyTestRequest;
import io.ballast.safety.v1.LedgerEntry;
import io.ballast.safety.v1.LookState;
import io.ballast.safety.v1.SafetyServiceGrpc;
import io.ballast.safety.v1.SafetyTest;
import io.ballast.safety.v1.SafetyTestState;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.util.concurrent.TimeUnit;

/** Watches a safety test to its end. A mesh that goes away and comes back is watched on. */
final class SafetyTestWatcher {
  private static final int MOST_RECONNECTS = 60;
  private static final long RECONNECT_MILLIS = 1_000;

  /** How long one call waits for the end: how far the test is, is seen as often. */
  private static final long LOOK_SECONDS = 3;

  private final Printing printing;
  private final MeshTarget target;
  private final ProgressLine progress;

  SafetyTestWatcher(Printing printing, MeshTarget target, CommandContext context) {
    this.printing = printing;
    this.target = target;
    this.progress = new ProgressLine(printing, context.terminal());
  }

  /**
   * Follows {@code begun} until it has ended, and says how.
   *
   * @return OK if it passed, REFUSED if no solution was found, else FAILED
   */
  Exit watch(MeshTarget.Connection mesh, SafetyTest begun) throws InterruptedException {
    SafetyTest now = begun;
    int failures = 0;
    while (now.getState() == SafetyTestState.SAFETY_TEST_STATE_RUNNING) {
      show(now);
      try {
        now = look(mesh, begun.getTestId());
        failures = 0;
      } catch (StatusRuntimeException e) {
        if (!mayPass(e) || ++failures > MOST_RECONNECTS) {
          progress.end();
          throw e;
        }
        Thread.sleep(RECONNECT_MILLIS);
      }
    }
    show(now);
    progress.end();
    printing.document(now);
    printing.table(summary(now));
    if (!now.getCertificateId().isEmpty() && !printing.json()) {
      printing.table(allows(certificate(mesh, now.getCertificateId())));
    }
    return exit(now);
  }

  private SafetyTest look(MeshTarget.Connection mesh, String id) {
    return SafetyServiceGrpc.newBlockingStub(mesh.channel())
        .withDeadlineAfter(LOOK_SECONDS, TimeUnit.SECONDS)
        .getSafetyTest(
            GetSafetyTestRequest.newBuilder()
                .setMetadata(target.metadata())
                .setTestId(id)
                .setWait(true)
                .build())
        .getTest();
  }

  private static boolean mayPass(StatusRuntimeException e) {
    Status.Code code = e.getStatus().getCode();
    return code == Status.Code.UNAVAILABLE || code == Status.Code.DEADLINE_EXCEEDED;
  }

  private void show(SafetyTest test) {
    if (test.getPromptsCount() > 0) {
      progress.at("sampled and judged", (double) test.getJudgedCount() / test.getPromptsCount());
    }
  }

  /** What is known of a test that has ended, a line for each thing. */
  private static TextTable summary(SafetyTest test) {
    TextTable table = TextTable.plain();
    table.row("candidate", ModelOptions.text(test.getCandidate()));
    table.row("safety test", RunTable.test(test));
    if (test.getState() == SafetyTestState.SAFETY_TEST_STATE_NO_SOLUTION_FOUND) {
      table.row("because", because(test));
    }
    table.row("look", look(test.getLook()));
    return table;
  }

  private Certificate certificate(MeshTarget.Connection mesh, String id) {
    return ModelsCommand.safety(mesh)
        .getCertificate(
            GetCertificateRequest.newBuilder()
                .setMetadata(target.metadata())
                .setCertificateId(id)
                .build())
        .getCertificate();
  }

  /** What a certificate allows, and how it is used. */
  private static TextTable allows(Certificate certificate) {
    String id = certificate.getCertificateId();
    return TextTable.plain()
        .row(
            "certificate",
            "%s, until %s; ./mesh models certificate %s"
                .formatted(id, ModelsCommand.time(certificate.getExpireTime()), id))
        .row(
            "promote",
            "./mesh models promote %s --model %s --alias %s --certificate %s"
                .formatted(
                    certificate.getCandidate().getVersion(),
                    certificate.getCandidate().getModel(),
                    certificate.getAlias(),
                    id));
  }

  private static String because(SafetyTest test) {
    if (test.getSealed()) {
      return "kept back, with all numbers, until the set of its prompts closes";
    }
    return switch (test.getNoSolutionReason()) {
      case NO_SOLUTION_REASON_OVER_THRESHOLD -> "the upper bound is over the threshold";
      case NO_SOLUTION_REASON_NO_SPREAD ->
          "all costs are the same, and Student's t knows nothing of their spread; other bounds"
              + " hold for such costs too (--bound)";
      case NO_SOLUTION_REASON_UNSPECIFIED, UNRECOGNIZED -> "the safety-server does not say";
    };
  }

  private static String look(LedgerEntry look) {
    String which =
        "%d of %d at these %,d prompts, δ = %s"
            .formatted(look.getLook(), look.getLooks(), look.getPromptsCount(), look.getDelta());
    return look.getState() == LookState.LOOK_STATE_GIVEN_BACK
        ? which + "; given back"
        : which + "; used up";
  }

  /** A test's state in words. */
  static String state(SafetyTest test) {
    return SuggestCommand.words(test.getState().name(), "SAFETY_TEST_STATE_");
  }

  private static Exit exit(SafetyTest test) {
    return switch (test.getState()) {
      case SAFETY_TEST_STATE_PASSED -> Exit.OK;
      case SAFETY_TEST_STATE_NO_SOLUTION_FOUND -> Exit.REFUSED;
      case SAFETY_TEST_STATE_FAILED,
          SAFETY_TEST_STATE_ABORTED,
          SAFETY_TEST_STATE_RUNNING,
          SAFETY_TEST_STATE_UNSPECIFIED,
          UNRECOGNIZED ->
          Exit.FAILED;
    };
  }
}
