package io.ballast.loadtest.run;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.ballast.loadtest.call.LoadTexts;
import io.ballast.loadtest.scenario.LoadScenario;
import io.ballast.loadtest.scenario.Phase;
import io.ballast.loadtest.scenario.ScenarioReader;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * Processes that share a load: each sends its part of the rate, at times of its own, and what they
 * saw is added up, histogram by histogram.
 */
final class ChildProcesses implements LoadGenerator {
  private static final String MEMORY = "-Xmx512m";

  private final LoadScenario scenario;
  private final List<Child> children = new ArrayList<>();
  private double ceiling;

  private ChildProcesses(LoadScenario scenario) {
    this.scenario = scenario;
  }

  /** One process. */
  private static final class Child {
    private final Process process;
    private final PrintStream orders;
    private final BufferedReader answers;

    Child(WorkerOrder order) throws IOException {
      process =
          new ProcessBuilder(command()).redirectError(ProcessBuilder.Redirect.INHERIT).start();
      orders = new PrintStream(process.getOutputStream(), true, StandardCharsets.UTF_8);
      answers = process.inputReader(StandardCharsets.UTF_8);
      orders.println(order.line());
    }

    /** Its next line. */
    String answer() throws IOException {
      String line = answers.readLine();
      if (line == null) {
        throw new IllegalStateException(
            "a process of the load ended without an answer; what it said stands above");
      }
      return line;
    }
  }

  /** This JVM's own command, but for its memory and its agents, with another main class. */
  private static List<String> command() {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
        .filter(
            argument ->
                Stream.of("-Xmx", "-agentlib", "-javaagent").noneMatch(argument::startsWith))
        .forEach(command::add);
    command.addAll(
        List.of(MEMORY, "-cp", System.getProperty("java.class.path"), WorkerMain.class.getName()));
    return command;
  }

  /**
   * Starts processes and waits until all are ready, one after the other: each has measured itself
   * beside the others.
   *
   * @throws RefusedLoadException if the mesh does not answer one of them
   */
  static ChildProcesses start(Path file, LoadScenario scenario, MeshPlace place, int processes) {
    LoadScenario written = ScenarioReader.read(file, LoadTexts.PROMPTS);
    List<Phase> exchanged =
        written.phases().equals(scenario.phases()) ? List.of() : scenario.phases();
    ChildProcesses all = new ChildProcesses(scenario);
    try {
      for (int i = 0; i < processes; i++) {
        all.children.add(new Child(new WorkerOrder(file, exchanged, place, i, processes)));
      }
      for (Child child : all.children) {
        String answer = child.answer();
        if (answer.startsWith(WorkerMain.REFUSED)) {
          String[] words = answer.substring(WorkerMain.REFUSED.length()).split(" ", 2);
          throw new RefusedLoadException(words[1], Boolean.parseBoolean(words[0]));
        }
        all.ceiling += Double.parseDouble(answer.substring(WorkerMain.READY.length()));
      }
      return all;
    } catch (IOException e) {
      all.close();
      throw new UncheckedIOException(e);
    } catch (RuntimeException e) {
      all.close();
      throw e;
    }
  }

  @Override
  public double ceiling() {
    return ceiling;
  }

  @Override
  public LoadPart send() {
    children.forEach(child -> child.orders.println(WorkerMain.GO));
    ObjectMapper json = new ObjectMapper();
    try {
      LoadPart sum = null;
      for (Child child : children) {
        LoadPart part = LoadPart.of(json.readTree(child.answer()), scenario);
        sum = sum == null ? part : sum.plus(part);
      }
      if (sum == null) {
        throw new IllegalStateException("no process shares the load");
      }
      return sum;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void close() {
    for (Child child : children) {
      child.orders.close();
      child.process.destroy();
    }
  }
}
