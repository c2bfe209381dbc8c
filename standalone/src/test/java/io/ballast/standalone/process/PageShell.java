package io.ballast.standalone.process;

import io.ballast.loadtest.bench.FreePorts;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * The terminal of somebody who follows a page: one bash in the checkout for all its commands, in an
 * environment that puts their mesh on free ports and its data elsewhere.
 */
final class PageShell implements AutoCloseable {
  private static final long PATIENCE_SECONDS = 300;

  /** What {@code java} adds to the options of every JVM that it starts. */
  private static final String JVM_OPTIONS = "JDK_JAVA_OPTIONS";

  private final Path work;
  private final Map<String, String> environment;
  private boolean finished;

  /**
   * @param work an empty folder for the mesh's data and what the commands print
   */
  PageShell(Path work) {
    this.work = work;
    int port = FreePorts.inARow();
    String java = System.getProperty("java.home");
    this.environment =
        Map.of(
            "JAVA_HOME",
            java,
            "PATH",
            Path.of(java, "bin") + ":" + System.getenv("PATH"),
            "BALLAST_BUILD",
            "no",
            "BALLAST_PORT",
            Integer.toString(port),
            "BALLAST_HTTP_PORT",
            Integer.toString(FreePorts.inARow()),
            "BALLAST_TARGET",
            "127.0.0.1:" + port,
            "BALLAST_DATA",
            work.resolve("data").toString(),
            JVM_OPTIONS,
            BuiltMesh.FIRST_COMPILER,
            // a busy machine is not what is tested
            "BALLAST_POLICY_GATE_TIMEOUT",
            "PT30S",
            "BALLAST_POLICY_JUDGE_TIMEOUT",
            "PT30S");
  }

  /** What a command printed, on either stream. */
  record Printed(UserPage.Command command, String text) {}

  /** Runs all commands of a page, up to the first that ends otherwise than the page says. */
  List<Printed> run(UserPage page) throws IOException {
    StringBuilder script = new StringBuilder();
    for (int i = 0; i < page.commands().size(); i++) {
      script.append("{ ").append(page.commands().get(i).text()).append("\n} >\"$WORK/").append(i);
      script.append("\" 2>&1 </dev/null\ncode=$?; echo $code >\"$WORK/").append(i);
      script.append(".code\"; [ $code -eq ").append(page.commands().get(i).exit());
      script.append(" ] || exit 99\n");
    }
    Path file = Files.writeString(work.resolve("page.sh"), script);
    int ended = bash(file.toString());
    List<Printed> printed = new ArrayList<>();
    for (int i = 0; i < page.commands().size(); i++) {
      UserPage.Command command = page.commands().get(i);
      Path output = work.resolve(Integer.toString(i));
      String text = Files.exists(output) ? withoutNotes(Files.readString(output)) : "";
      Path code = work.resolve(i + ".code");
      if (!Files.exists(code)
          || Integer.parseInt(Files.readString(code).strip()) != command.exit()) {
        throw new AssertionError(
            "docs/users/%s.md:%d: %s%nended with %s, and the page says %d; it printed:%n%s"
                .formatted(
                    page.name(),
                    command.line(),
                    command.text(),
                    Files.exists(code) ? Files.readString(code).strip() : "the script's " + ended,
                    command.exit(),
                    text));
      }
      printed.add(new Printed(command, text));
    }
    finished = true;
    return printed;
  }

  /** Without what a JVM says of options that no reader has set. */
  private static String withoutNotes(String text) {
    return text.replaceAll("(?m)^NOTE: Picked up " + JVM_OPTIONS + ": .*\n", "");
  }

  private int bash(String... arguments) throws IOException {
    List<String> command = new ArrayList<>(List.of("bash"));
    command.addAll(List.of(arguments));
    ProcessBuilder builder =
        new ProcessBuilder(command)
            .directory(BuiltMesh.home().toFile())
            .redirectErrorStream(true)
            .redirectOutput(work.resolve("bash.out").toFile());
    builder.environment().keySet().removeIf(name -> name.startsWith("BALLAST_"));
    builder.environment().putAll(environment);
    builder.environment().put("WORK", work.toString());
    Process process = builder.start();
    try {
      if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly();
      }
      return process.waitFor();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  /** Stops what a page that broke off has left running; one that came to its end has itself. */
  @Override
  public void close() throws IOException {
    if (!finished) {
      int ignored =
          bash(
              "-c",
              "find \"$WORK\" -type d -name locks | while read -r locks; do"
                  + " ./mesh down --data \"${locks%/locks}\"; done");
    }
  }
}
