package io.ballast.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The metrics that the alert rules and dashboards of {@code k8s/monitoring} read. Whoever registers
 * them has a test that they are there: an expression over a name that nobody has is silent for
 * ever.
 */
public final class MonitoredMetrics {
  private static final Pattern NAME =
      Pattern.compile(
          "\\b(?:ballast|gen_ai_server|hikaricp|http|jvm|netty|process|system)_[a-z0-9_]+\\b");

  private MonitoredMetrics() {}

  /** The names as Prometheus has them, those that {@code filter} takes. */
  public static SortedSet<String> named(Predicate<String> filter) {
    Path monitoring = folder();
    try (Stream<Path> dashboards = Files.list(monitoring.resolve("dashboards"))) {
      return Stream.concat(Stream.of(monitoring.resolve("rules.yaml")), dashboards)
          .map(MonitoredMetrics::text)
          .flatMap(text -> NAME.matcher(text).results())
          .map(MatchResult::group)
          .filter(filter)
          .collect(Collectors.toCollection(TreeSet::new));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Whether it is a number of the latest iteration of a run, which is there while one learns. */
  public static boolean isOfARun(String name) {
    return name.startsWith("ballast_run_") && !name.endsWith("_total");
  }

  /** Whether it is of an outbox, which is there where events are published. */
  public static boolean isOfAnOutbox(String name) {
    return name.startsWith("ballast_events_");
  }

  /** Whether it is of a certificate, which is there where calls are encrypted. */
  public static boolean isOfTls(String name) {
    return name.startsWith("ballast_tls_");
  }

  /** The folder in the checkout that the tests run in. */
  private static Path folder() {
    for (Path at = Path.of("").toAbsolutePath(); at != null; at = at.getParent()) {
      Path folder = at.resolve("k8s/monitoring");
      if (Files.isRegularFile(folder.resolve("rules.yaml"))) {
        return folder;
      }
    }
    throw new IllegalStateException(
        "no k8s/monitoring in or above " + Path.of("").toAbsolutePath());
  }

  private static String text(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
