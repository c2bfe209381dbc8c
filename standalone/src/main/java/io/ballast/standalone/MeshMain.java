package io.ballast.standalone;

import io.quarkus.runtime.Quarkus;
import io.quarkus.runtime.QuarkusBindException;
import io.quarkus.runtime.annotations.QuarkusMain;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** The process's entry: what fails before {@link MeshApplication} runs is said in one line here. */
@QuarkusMain
public final class MeshMain {
  private static final int FAILED = 1;

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

  /** An unknown or malformed property has a line of its own each; people get all of them in one. */
  private static String oneLine(Throwable root) {
    String message = root.getMessage();
    return message == null
        ? root.getClass().getSimpleName()
        : message.lines().map(String::strip).collect(Collectors.joining(" "));
  }
}
