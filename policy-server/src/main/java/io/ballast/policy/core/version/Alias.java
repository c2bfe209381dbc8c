package io.ballast.policy.core.version;

import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Optional;

/**
 * A name that points to a version.
 *
 * @param model the model
 * @param name the alias
 * @param version the version that it points to
 * @param revision counts moves, from 1
 * @param moves all of them, newest first; never empty
 */
public record Alias(
    String model, String name, String version, long revision, List<AliasMove> moves) {
  public Alias {
    moves = List.copyOf(moves);
  }

  /**
   * A version that serves a part of the requests.
   *
   * @param folderSha256 the folder that its certificate is for; empty: any
   * @param share in ten-thousandths
   * @param startRevision since which
   */
  public record Canary(
      String version, String folderSha256, int share, long startRevision, Instant startedAt) {}

  /** Where it pointed before its last move to elsewhere; empty if it never moved. */
  public String previousVersion() {
    return moves.stream()
        .filter(move -> !move.staysPut())
        .findFirst()
        .map(AliasMove::fromVersion)
        .orElse("");
  }

  /** The canary that is under way: one is until another move follows its beginning. */
  public Optional<Canary> canary() {
    AliasMove last = moves.getFirst();
    return last.kind() == AliasMove.Kind.CANARY
        ? last.canary()
            .map(
                begun ->
                    new Canary(
                        begun.version(),
                        last.folderSha256(),
                        begun.share(),
                        revision,
                        last.movedAt()))
        : Optional.empty();
  }

  /**
   * A version that served.
   *
   * @param certificateId the certificate that last brought it; empty of the one that was there
   *     first
   * @param folderSha256 the folder that this certificate was for; empty if it is not known
   */
  public record Served(String version, String certificateId, String folderSha256) {}

  /** What came to serve, and how. */
  private record Arrival(String version, boolean byBreakGlass) {}

  /**
   * Where a rollback may go: the version that served before the one that serves now came, and those
   * before it, the latest first; never the one that serves. What was rolled back is not gone back
   * to, unless it was promoted again: a second rollback goes further back. Nor is what served by
   * break-glass: it never had a certificate.
   */
  public List<Served> servedBefore() {
    Deque<Arrival> arrivals = new ArrayDeque<>();
    for (AliasMove move : moves.reversed()) {
      String to = move.toVersion();
      boolean back = move.kind() == AliasMove.Kind.ROLL_BACK;
      if (back && arrivals.stream().anyMatch(each -> each.version().equals(to))) {
        while (!arrivals.getFirst().version().equals(to)) {
          arrivals.pop();
        }
      } else {
        if (!arrivals.isEmpty() && arrivals.getFirst().version().equals(to)) {
          arrivals.pop();
        }
        arrivals.push(new Arrival(to, move.kind() == AliasMove.Kind.BREAK_GLASS));
      }
    }
    return arrivals.stream()
        .skip(1)
        .filter(each -> !each.byBreakGlass() && !each.version().equals(version))
        .map(each -> served(each.version()))
        .toList();
  }

  /** A version as a certificate last brought it. */
  Served served(String promoted) {
    return moves.stream()
        .filter(move -> !move.certificateId().isEmpty() && !move.staysPut())
        .filter(move -> move.toVersion().equals(promoted))
        .map(move -> new Served(promoted, move.certificateId(), move.folderSha256()))
        .findFirst()
        .orElse(new Served(promoted, "", ""));
  }

  /** The folder that must serve, as it was certified; empty: any. */
  String folderSha256() {
    return moves.stream()
        .filter(move -> !move.staysPut())
        .findFirst()
        .map(AliasMove::folderSha256)
        .orElse("");
  }
}
