package io.ballast.kit.redaction;

import io.ballast.kit.error.MeshException;
import java.sql.SQLException;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A failure as a log may show it: its type, where it happened and what caused it, without messages
 * that may quote what a person wrote or was shown. Messages of the Java runtime itself, and our own
 * of what was foreseen, stay.
 *
 * <p>Where the logger {@value #TEXTS} is at DEBUG, failures are shown whole.
 */
public final class Wordless extends Exception {
  /** Whoever wants to see texts turns this logger to DEBUG. */
  public static final String TEXTS = "ballast.texts";

  private static final long serialVersionUID = 1L;
  private static final Logger LOG = LoggerFactory.getLogger(TEXTS);
  private static final int MOST_CAUSES = 16;

  private Wordless(String words, Throwable failure, @Nullable Throwable cause) {
    super(words, cause);
    setStackTrace(failure.getStackTrace());
  }

  /** Returns {@code failure}, or what of it a log may show. */
  public static Throwable of(Throwable failure) {
    return LOG.isDebugEnabled() ? failure : of(failure, seen(), 0);
  }

  /** As {@link #of}, of a failure whose own message quotes no text, whatever its causes say. */
  public static Throwable causesOf(Throwable failure) {
    if (LOG.isDebugEnabled()) {
      return failure;
    }
    Set<Throwable> seen = seen();
    seen.add(failure);
    Throwable cause = failure.getCause();
    return new Wordless(
        failure.getClass().getName() + ": " + failure.getMessage(),
        failure,
        cause == null || seen.contains(cause) ? null : of(cause, seen, 1));
  }

  private static Set<Throwable> seen() {
    return Collections.newSetFromMap(new IdentityHashMap<>());
  }

  private static Wordless of(Throwable failure, Set<Throwable> seen, int depth) {
    seen.add(failure);
    Throwable cause = failure.getCause();
    return cause == null || depth == MOST_CAUSES || seen.contains(cause)
        ? new Wordless(words(failure), failure, null)
        : new Wordless(words(failure), failure, of(cause, seen, depth + 1));
  }

  private static String words(Throwable failure) {
    String type = failure.getClass().getName();
    return switch (failure) {
      case MeshException e -> type + ": " + e.fault() + ": " + e.getMessage();
      case SQLException e -> type + ": SQL state " + e.getSQLState();
      case NullPointerException e -> type + ": " + e.getMessage();
      case IndexOutOfBoundsException e -> type + ": " + e.getMessage();
      case ClassCastException e -> type + ": " + e.getMessage();
      case ArithmeticException e -> type + ": " + e.getMessage();
      case NegativeArraySizeException e -> type + ": " + e.getMessage();
      case VirtualMachineError e -> type + ": " + e.getMessage();
      case LinkageError e -> type + ": " + e.getMessage();
      default -> type + ": its message may quote a text (logger " + TEXTS + " at DEBUG shows it)";
    };
  }

  @Override
  public String toString() {
    return String.valueOf(getMessage());
  }
}
