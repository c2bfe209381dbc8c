package io.ballast.orchestrator.grpc;

import io.ballast.mesh.v1.ModelSelector;
import io.ballast.orchestrator.core.spec.GoldSpec;
import io.ballast.orchestrator.core.spec.ModelRef;
import io.ballast.orchestrator.core.spec.WatchSpec;
import io.ballast.orchestrator.core.watch.GoldCurve;
import io.ballast.orchestrator.core.watch.GoldReading;
import io.ballast.orchestrator.core.watch.IterationWatch;
import io.ballast.orchestrator.v1.GoldFailure;
import io.ballast.orchestrator.v1.GoldScores;
import io.ballast.orchestrator.v1.IterationMetrics;
import io.ballast.orchestrator.v1.RewardWatch;
import io.ballast.orchestrator.v1.RunAlarm;
import io.ballast.orchestrator.v1.RunAlarmKind;
import io.ballast.orchestrator.v1.WatchAction;
import io.ballast.reward.v1.FitIntervalMethod;
import io.ballast.reward.v1.GoldFit;
import io.ballast.reward.v1.GoldForm;
import io.ballast.reward.v1.GoldPeak;
import io.ballast.rl.stats.AlarmKind;

/** Writes what the watch over a run's rewards saw. */
final class WatchMapper {
  private WatchMapper() {}

  static void put(IterationWatch watch, IterationMetrics.Builder answer) {
    switch (watch.gold()) {
      case null -> {}
      case GoldReading.Measured measured ->
          answer.setGold(
              GoldScores.newBuilder()
                  .setMeanGold(measured.gold())
                  .setGoldStd(measured.goldStd())
                  .setMeanReward(measured.proxy())
                  .setRewardStd(measured.proxyStd())
                  .setScoredCount(measured.scoredCount())
                  .setFailedCount(measured.failedCount()));
      case GoldReading.Failed failed ->
          answer.setGoldFailure(
              GoldFailure.newBuilder().setReason(failed.reason()).setMessage(failed.message()));
    }
    Double gap = watch.gap();
    if (gap != null) {
      answer.setGoldGap(gap);
    }
    watch.alarms().forEach(each -> answer.addAlarms(alarm(each)));
  }

  static RunAlarm alarm(io.ballast.orchestrator.core.watch.RunAlarm alarm) {
    return RunAlarm.newBuilder()
        .setIteration(alarm.iteration())
        .setKind(kind(alarm.alarm().kind()))
        .setObserved(alarm.alarm().observed())
        .setLimit(alarm.alarm().limit())
        .setAction(action(alarm.action()))
        .setConstraint(alarm.constraint())
        .build();
  }

  private static RunAlarmKind kind(AlarmKind kind) {
    return switch (kind) {
      case SPREAD_GREW -> RunAlarmKind.RUN_ALARM_KIND_SPREAD_GREW;
      case PROXY_GOLD_GAP -> RunAlarmKind.RUN_ALARM_KIND_PROXY_GOLD_GAP;
      case LAMBDA_AT_CAP -> RunAlarmKind.RUN_ALARM_KIND_LAMBDA_AT_CAP;
      case KL_HIGH, ENTROPY_LOW, LENGTH_GREW, PHRASE_SPREAD ->
          throw new IllegalStateException("the watch over rewards raises no " + kind);
    };
  }

  private static WatchAction action(io.ballast.orchestrator.core.spec.WatchAction action) {
    return switch (action) {
      case RECORD -> WatchAction.WATCH_ACTION_RECORD;
      case STOP -> WatchAction.WATCH_ACTION_STOP;
      case REFUSE_PROMOTION -> WatchAction.WATCH_ACTION_REFUSE_PROMOTION;
    };
  }

  static RewardWatch watch(WatchSpec spec, GoldCurve curve) {
    RewardWatch.Builder answer =
        RewardWatch.newBuilder()
            .setMaxSpreadGrowth(spec.spread().growth())
            .setMaxGap(spec.maxGap())
            .setPatienceIterations(spec.patience())
            .setAction(action(spec.action()));
    GoldSpec gold = spec.gold();
    if (gold != null) {
      ModelRef model = gold.reward().model();
      answer
          .setGoldModel(
              ModelSelector.newBuilder().setModel(model.model()).setVersion(model.version()))
          .setGoldEveryIterations(gold.everyIterations())
          .setGoldCompletionsCount(gold.completions());
    }
    return switch (curve) {
      case GoldCurve.Fitted(io.ballast.rl.selection.GoldFit fit, double start) ->
          answer.setFit(fit(fit)).setFirstGold(start).setConfidence(GoldCurve.CONFIDENCE).build();
      case GoldCurve.None(String reason) -> answer.setNoFitReason(reason).build();
    };
  }

  private static GoldFit fit(io.ballast.rl.selection.GoldFit fit) {
    GoldFit.Builder built =
        GoldFit.newBuilder()
            .setForm(GoldForm.GOLD_FORM_REINFORCEMENT_LEARNING)
            .setAlpha(fit.alpha().estimate())
            .setAlphaLow(fit.alpha().low())
            .setAlphaHigh(fit.alpha().high())
            .setBeta(fit.beta().estimate())
            .setBetaLow(fit.beta().low())
            .setBetaHigh(fit.beta().high())
            .setIntervalMethod(FitIntervalMethod.FIT_INTERVAL_METHOD_STUDENT_T)
            .setPointsCount(fit.points())
            .setExcludedCount(fit.excluded())
            .setFarthestDistance(fit.farthest());
    fit.rSquared().ifPresent(built::setRSquared);
    fit.zero().ifPresent(built::setZeroDistance);
    fit.peak()
        .ifPresent(
            peak ->
                built.setPeak(
                    GoldPeak.newBuilder()
                        .setDistance(peak.distance())
                        .setKlNats(peak.kl())
                        .setGoldGain(peak.gold())
                        .setObserved(peak.observed())));
    return built.build();
  }
}
