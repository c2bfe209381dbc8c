package io.ballast.kit.audit;

import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.redaction.Wordless;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells a trail which versions an operator's file lets serve: each turn once, also one that was
 * made while the server was down, and by several servers of one file. What cannot be told is told
 * later: a file turns models without asking whatever keeps the trail. Thread-safe.
 */
public final class ServingTurns {
  /** What the trail is called among flaws. */
  public static final String TRAIL = "the audit trail";

  private static final Logger LOG = LoggerFactory.getLogger(ServingTurns.class);

  /** In the place of a version that was turned to before this server began to look. */
  private static final PinnedVersion NOT_SEEN = new PinnedVersion("", "", "");

  private final TurnTrail audit;

  /** What served first of each model that the file names or named; under this. */
  private final Map<String, PinnedVersion> first = new HashMap<>();

  private final Map<String, PinnedVersion> told = new HashMap<>(); // under this
  private boolean begun; // under this

  /** Turns that {@code audit} tells. */
  public ServingTurns(TurnTrail audit) {
    this.audit = audit;
  }

  /**
   * The models to look at: those that the file names, and those that it named before, as far as
   * this server or the trail knows.
   */
  public synchronized Set<String> models(Set<String> named) {
    Set<String> all = new TreeSet<>(named);
    if (!begun) {
      try {
        audit.served().forEach(model -> first.putIfAbsent(model, NOT_SEEN));
        begun = true;
      } catch (RuntimeException e) { // the next look may succeed
        LOG.warn("which turns the audit trail has cannot be read", Wordless.of(e));
      }
    }
    all.addAll(first.keySet());
    return all;
  }

  /**
   * Tells what was turned.
   *
   * @param before what served of the models before the file was looked at, by model
   * @param now what serves of them
   * @return what is not told yet; empty if all is
   */
  public synchronized Map<String, String> tell(
      Map<String, PinnedVersion> before, Map<String, PinnedVersion> now) {
    before.forEach((model, version) -> first.merge(model, version, ServingTurns::earlier));
    Map<String, PinnedVersion> news = new TreeMap<>(now);
    news.entrySet().removeIf(each -> each.getValue().equals(told.get(each.getKey())));
    if (news.isEmpty()) {
      return Map.of();
    }
    try {
      audit.serving(first, news.values());
    } catch (RuntimeException e) {
      LOG.debug("a turn is not told yet", Wordless.of(e));
      return Map.of(TRAIL, "not told yet that these serve: " + news.keySet());
    }
    told.putAll(news);
    return Map.of();
  }

  private static PinnedVersion earlier(PinnedVersion known, PinnedVersion seen) {
    return known.equals(NOT_SEEN) ? seen : known;
  }
}
