package io.ballast.standalone.process;

import io.ballast.kit.runtime.Role;
import io.ballast.standalone.process.SameNumbers.Different;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import java.util.function.IntPredicate;
import java.util.stream.Stream;

/**
 * What was seen of kills, for people.
 *
 * @param rounds the kills in their order
 * @param slow the 99th percentile of how long calls took before the first
 * @param acknowledged by event: how many kills there had been when it was acknowledged
 * @param kept how often each event is there in the end
 */
record KillTable(
    List<Round> rounds,
    Duration slow,
    Map<String, Integer> acknowledged,
    Map<String, Long> kept,
    Collection<Different> wrong) {
  /** What is killed: each role's process, and PostgreSQL. */
  enum Victim {
    POLICY_SERVER,
    REWARD_SERVER,
    SAFETY_SERVER,
    ORCHESTRATOR,
    POSTGRESQL;

    String label() {
      return this == POSTGRESQL ? "PostgreSQL" : Role.values()[ordinal()].label();
    }
  }

  /**
   * One kill.
   *
   * @param ready how long after it the process answered again
   * @param recovered how long after it calls went as before, for a second
   * @param slow the 99th percentile of how long calls took in that second
   */
  record Round(Victim victim, Duration ready, Duration recovered, Duration slow) {}

  /** The events that were acknowledged and are not there. */
  List<String> lost() {
    return lost(kills -> true);
  }

  /** The events that are there more than once. */
  List<String> doubled() {
    return doubled(kills -> true);
  }

  private List<String> lost(IntPredicate when) {
    return events(when).filter(event -> !kept.containsKey(event)).toList();
  }

  private List<String> doubled(IntPredicate when) {
    return events(when).filter(event -> kept.getOrDefault(event, 0L) > 1).toList();
  }

  private Stream<String> events(IntPredicate when) {
    return acknowledged.entrySet().stream()
        .filter(event -> when.test(event.getValue()))
        .map(Map.Entry::getKey);
  }

  /** As Markdown. */
  String text() {
    List<String> lines = new ArrayList<>();
    lines.add(
        "| killed | rounds | events acknowledged | lost | doubled | wrong numbers"
            + " | ready again, s: least, median, most | calls as before, s: least, median, most"
            + " | their p99 then, s: least, median, most | before the first kill, s |");
    lines.add("|---|---|---|---|---|---|---|---|---|---|");
    for (Victim victim : Victim.values()) {
      lines.add(
          row(
              victim.label(),
              rounds.stream().filter(round -> round.victim() == victim).toList(),
              kills -> kills < rounds.size() && rounds.get(kills).victim() == victim,
              kills -> kills > 0 && rounds.get(kills - 1).victim() == victim));
    }
    lines.add(row("all", rounds, kills -> true, kills -> true));
    return String.join("\n", lines) + "\n";
  }

  /**
   * @param before whether an event counts by the kills before it: it is the next that endangers it
   * @param after whether a number counts by the kills before it: it is the last that spoils it
   */
  private String row(String name, List<Round> some, IntPredicate before, IntPredicate after) {
    return String.format(
        Locale.ROOT,
        "| %s | %d | %d | %d | %d | %d | %s | %s | %s | %.2f |",
        name,
        some.size(),
        events(before).count(),
        lost(before).size(),
        doubled(before).size(),
        wrong.stream().filter(each -> after.test(each.disturbed())).count(),
        spread(some, Round::ready),
        spread(some, Round::recovered),
        spread(some, Round::slow),
        seconds(slow));
  }

  private static double seconds(Duration time) {
    return time.toMillis() / 1e3;
  }

  private static String spread(List<Round> some, Function<Round, Duration> time) {
    if (some.isEmpty()) {
      return "";
    }
    double[] seconds = some.stream().map(time).mapToDouble(KillTable::seconds).sorted().toArray();
    double median = (seconds[(seconds.length - 1) / 2] + seconds[seconds.length / 2]) / 2;
    return String.format(
        Locale.ROOT,
        "%.2f, %.2f, %.2f",
        seconds[0],
        median,
        Arrays.stream(seconds).max().orElseThrow());
  }
}
