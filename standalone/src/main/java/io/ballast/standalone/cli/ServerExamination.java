package io.ballast.standalone.cli;

import io.ballast.kit.call.Texts;
import io.ballast.standalone.cli.ScrapedMetrics.Series;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.function.Consumer;

/** Looks at what one process of a mesh measures. */
final class ServerExamination {
  private static final double GIB = 1L << 30;
  private static final double MANY_EVENTS = 1_000;
  private static final double SHED_SHARE = 0.05;
  private static final String DISK_LOW = "docs/operations/runbooks/BallastDiskLow.md";

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
    metrics
        .series("ballast_database_unsafe")
        .filter(series -> series.value() > 0)
        .forEach(series -> found.accept(unsafe(series.label("setting"))));
    metrics.series("ballast_disk_free_bytes").forEach(free -> found.accept(disk(free)));
    if (metrics.has("ballast_peer_breaker_state")) {
      found.accept(breakers());
    }
    queues().ifPresent(found);
    spool().ifPresent(found);
    double damaged = metrics.sum("ballast_policy_spool_damaged");
    if (damaged > 0) {
      found.accept(
          Finding.weak(
              "spool",
              name + ": " + Texts.counted((long) damaged, "damaged file"),
              "on its machine: " + SpoolCommand.MEND));
    }
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

  private Finding unsafe(String setting) {
    return Finding.weak(
        "database",
        "%s: PostgreSQL has %s = off".formatted(name, setting),
        "a crash of it loses what was acknowledged: set it to on, and restart the servers");
  }

  private Finding disk(Series free) {
    String folder = free.label("folder");
    String detail =
        "%s: %.1f GiB free%s"
            .formatted(name, free.value() / GIB, folder.isEmpty() ? "" : " for its " + folder);
    if (free.value() < GIB) {
      return Finding.broken(
          "disk", detail, "make room where it lies, or enlarge its volume: " + DISK_LOW);
    }
    return free.value() < 5 * GIB
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

  private Optional<Finding> queues() {
    List<String> waits = new ArrayList<>();
    if (metrics.has("ballast_reward_waiting_tokens")
        || metrics.has("ballast_safety_waiting_tokens")) {
      double tokens =
          metrics.sum("ballast_reward_waiting_tokens")
              + metrics.sum("ballast_safety_waiting_tokens");
      waits.add("%,.0f tokens to judge".formatted(tokens));
    }
    if (metrics.has("ballast_policy_decoder_waiting_rows")) {
      waits.add("%,.0f completions".formatted(metrics.sum("ballast_policy_decoder_waiting_rows")));
    }
    if (metrics.sum("ballast_events_refused") > 0) {
      return Optional.of(
          Finding.weak(
              "queues",
              name + ": events that Kafka will never take",
              "docs/operations/runbooks/BallastEventsRefused.md"));
    }
    double events = metrics.sum("ballast_events_waiting");
    if (events > MANY_EVENTS) {
      return Optional.of(
          Finding.weak(
              "queues",
              "%s: %,.0f events wait for Kafka".formatted(name, events),
              "docs/operations/runbooks/BallastEventsWait.md"));
    }
    double calls = metrics.sum("ballast_server_calls_seconds_count");
    double refused =
        metrics
            .series("ballast_server_calls_seconds_count")
            .filter(series -> series.label("code").equals("RESOURCE_EXHAUSTED"))
            .mapToDouble(Series::value)
            .sum();
    if (refused > SHED_SHARE * calls) {
      return Optional.of(
          Finding.weak(
              "queues",
              "%s: of its %,.0f calls %,.0f were refused".formatted(name, calls, refused),
              "docs/operations/runbooks/BallastShedsCalls.md"));
    }
    return waits.isEmpty()
        ? Optional.empty()
        : Optional.of(
            Finding.good("queues", "%s: %s wait".formatted(name, String.join(" and ", waits))));
  }

  /** What waits on its disk for a database that was away. */
  private Optional<Finding> spool() {
    double waiting = metrics.sum("ballast_policy_spool_waiting");
    return waiting > 0
        ? Optional.of(
            Finding.weak(
                "spool",
                "%s: %,.0f decisions and events wait for the database, the first for %s"
                    .formatted(
                        name,
                        waiting,
                        DurationText.of(metrics.sum("ballast_policy_spool_oldest_seconds"))),
                "docs/operations/degraded.md; its log says why"))
        : Optional.empty();
  }
}
