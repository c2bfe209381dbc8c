package io.ballast.standalone;

import io.quarkus.runtime.Quarkus;
import io.quarkus.runtime.QuarkusBindException;
import io.quarkus.runtime.annotations.QuarkusMain;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** The process's entry: what fails before {@link MeshApplication} runs is said in one line here. */
@QuarkusMain
public final class MeshMain {
  private static final int FAILED = 1;

  private static final String HEADING = "Configuration validation failed:";

  /** What SmallRye Config says of a property that no server has. */
  private static final Pattern UNKNOWN_PROPERTY =
      Pattern.compile("^SRCFG00050: (\\S+) in .* does not map to any root$");

  private MeshMain() {}

  /** Runs until it is told to stop. */
  public static void main(String... args) {
    Quarkus.run(
        MeshApplication.class,
        (code, error) -> {
          complain(error);
          System.exit(error == null ? code : FAILED);
        },
        args);
  }

  private static void complain(@Nullable Throwable error) {
    Throwable root = error;
    for (Throwable cause = error; cause != null; cause = cause.getCause()) {
      if (cause instanceof QuarkusBindException busy) {
        System.err.printf(
            "mesh: port %d is in use; choose another with --http-port or stop what listens there%n",
            busy.getPort());
        return;
      }
      root = cause;
    }
    if (root != null) {
      System.err.println("mesh: " + oneLine(root));
    }
  }

  /**
   * An unknown or malformed property has a line of its own each, below a heading; people get all of
   * them in one, without the heading and what the reader of configurations calls an unknown one.
   */
  static String oneLine(Throwable root) {
    String message = root.getMessage();
    return message == null
        ? root.getClass().getSimpleName()
        : message
            .lines()
            .map(String::strip)
            .filter(line -> !line.equals(HEADING))
            .map(line -> UNKNOWN_PROPERTY.matcher(line).replaceFirst("no property $1"))
            .collect(Collectors.joining(" "));
  }
}
