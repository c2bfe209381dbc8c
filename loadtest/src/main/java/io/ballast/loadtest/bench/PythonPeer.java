package io.ballast.loadtest.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.MissingNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;

/**
 * A library that somebody would pick in Python, in a process of its own, which answers a line of
 * JSON with a line of JSON.
 */
final class PythonPeer implements AutoCloseable {
  /** Threads that wait for each other sleep: on cores that others use too, spinning starves all. */
  static final Map<String, String> PATIENT_THREADS = Map.of("OMP_WAIT_POLICY", "PASSIVE");

  /**
   * What {@code standalone/environment} tells the mesh's processes, of which this is one, about
   * threads and memory: a peer is as well off as one that a user starts.
   */
  private static final Set<String> OF_THE_MESH =
      Set.of("OPENBLAS_NUM_THREADS", "ONEDNN_PRIMITIVE_CACHE_CAPACITY", "MALLOC_ARENA_MAX");

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final long PATIENCE_NANOS = 5_000_000_000L;

  private final Process process;
  private final BufferedReader answers;
  private final BufferedWriter questions;
  private final String version;

  private PythonPeer(Process process, BufferedReader answers, String version) {
    this.process = process;
    this.answers = answers;
    this.questions = process.outputWriter(StandardCharsets.UTF_8);
    this.version = version;
  }

  /**
   * Starts a peer.
   *
   * @param python the interpreter
   * @param script a resource beside this class, which first says {@code {"ready": "<name and
   *     version>"}}, or {@code {"absent": "<package>"}} and ends
   * @param work a folder that may be written
   * @param arguments of the script
   * @return empty if the interpreter or a package is not there
   */
  static Optional<PythonPeer> start(
      String python, String script, Path work, List<String> arguments, int threads)
      throws IOException {
    return start(python, script, work, arguments, threads, Map.of());
  }

  /** The same with an environment besides this process's own. */
  static Optional<PythonPeer> start(
      String python,
      String script,
      Path work,
      List<String> arguments,
      int threads,
      Map<String, String> environment)
      throws IOException {
    Path file = copy(script, work);
    List<String> command = new ArrayList<>(List.of(python, file.toString()));
    command.addAll(arguments);
    ProcessBuilder builder =
        new ProcessBuilder(command).redirectError(work.resolve(script + ".log").toFile());
    builder.environment().keySet().removeAll(OF_THE_MESH);
    builder.environment().put("OMP_NUM_THREADS", Integer.toString(threads));
    builder.environment().putAll(environment);
    Process process;
    try {
      process = builder.start();
    } catch (IOException notThere) {
      return Optional.empty();
    }
    BufferedReader answers = process.inputReader(StandardCharsets.UTF_8);
    String first = answers.readLine();
    JsonNode said = first == null ? MissingNode.getInstance() : said(first);
    if (!said.has("ready")) {
      process.destroyForcibly();
    }
    if (said.has("absent")) {
      return Optional.empty();
    }
    if (!said.has("ready")) {
      throw new IOException(
          script
              + " ended at once, or did not say that it is ready: "
              + Files.readString(work.resolve(script + ".log")).strip());
    }
    return Optional.of(new PythonPeer(process, answers, said.path("ready").asText()));
  }

  /** Copies a resource beside this class into a folder, and returns the copy. */
  static Path copy(String resource, Path folder) throws IOException {
    Path file = folder.resolve(resource);
    try (InputStream in =
        Objects.requireNonNull(PythonPeer.class.getResourceAsStream(resource), resource)) {
      Files.write(file, in.readAllBytes());
    }
    return file;
  }

  private static JsonNode said(String line) {
    try {
      return JSON.readTree(line);
    } catch (IOException notJson) {
      return MissingNode.getInstance();
    }
  }

  /** Name and version of the library. */
  String version() {
    return version;
  }

  /**
   * Lets it generate greedily.
   *
   * @return tokens a second, prompts included in the time
   */
  double tokensPerSecond(int rows, int[] prompt, int newTokens) {
    ObjectNode question = JSON.createObjectNode();
    question.put("rows", rows);
    question.put("new_tokens", newTokens);
    for (int id : prompt) {
      question.withArray("prompt").add(id);
    }
    return rows * newTokens / seconds(question);
  }

  /** Lets it make requests of a model on a server. */
  RequestWork requests(String model, int requests, int inFlight) {
    ObjectNode question = JSON.createObjectNode();
    question.put("model", model);
    question.put("requests", requests);
    question.put("in_flight", inFlight);
    JsonNode answer = ask(question);
    return new RequestWork(
        requests, answer.path("seconds").asDouble(), answer.path("cpu_seconds").asDouble());
  }

  /** Has it make a trainer of GRPO that learns from some prompts; {@link #train} lets it work. */
  void prepareTraining(List<String> prompts) {
    ObjectNode question = JSON.createObjectNode();
    prompts.forEach(question.withArray("prompts")::add);
    question.put("prompts_per_step", GrpoWork.PROMPTS);
    question.put("group", GrpoWork.GROUP);
    question.put("new_tokens", GrpoWork.NEW_TOKENS);
    question.put("learning_rate", GrpoWork.LEARNING_RATE);
    if (!ask(question).path("prepared").asBoolean()) {
      throw new IllegalStateException(version + " did not prepare its trainer");
    }
  }

  /** Lets its trainer take steps with so many torch threads. */
  GrpoWork.Steps train(int steps, int threads) {
    ObjectNode question = JSON.createObjectNode();
    question.put("steps", steps);
    question.put("threads", threads);
    JsonNode answer = ask(question);
    return new GrpoWork.Steps(
        steps, answer.path("tokens").asDouble(), answer.path("seconds").asDouble());
  }

  /** The most that its processes ever had in memory, each for itself. */
  long peakResidentBytes() {
    return Stream.concat(Stream.of(process.toHandle()), process.descendants())
        .mapToLong(ProcessMemory::peak)
        .sum();
  }

  private double seconds(ObjectNode question) {
    return ask(question).path("seconds").asDouble();
  }

  private JsonNode ask(ObjectNode question) {
    try {
      questions.write(question + "\n");
      questions.flush();
      String answer = answers.readLine();
      if (answer == null) {
        throw new IOException(version + " ended");
      }
      return JSON.readTree(answer);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Its process, from which others may descend. */
  ProcessHandle process() {
    return process.toHandle();
  }

  @Override
  public void close() {
    List<ProcessHandle> all = new ArrayList<>(process.descendants().toList());
    all.add(process.toHandle());
    all.forEach(ProcessHandle::destroy);
    long end = System.nanoTime() + PATIENCE_NANOS;
    for (ProcessHandle each : all) {
      try {
        each.onExit().get(Math.max(0, end - System.nanoTime()), TimeUnit.NANOSECONDS);
      } catch (TimeoutException | ExecutionException e) {
        each.destroyForcibly();
      } catch (InterruptedException e) {
        each.destroyForcibly();
        Thread.currentThread().interrupt();
      }
    }
  }
}
