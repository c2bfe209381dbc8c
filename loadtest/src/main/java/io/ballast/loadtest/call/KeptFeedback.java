package io.ballast.loadtest.call;

import com.google.protobuf.Timestamp;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.policy.v1.FeedbackServiceGrpc;
import io.ballast.policy.v1.StreamTrainingRecordsRequest;
import io.ballast.policy.v1.StreamTrainingRecordsResponse;
import io.ballast.policy.v1.TrainingRecord;
import io.grpc.Channel;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/**
 * Whether what was acknowledged is there.
 *
 * @param acknowledged events
 * @param lost of them, how many the mesh does not have
 * @param doubled of them, how many it has more than once
 * @param unread why that could not be looked for, which makes the other two say nothing; empty: it
 *     was
 */
public record KeptFeedback(long acknowledged, long lost, long doubled, String unread) {
  /** The mesh's clock may be so far from ours. */
  private static final Duration SKEW = Duration.ofMinutes(5);

  /** Whether each is there once. */
  public boolean holds() {
    return unread.isEmpty() && lost == 0 && doubled == 0;
  }

  /** That nobody could look. */
  public static KeptFeedback unread(Map<String, ReportedEvents> events, String why) {
    return new KeptFeedback(
        events.values().stream().mapToLong(tenant -> tenant.acknowledged().size()).sum(),
        0,
        0,
        why);
  }

  /** Both together. */
  public KeptFeedback plus(KeptFeedback other) {
    return new KeptFeedback(
        acknowledged + other.acknowledged,
        lost + other.lost,
        doubled + other.doubled,
        unread.isEmpty() ? other.unread : unread);
  }

  /**
   * Reads the mesh's training records since {@code begin}.
   *
   * @param events by tenant
   * @throws io.grpc.StatusRuntimeException if the mesh does not answer
   */
  public static KeptFeedback of(
      Channel policy, Map<String, ReportedEvents> events, Instant begin, Duration timeout) {
    long acknowledged = 0;
    long lost = 0;
    long doubled = 0;
    for (Map.Entry<String, ReportedEvents> tenant : events.entrySet()) {
      ReportedEvents reported = tenant.getValue();
      Map<String, Integer> seen = new HashMap<>();
      Map<String, Set<String>> bySuggestion = new HashMap<>();
      Iterator<StreamTrainingRecordsResponse> records =
          FeedbackServiceGrpc.newBlockingStub(policy)
              .withDeadlineAfter(timeout.toNanos(), TimeUnit.NANOSECONDS)
              .streamTrainingRecords(
                  StreamTrainingRecordsRequest.newBuilder()
                      .setMetadata(RequestMetadata.newBuilder().setTenant(tenant.getKey()))
                      .setSinceTime(
                          Timestamp.newBuilder().setSeconds(begin.minus(SKEW).getEpochSecond()))
                      .build());
      while (records.hasNext()) {
        TrainingRecord record = records.next().getRecord();
        String event = record.getEventId();
        if (reported.acknowledged().contains(event)) {
          seen.merge(event, 1, Integer::sum);
        }
        String suggestion = record.getEvent().getSuggestionId();
        if (reported.calls().containsKey(suggestion)) {
          bySuggestion.computeIfAbsent(suggestion, unseen -> new HashSet<>()).add(event);
        }
      }
      acknowledged += reported.acknowledged().size();
      lost += reported.acknowledged().size() - seen.size();
      doubled += seen.values().stream().filter(times -> times > 1).count();
      for (Map.Entry<String, Set<String>> suggestion : bySuggestion.entrySet()) {
        int calls = reported.calls().getOrDefault(suggestion.getKey(), 0);
        doubled += Math.max(0, suggestion.getValue().size() - calls);
      }
    }
    return new KeptFeedback(acknowledged, lost, doubled, "");
  }
}
