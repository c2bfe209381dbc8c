package io.ballast.safety.grpc;

import io.ballast.kit.grpc.MeshMessages;
import io.ballast.kit.grpc.Timestamps;
import io.ballast.safety.core.canary.BoundedMean;
import io.ballast.safety.core.canary.CanarySubject;
import io.ballast.safety.core.canary.CanaryTerms;
import io.ballast.safety.core.canary.CanaryWatch;
import io.ballast.safety.v1.CanaryMean;
import io.ballast.safety.v1.CanaryVerdict;
import io.ballast.safety.v1.CanaryWatchState;
import io.ballast.safety.v1.CanaryWhenHeld;
import io.ballast.safety.v1.ListCanaryWatchesResponse;
import java.time.Duration;
import java.util.List;

/** Translates what is watched of canaries. */
final class CanaryMapper {
  private CanaryMapper() {}

  static ListCanaryWatchesResponse response(List<CanaryWatch> watches) {
    return ListCanaryWatchesResponse.newBuilder()
        .addAllWatches(watches.stream().map(CanaryMapper::watch).toList())
        .build();
  }

  private static io.ballast.safety.v1.CanaryWatch watch(CanaryWatch watch) {
    CanarySubject subject = watch.subject();
    io.ballast.safety.v1.CanaryWatch.Builder message =
        io.ballast.safety.v1.CanaryWatch.newBuilder()
            .setWatchId(watch.id().toString())
            .setModel(subject.model())
            .setAlias(subject.alias())
            .setStartRevision(subject.startRevision())
            .setCanaryVersion(subject.canaryVersion())
            .setControlVersion(subject.controlVersion())
            .setShare(subject.share())
            .setCertificateId(subject.certificateId().toString())
            .setTerms(terms(watch.terms()))
            .setState(
                switch (watch.state()) {
                  case WATCHING -> CanaryWatchState.CANARY_WATCH_STATE_WATCHING;
                  case ROLLING_BACK -> CanaryWatchState.CANARY_WATCH_STATE_ROLLING_BACK;
                  case ROLLED_BACK -> CanaryWatchState.CANARY_WATCH_STATE_ROLLED_BACK;
                  case COMPLETED -> CanaryWatchState.CANARY_WATCH_STATE_COMPLETED;
                  case SUPERSEDED -> CanaryWatchState.CANARY_WATCH_STATE_SUPERSEDED;
                })
            .setVerdict(
                switch (watch.verdict()) {
                  case UNDECIDED -> CanaryVerdict.CANARY_VERDICT_UNDECIDED;
                  case HELD -> CanaryVerdict.CANARY_VERDICT_HELD;
                  case NO_BREACH_BY_HORIZON -> CanaryVerdict.CANARY_VERDICT_NO_BREACH_BY_HORIZON;
                  case COST_OVER_LIMIT -> CanaryVerdict.CANARY_VERDICT_COST_OVER_LIMIT;
                  case ACCEPT_BELOW_CONTROL -> CanaryVerdict.CANARY_VERDICT_ACCEPT_BELOW_CONTROL;
                  case BLIND -> CanaryVerdict.CANARY_VERDICT_BLIND;
                })
            .setReason(watch.reason())
            .setCost(mean(watch.numbers().cost()))
            .setMissingCostsCount(watch.numbers().missing())
            .setCanaryAcceptRate(mean(watch.numbers().canaryAccept()))
            .setControlAcceptRate(mean(watch.numbers().controlAccept()))
            .setAcceptShortfall(mean(watch.numbers().shortfall()))
            .setStartTime(Timestamps.of(subject.startedAt()))
            .setReadTime(Timestamps.of(watch.readAt()))
            .setTrouble(watch.trouble())
            .setEndMove(watch.endMove());
    watch.decidedAt().ifPresent(at -> message.setDecisionTime(Timestamps.of(at)));
    watch.endedAt().ifPresent(at -> message.setEndTime(Timestamps.of(at)));
    return message.build();
  }

  private static io.ballast.safety.v1.CanaryTerms terms(CanaryTerms terms) {
    return io.ballast.safety.v1.CanaryTerms.newBuilder()
        .setCostModel(MeshMessages.version(terms.judge()))
        .setCostLimit(terms.costLimit())
        .setBinaryCost(terms.binaryCost())
        .setAcceptMargin(terms.acceptMargin())
        .setAlpha(terms.alpha())
        .setLeastDecisionsCount(terms.leastDecisions())
        .setHorizonDuration(duration(terms.horizon()))
        .setFeedbackWaitDuration(duration(terms.feedbackWait()))
        .setMaxBlindDuration(duration(terms.maxBlind()))
        .setWhenHeld(
            switch (terms.whenHeld()) {
              case REPORT -> CanaryWhenHeld.CANARY_WHEN_HELD_REPORT;
              case COMPLETE -> CanaryWhenHeld.CANARY_WHEN_HELD_COMPLETE;
            })
        .build();
  }

  private static com.google.protobuf.Duration duration(Duration duration) {
    return com.google.protobuf.Duration.newBuilder()
        .setSeconds(duration.getSeconds())
        .setNanos(duration.getNano())
        .build();
  }

  private static CanaryMean mean(BoundedMean mean) {
    return CanaryMean.newBuilder()
        .setCount(mean.count())
        .setMean(mean.mean())
        .setLowerBound(mean.lower())
        .setUpperBound(mean.upper())
        .build();
  }
}
