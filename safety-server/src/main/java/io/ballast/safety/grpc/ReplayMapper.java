package io.ballast.safety.grpc;

import io.ballast.safety.core.safetytest.CertificateReplay.Difference;
import io.ballast.safety.core.safetytest.CertificateReplay.Progress;
import io.ballast.safety.core.safetytest.CertificateReplay.Replayed;
import io.ballast.safety.v1.ReplayCertificateResponse;
import io.ballast.safety.v1.ReplayDifference;
import io.ballast.safety.v1.ReplayResult;

/** Translates replays of certificates. */
final class ReplayMapper {
  private ReplayMapper() {}

  static ReplayCertificateResponse progress(Progress progress) {
    return message(progress).build();
  }

  private static ReplayCertificateResponse.Builder message(Progress progress) {
    ReplayCertificateResponse.Builder message =
        ReplayCertificateResponse.newBuilder()
            .setReplayedCount(progress.replayed())
            .setTotalCount(progress.total())
            .setAgreeingCount(progress.agreeing());
    progress.first().ifPresent(first -> message.setFirstDifference(difference(first)));
    return message;
  }

  private static ReplayDifference difference(Difference difference) {
    return ReplayDifference.newBuilder()
        .setPosition(difference.position())
        .setField(difference.field())
        .setSaid(difference.said())
        .setFound(difference.found())
        .build();
  }

  static ReplayCertificateResponse result(Replayed replayed) {
    ReplayResult.Builder result =
        ReplayResult.newBuilder()
            .setReproduced(replayed.reproduced())
            .setSameDecision(replayed.sameDecision())
            .setExplanation(replayed.explanation());
    replayed.outcome().ifPresent(now -> result.setOutcome(SafetyTestMapper.outcome(now)));
    return message(replayed.progress()).setResult(result).build();
  }
}
