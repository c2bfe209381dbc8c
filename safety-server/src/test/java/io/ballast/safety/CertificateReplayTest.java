package io.ballast.safety;

import static io.ballast.safety.testing.TestSafety.prompts;
import static io.ballast.safety.testing.TestSafety.testOf;
import static io.ballast.testing.Refusals.assertRefused;
import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.kit.digest.Sha256;
import io.ballast.safety.testing.FakePolicyServer;
import io.ballast.safety.v1.GetLedgerRequest;
import io.ballast.safety.v1.ListSafetyTestsRequest;
import io.ballast.safety.v1.ReplayCertificateRequest;
import io.ballast.safety.v1.ReplayCertificateResponse;
import io.ballast.safety.v1.ReplayDifference;
import io.grpc.Status;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Whoever doubts a certificate has its completions drawn again. */
class CertificateReplayTest extends SafetyTestsCase {
  private String id = "";

  @BeforeEach
  void pass() {
    id = mesh.run(testOf(prompts(10)).build()).getCertificateId();
    assertThat(id).isNotEmpty();
  }

  @Test
  void theSameVersionsAndSeedsGiveTheSame() {
    List<Long> seeds = seeds();
    mesh.policy.samples.clear();

    List<ReplayCertificateResponse> answers = replay();

    assertThat(answers)
        .extracting(ReplayCertificateResponse::getReplayedCount)
        .containsExactly(4, 8, 10, 10);
    ReplayCertificateResponse last = answers.getLast();
    assertThat(last.getAgreeingCount()).isEqualTo(10);
    assertThat(last.getTotalCount()).isEqualTo(10);
    assertThat(last.hasFirstDifference()).isFalse();
    assertThat(last.getResult().getReproduced()).isTrue();
    assertThat(last.getResult().getSameDecision()).isTrue();
    assertThat(last.getResult().getExplanation()).isEmpty();
    assertThat(last.getResult().getOutcome().getN()).isEqualTo(10);
    assertThat(seeds()).isEqualTo(seeds);
  }

  @Test
  void itSpendsNoLookAndIssuesNothing() {
    var before = mesh.safety().getLedger(GetLedgerRequest.getDefaultInstance());
    replay();

    assertThat(mesh.safety().getLedger(GetLedgerRequest.getDefaultInstance())).isEqualTo(before);
    assertThat(
            mesh.safety()
                .listSafetyTests(ListSafetyTestsRequest.getDefaultInstance())
                .getTestsList())
        .hasSize(1);
  }

  @Test
  void whatDiffersIsCountedAndTheFirstIsNamed() {
    mesh.policy.drifts = true; // as a decoder whose sums depend on its batch

    ReplayCertificateResponse last = replay().getLast();

    assertThat(last.getAgreeingCount()).isZero();
    assertThat(last.getFirstDifference())
        .isEqualTo(
            ReplayDifference.newBuilder()
                .setPosition(0)
                .setField("completion_sha256")
                .setSaid(Sha256.of("int x0 = "))
                .setFound(Sha256.of("~int x0 = "))
                .build());
    assertThat(last.getResult().getReproduced()).isFalse();
    assertThat(last.getResult().getSameDecision()).isTrue();
    assertThat(last.getResult().getExplanation())
        .contains("0 of 10 samples agree")
        .contains("ballast.policy.batch-invariant");
  }

  @Test
  void anotherDecisionIsTold() {
    mesh.database.alter("update safety_test set threshold = 0.01");

    ReplayCertificateResponse last = replay().getLast();

    assertThat(last.getAgreeingCount()).isEqualTo(10);
    assertThat(last.getResult().getSameDecision()).isFalse();
    assertThat(last.getResult().getReproduced()).isFalse();
  }

  @Test
  void whatIsGoneOrChangedIsRefusedByName() {
    mesh.policy.repack("a", "d".repeat(64));
    assertRefused(
        this::replay, Status.Code.INTERNAL, "java-tiny a has the folder " + "d".repeat(64));
    mesh.policy.repack("a", FakePolicyServer.folder("a"));
    mesh.policy.failures.set(1);
    assertRefused(this::replay, Status.Code.UNAVAILABLE, "policy-server");
    mesh.database.alter(
        "update certificate set format = 1, jws = '', key_id = '', merkle_root = '',"
            + " not_after = null, ledger_entry_id = null");
    assertRefused(this::replay, Status.Code.FAILED_PRECONDITION, "is of format 1");
    id = "0192f000-0000-7000-8000-000000000009";
    assertRefused(this::replay, Status.Code.NOT_FOUND, "there is no such certificate");
  }

  private List<Long> seeds() {
    return mesh.policy.samples.stream().map(each -> each.getSampling().getSeed()).toList();
  }

  private List<ReplayCertificateResponse> replay() {
    List<ReplayCertificateResponse> answers = new ArrayList<>();
    mesh.safety()
        .replayCertificate(ReplayCertificateRequest.newBuilder().setCertificateId(id).build())
        .forEachRemaining(answers::add);
    return answers;
  }
}
