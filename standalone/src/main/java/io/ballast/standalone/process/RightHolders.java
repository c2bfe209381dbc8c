package io.ballast.standalone.process;

import io.ballast.kit.call.Texts;
import io.ballast.kit.security.Right;
import io.ballast.standalone.config.MeshConfig;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * Who may be what by a configuration, for the audit trail: names, no secret, and of the mesh's
 * token a mark that a replaced one has not.
 */
final class RightHolders {
  /** Characters of a name in a line. */
  private static final int SHOWN = 256;

  private RightHolders() {}

  /** Returns a line {@code RIGHT: WHO} for each right of each name that is known. */
  static SortedSet<String> of(MeshConfig config) {
    SortedSet<String> lines = new TreeSet<>();
    Optional<String> token = config.server().bearerToken().map(TokenMark::of);
    for (Right right : Right.values()) {
      if (config.asksNobody()) {
        lines.add(line(right, "anybody"));
      }
      token.ifPresent(
          mark ->
              lines.add(
                  line(
                      right,
                      "whoever shows the mesh's token (mark %s), of any tenant".formatted(mark))));
    }
    config
        .security()
        .certificates()
        .forEach(
            (name, holder) -> {
              String tenant = holder.tenant().map("of tenant "::concat).orElse("of any tenant");
              String who = "certificate " + quoted(name) + ", " + tenant;
              holder.rights().forEach(right -> lines.add(line(right, who)));
            });
    config
        .security()
        .jwt()
        .ifPresent(
            jwt ->
                jwt.rights()
                    .forEach(
                        (name, right) ->
                            lines.add(
                                line(
                                    right,
                                    "JWT of %s with %s in %s"
                                        .formatted(
                                            quoted(jwt.issuer()),
                                            quoted(name),
                                            quoted(jwt.rightsClaim()))))));
    return lines;
  }

  private static String line(Right right, String who) {
    return right.label() + ": " + who;
  }

  private static String quoted(String name) {
    return "\"" + Texts.asLine(name, SHOWN) + "\"";
  }
}
