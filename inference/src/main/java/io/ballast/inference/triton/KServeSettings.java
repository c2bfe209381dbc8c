package io.ballast.inference.triton;

import java.time.Duration;

/**
 * How servers are asked.
 *
 * @param inferDeadline how long an answer may take where the request does not say
 * @param controlDeadline how long health, metadata, statistics and settings may take
 * @param loadDeadline how long loading or unloading a model may take
 * @param maxMessageBytes the largest message taken
 * @param connections how many connections each server gets
 * @param answersAhead how many answers of a stream the server may send before they are read
 * @param deadlineAsQueueTimeout whether a request that does not say how long it may wait on the
 *     server waits no longer than its caller
 * @param readyInterval how often each of several servers is asked whether it is ready
 * @param drainStreams whether a stream that its reader or its caller leaves is read to its end or
 *     the request's own deadline, unseen, instead of cancelled: the server computes what nobody
 *     reads, and is spared a race that ends Triton 2.51
 * @param security how connections are secured, and what servers are told of who asks
 */
public record KServeSettings(
    Duration inferDeadline,
    Duration controlDeadline,
    Duration loadDeadline,
    int maxMessageBytes,
    int connections,
    int answersAhead,
    boolean deadlineAsQueueTimeout,
    Duration readyInterval,
    boolean drainStreams,
    KServeSecurity security) {

  public KServeSettings {
    requirePositive("infer_deadline", inferDeadline);
    requirePositive("control_deadline", controlDeadline);
    requirePositive("load_deadline", loadDeadline);
    requirePositive("ready_interval", readyInterval);
    require("max_message_bytes", maxMessageBytes, maxMessageBytes >= 1_024, "≥ 1,024");
    require("connections", connections, connections >= 1 && connections <= 64, "1 to 64");
    require("answers_ahead", answersAhead, answersAhead >= 1, "≥ 1");
  }

  /**
   * 30 s for an answer, 5 s for control, 5 minutes to load, 256 MiB, one connection each, no
   * encryption; a stream that is left is cancelled.
   */
  public static KServeSettings defaults() {
    return new KServeSettings(
        Duration.ofSeconds(30),
        Duration.ofSeconds(5),
        Duration.ofMinutes(5),
        256 << 20,
        1,
        16,
        true,
        Duration.ofSeconds(1),
        false,
        KServeSecurity.none());
  }

  /** Returns these settings with another deadline for answers. */
  public KServeSettings withInferDeadline(Duration value) {
    return new KServeSettings(
        value,
        controlDeadline,
        loadDeadline,
        maxMessageBytes,
        connections,
        answersAhead,
        deadlineAsQueueTimeout,
        readyInterval,
        drainStreams,
        security);
  }

  /** Returns these settings with another deadline for control. */
  public KServeSettings withControlDeadline(Duration value) {
    return new KServeSettings(
        inferDeadline,
        value,
        loadDeadline,
        maxMessageBytes,
        connections,
        answersAhead,
        deadlineAsQueueTimeout,
        readyInterval,
        drainStreams,
        security);
  }

  /** Returns these settings with another deadline for loading. */
  public KServeSettings withLoadDeadline(Duration value) {
    return new KServeSettings(
        inferDeadline,
        controlDeadline,
        value,
        maxMessageBytes,
        connections,
        answersAhead,
        deadlineAsQueueTimeout,
        readyInterval,
        drainStreams,
        security);
  }

  /** Returns these settings with another number of connections. */
  public KServeSettings withConnections(int value) {
    return new KServeSettings(
        inferDeadline,
        controlDeadline,
        loadDeadline,
        maxMessageBytes,
        value,
        answersAhead,
        deadlineAsQueueTimeout,
        readyInterval,
        drainStreams,
        security);
  }

  /** Returns these settings with another number of answers ahead. */
  public KServeSettings withAnswersAhead(int value) {
    return new KServeSettings(
        inferDeadline,
        controlDeadline,
        loadDeadline,
        maxMessageBytes,
        connections,
        value,
        deadlineAsQueueTimeout,
        readyInterval,
        drainStreams,
        security);
  }

  /** Returns these settings with another interval of readiness. */
  public KServeSettings withReadyInterval(Duration value) {
    return new KServeSettings(
        inferDeadline,
        controlDeadline,
        loadDeadline,
        maxMessageBytes,
        connections,
        answersAhead,
        deadlineAsQueueTimeout,
        value,
        drainStreams,
        security);
  }

  /** Returns these settings with streams that are left drained, or cancelled. */
  public KServeSettings withDrainStreams(boolean value) {
    return new KServeSettings(
        inferDeadline,
        controlDeadline,
        loadDeadline,
        maxMessageBytes,
        connections,
        answersAhead,
        deadlineAsQueueTimeout,
        readyInterval,
        value,
        security);
  }

  /** Returns these settings secured otherwise. */
  public KServeSettings withSecurity(KServeSecurity value) {
    return new KServeSettings(
        inferDeadline,
        controlDeadline,
        loadDeadline,
        maxMessageBytes,
        connections,
        answersAhead,
        deadlineAsQueueTimeout,
        readyInterval,
        drainStreams,
        value);
  }

  private static void requirePositive(String field, Duration value) {
    require(field, value, value.isPositive(), "> 0");
  }

  private static void require(String field, Object value, boolean holds, String expected) {
    if (!holds) {
      throw new IllegalArgumentException(field + ": " + value + " (expected: " + expected + ")");
    }
  }
}
