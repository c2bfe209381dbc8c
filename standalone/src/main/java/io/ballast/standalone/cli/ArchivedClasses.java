package io.ballast.standalone.cli;

import java.io.PrintWriter;
import picocli.CommandLine;

/**
 * Loads what commands load, for the archive of classes from which {@code ./mesh} starts them: all
 * commands, and what a call takes, to a port where nobody listens.
 */
public final class ArchivedClasses {
  private ArchivedClasses() {}

  /** Runs a command that reaches nobody, and prints nothing. */
  public static void main(String[] args) {
    PrintWriter nowhere = new PrintWriter(PrintWriter.nullWriter());
    CommandLine line = MeshCommand.commandLine(MeshCommand.ofThisProcess(), nowhere, nowhere);
    int unused = line.execute("models", "list", "--target", "127.0.0.1:1");
    System.exit(0); // with whatever threads a channel has left
  }
}
