package io.ballast.policy.core.version;

import java.time.Instant;
import java.util.Optional;

/**
 * One move of an alias.
 *
 * @param fromVersion where it pointed before; empty at its creation
 * @param toVersion where it pointed afterwards
 * @param movedAt when
 * @param certificateId the certificate that allowed it; empty at creation and for a rollback
 * @param folderSha256 the folder of the version that it brings, as it was certified; empty where no
 *     certificate says one
 * @param redemptionId the leave that the certificate was redeemed for; empty but for a promotion
 * @param kind what kind of move
 * @param breakGlass who and why, for a move without a certificate
 * @param canary what it says of a canary
 */
public record AliasMove(
    String fromVersion,
    String toVersion,
    Instant movedAt,
    String certificateId,
    String folderSha256,
    String redemptionId,
    Kind kind,
    Optional<BreakGlass> breakGlass,
    Optional<CanaryStep> canary) {
  /** Whether the alias stays where it is, as when a canary begins. */
  public boolean staysPut() {
    return kind == Kind.CANARY || kind == Kind.CANARY_ROLL_BACK;
  }

  /** What moved an alias. */
  public enum Kind {
    CREATE("create"),
    PROMOTE("promote"),
    ROLL_BACK("roll_back"),
    BREAK_GLASS("break_glass"),
    /** A canary begins; the alias stays where it is. */
    CANARY("canary"),
    /** The alias moves to what was its canary. */
    CANARY_COMPLETE("canary_complete"),
    /** A canary ends; the alias stays where it is. */
    CANARY_ROLL_BACK("canary_roll_back");

    private final String label;

    Kind(String label) {
      this.label = label;
    }

    /** The kind's name on the wire and in the database. */
    public String label() {
      return label;
    }

    /** Returns the kind of this {@code label}. */
    public static Kind ofLabel(String label) {
      for (Kind kind : values()) {
        if (kind.label.equals(label)) {
          return kind;
        }
      }
      throw new IllegalArgumentException("kind of move: " + label);
    }
  }
}
