package io.ballast.kit.audit;

import io.ballast.kit.call.PinnedVersion;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;

/** Acts that every trail tells in the same way, wherever it is kept. */
final class KnownActs {
  /** The action of a start with another configuration. */
  static final String CONFIGURATION = "configuration";

  /** The action of a turn to another version. */
  static final String TURN = "model.turn";

  private static final String SHA256 = "sha256";
  private static final String RIGHTS = "rights";

  /** The details of a {@link #CONFIGURATION} that the next one is compared with. */
  static final List<String> COMPARED = List.of(SHA256, RIGHTS);

  private KnownActs() {}

  /**
   * That a server runs with this configuration, with the lines of its rights, and which of them the
   * last one had not, or had besides; empty if the last one was the same.
   *
   * @param trail what it is called
   * @param last the {@link #COMPARED} details of the last one; of none there are none
   */
  static Optional<Act> configuration(String trail, Map<String, String> last, Configuration now) {
    if (now.sha256().equals(last.get(SHA256)) && lines(now.rights()).equals(last.get(RIGHTS))) {
      return Optional.empty();
    }
    Map<String, String> details = new TreeMap<>();
    details.put(SHA256, now.sha256());
    details.put(RIGHTS, lines(now.rights()));
    String told = last.get(RIGHTS);
    if (told != null) { // an entry of an earlier release has none
      SortedSet<String> before = new TreeSet<>(told.lines().toList());
      putIfAny(details, RIGHTS + "_added", difference(now.rights(), before));
      putIfAny(details, RIGHTS + "_removed", difference(before, now.rights()));
    }
    return Optional.of(new Act(CONFIGURATION, "", "", trail, "", details));
  }

  private static SortedSet<String> difference(SortedSet<String> of, SortedSet<String> without) {
    SortedSet<String> rest = new TreeSet<>(of);
    rest.removeAll(without);
    return rest;
  }

  private static void putIfAny(Map<String, String> details, String key, SortedSet<String> lines) {
    if (!lines.isEmpty()) {
      details.put(key, lines(lines));
    }
  }

  private static String lines(SortedSet<String> lines) {
    return String.join("\n", lines);
  }

  /**
   * That an operator's file turned a model.
   *
   * @param from empty: nobody knows
   */
  static Act turn(Optional<PinnedVersion> from, PinnedVersion to) {
    return new Act(
        TURN,
        "",
        "the operator's serving file",
        to.model(),
        "",
        Map.of(
            "from", from.map(PinnedVersion::version).orElse(""),
            "from_sha256", from.map(PinnedVersion::weightsSha256).orElse(""),
            "to", to.version(),
            "to_sha256", to.weightsSha256()));
  }
}
