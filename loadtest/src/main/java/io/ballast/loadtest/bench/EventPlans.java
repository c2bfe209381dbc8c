package io.ballast.loadtest.bench;

import java.util.List;

/**
 * How PostgreSQL goes about what the policy-server asks of events, with its planner as it is.
 *
 * @param record of RecordFeedback
 * @param suggestion of GetSuggestion
 * @param page of StreamTrainingRecords, the first
 * @param since the same, of those since a time
 */
record EventPlans(QueryPlan record, QueryPlan suggestion, QueryPlan page, QueryPlan since) {
  /**
   * Beside those of fewer events: how many tables and partitions were looked into, and of how many
   * kinds of steps only one of the two plans has one.
   *
   * @param few the plans of then
   * @param events how many there are now
   */
  List<Figure> beside(EventPlans few, long events) {
    return List.of(
        tables("RecordFeedback", record, few.record, events),
        steps(record, few.record),
        tables("GetSuggestion", suggestion, few.suggestion, events),
        steps(suggestion, few.suggestion),
        tables("the first training records", page, few.page, events),
        steps(page, few.page),
        tables("the training records of the last seconds", since, few.since, events),
        steps(since, few.since));
  }

  private static Figure tables(String what, QueryPlan now, QueryPlan then, long events) {
    Pairs.Pair<Double> counts =
        new Pairs.Pair<>((double) now.tables().size(), (double) then.tables().size());
    return Pairs.of(List.of(counts))
        .figure(
            "%s with %,d events: tables and partitions looked into".formatted(what, events),
            "tables",
            new Goal.Reported());
  }

  private static Figure steps(QueryPlan now, QueryPlan then) {
    return Pairs.alone(
        "... kinds of steps that are not in both plans (%s)"
            .formatted(String.join(", ", now.steps().stream().sorted().toList())),
        "kinds",
        List.of((double) now.otherSteps(then).size()),
        new Goal.Reported());
  }
}
