package io.ballast.standalone.cli;

import io.ballast.standalone.cli.ScrapedMetrics.Series;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.function.Consumer;

/** Looks at what one process of a mesh measures. */
final class ServerExamination {
  private static final double GIB = 1L << 30;
  private static final double MANY_EVENTS = 1_000;
  private static final double SHED_SHARE = 0.05;

  private final String name;
  private final ScrapedMetrics metrics;

  /**
   * @param name of the process, for people
   */
  ServerExamination(String name, ScrapedMetrics metrics) {
    this.name = name;
    this.metrics = metrics;
  }

  /** Looks at one thing after the other. */
  void run(Consumer<Finding> found) {
    metrics.series("ballast_database_up").forEach(up -> found.accept(database(up)));
    metrics.series("ballast_disk_free_bytes").forEach(free -> found.accept(disk(free.value())));
    found.accept(breakers());
    found.accept(queues());
    if (metrics.sum("ballast_safety_canary_unwatched") > 0) {
      found.accept(
          Finding.broken(
              "canaries",
              name + ": a canary serves that it cannot watch",
              "its WARN lines say why; ./mesh models end-canary ends it"));
    }
  }

  private Finding database(Series up) {
    if (up.value() < 1) {
      return Finding.broken(
          "database",
          name + ": PostgreSQL does not answer",
          "look at PostgreSQL; servers find it again by themselves, nothing has to be restarted");
    }
    double waiting = metrics.sum("hikaricp_connections_pending");
    return waiting > 0
        ? Finding.weak(
            "database",
            "%s: %,.0f calls wait for a connection".formatted(name, waiting),
            "slow statements, or too few: ballast.database.max-connections")
        : Finding.good("database", name + ": answers, nobody waits for a connection");
  }

  private Finding disk(double free) {
    String detail = "%s: %.1f GiB free".formatted(name, free / GIB);
    if (free < GIB) {
      return Finding.broken("disk", detail, "make room in its data folder, or enlarge its volume");
    }
    return free < 5 * GIB
        ? Finding.weak("disk", detail, "runs keep versions; 5 GiB is comfortable")
        : Finding.good("disk", detail);
  }

  private Finding breakers() {
    SortedSet<String> away = new TreeSet<>();
    metrics
        .series("ballast_peer_breaker_state")
        .filter(series -> series.value() > 0)
        .forEach(series -> away.add(series.label("peer")));
    return away.isEmpty()
        ? Finding.good("breakers", name + ": all closed")
        : Finding.broken(
            "breakers",
            "%s: open to %s".formatted(name, String.join(", ", away)),
            "look at what is named; it tries again by itself");
  }

  private Finding queues() {
    double tokens =
        metrics.sum("ballast_reward_waiting_tokens") + metrics.sum("ballast_safety_waiting_tokens");
    double rows = metrics.sum("ballast_policy_decoder_waiting_rows");
    String detail =
        "%s: %,.0f tokens to judge and %,.0f completions wait".formatted(name, tokens, rows);
    if (metrics.sum("ballast_events_refused") > 0) {
      return Finding.weak(
          "queues",
          name + ": events that Kafka will never take",
          "docs/operations/runbooks/BallastEventsRefused.md");
    }
    double events = metrics.sum("ballast_events_waiting");
    if (events > MANY_EVENTS) {
      return Finding.weak(
          "queues",
          "%s, %,.0f events wait for Kafka".formatted(detail, events),
          "docs/operations/runbooks/BallastEventsWait.md");
    }
    double calls = metrics.sum("ballast_server_calls_seconds_count");
    double refused =
        metrics
            .series("ballast_server_calls_seconds_count")
            .filter(series -> series.label("code").equals("RESOURCE_EXHAUSTED"))
            .mapToDouble(Series::value)
            .sum();
    return refused > SHED_SHARE * calls
        ? Finding.weak(
            "queues",
            "%s; of its %,.0f calls %,.0f were refused".formatted(detail, calls, refused),
            "docs/operations/runbooks/BallastShedsCalls.md")
        : Finding.good("queues", detail);
  }
}
