package io.ballast.bulk;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.StandardWatchEventKinds;
import java.nio.file.WatchKey;
import java.nio.file.WatchService;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A whole job against a mesh on loopback that refuses much of what it is asked. */
class BulkScoreIT {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int ROWS = 3_000;

  @TempDir private Path work;
  private MoodyMesh mesh;
  private Path output;

  @BeforeEach
  void startMesh() throws IOException {
    mesh = new MoodyMesh();
    output = work.resolve("scores");
  }

  @AfterEach
  void stopMesh() {
    mesh.close();
  }

  @Test
  void killedTwiceEachRowIsThereOnceAndNoFailureIsANumber() throws Exception {
    DataSet data = new DataSet(work.resolve("data"), ROWS);
    mesh.moodiness(0.1);
    for (int kill = 1; kill <= 2; kill++) {
      int committedBefore = committed().size();
      mesh.holdAfter(1_000);
      Process job = startProcess(data, "job-" + kill + ".log");
      mesh.awaitHold();
      awaitMoreCommitted(committedBefore);
      job.destroyForcibly();
      assertThat(job.waitFor(30, TimeUnit.SECONDS)).isTrue();
      assertThat(rows()).as("committed until kill %s", kill).hasSizeBetween(1, ROWS - 1);
      mesh.goOn();
      mesh.forgetCallers();
    }
    Process last = startProcess(data, "job-3.log");
    assertThat(last.waitFor(120, TimeUnit.SECONDS)).isTrue();
    String said = Files.readString(work.resolve("job-3.log"));
    assertThat(last.exitValue()).as(said).isZero();
    assertThat(said).contains("goes on from _job/start-2/chk-", "finished: 3,000 rows, each once");
    assertThat(Files.readString(work.resolve("job-2.log")))
        .contains("goes on from _job/start-1/chk-");

    assertThat(rows()).containsExactlyInAnyOrderEntriesOf(data.expected());
    assertThat(mesh.refusals()).isGreaterThan(20);
    assertThat(mesh.wrongs()).isEmpty();
    assertThat(mesh.mostUnderWay()).isBetween(2, 2 * 3);
    try (Stream<Path> files = Files.list(output)) {
      assertThat(files.map(file -> file.getFileName().toString()))
          .allMatch(name -> name.equals("_job") || name.matches("scores-.*\\.jsonl"));
    }

    List<Path> files = committed();
    assertThat(BulkScore.run(arguments(data))).isZero();
    assertThat(committed()).isEqualTo(files);
  }

  @Test
  void aMeshThatIsAwayStopsTheJobAndTheSameCommandGoesOn() throws Exception {
    DataSet data = new DataSet(work.resolve("data"), 400);
    assertThat(stoppedHalfWay(data)).isEqualTo(3);
    assertThat(rows()).hasSizeLessThan(400);
    mesh.away(false);
    assertThat(BulkScore.run(arguments(data))).isZero();
    assertThat(rows()).containsExactlyInAnyOrderEntriesOf(data.expected());
  }

  @Test
  void whatGotNoAnswerIsRecordedAsATypedFailureIfAskedFor() throws Exception {
    DataSet data = new DataSet(work.resolve("data"), 400);
    mesh.holdAfter(200);
    Thread goesAway = whenHeld(() -> mesh.away(true));
    assertThat(BulkScore.run(arguments(data, "--give-up=record", "--attempts=3"))).isZero();
    goesAway.join();
    Map<String, JsonNode> rows = rows();
    assertThat(rows).containsOnlyKeys(data.expected().keySet());
    int unanswered = 0;
    for (Map.Entry<String, JsonNode> row : rows.entrySet()) {
      if (row.getValue().equals(data.expected().get(row.getKey()))) {
        continue;
      }
      unanswered++;
      assertThat(row.getValue().path("results"))
          .isNotEmpty()
          .allSatisfy(
              result -> {
                assertThat(result.has("value")).isFalse();
                assertThat(result.path("failure").path("reason").asText()).isEqualTo("UNAVAILABLE");
              });
    }
    assertThat(unanswered).isBetween(1, 399);
  }

  @Test
  void anotherModelAnotherQuestionOrAnotherInputIsRefused() throws Exception {
    DataSet data = new DataSet(work.resolve("data"), 400);
    assertThat(stoppedHalfWay(data)).isEqualTo(3);
    mesh.away(false);
    assertThat(BulkScore.run(arguments(data, "--truncation=keep_last"))).isEqualTo(4);
    mesh.weights("b".repeat(64));
    assertThat(BulkScore.run(arguments(data))).isEqualTo(4);
    mesh.weights("a".repeat(64));
    Path third = data.folder().resolve("third.jsonl");
    Files.writeString(third, "{}\n", StandardOpenOption.APPEND);
    assertThat(BulkScore.run(arguments(data))).isEqualTo(4);
    assertThat(rows()).hasSizeLessThan(400);
  }

  private int stoppedHalfWay(DataSet data) throws InterruptedException {
    mesh.holdAfter(200);
    Thread goesAway = whenHeld(() -> mesh.away(true));
    int exitCode = BulkScore.run(arguments(data, "--attempts=3"));
    goesAway.join();
    return exitCode;
  }

  private Thread whenHeld(Runnable then) {
    return Thread.startVirtualThread(
        () -> {
          try {
            mesh.awaitHold();
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
          }
          then.run();
          mesh.goOn();
        });
  }

  private String[] arguments(DataSet data, String... more) {
    List<String> arguments =
        new ArrayList<>(
            List.of(
                "--input=" + data.folder(),
                "--output=" + output,
                "--target=" + mesh.target(),
                "--parallelism=2",
                "--in-flight=3",
                "--batch-items=8",
                "--attempts=40",
                "--first-wait=10ms",
                "--longest-wait=50ms",
                "--checkpoint-every=200ms",
                "--file-size=4kb",
                "--progress-every=1s"));
    arguments.addAll(List.of(more));
    return arguments.toArray(String[]::new);
  }

  private Process startProcess(DataSet data, String log) throws IOException {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx512m",
                "--enable-native-access=ALL-UNNAMED",
                "--sun-misc-unsafe-memory-access=allow",
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                BulkScore.class.getName()));
    command.addAll(List.of(arguments(data)));
    return new ProcessBuilder(command)
        .redirectErrorStream(true)
        .redirectOutput(work.resolve(log).toFile())
        .start();
  }

  /** A checkpoint passes where calls are answered; so they are, one after the other. */
  private void awaitMoreCommitted(int before) throws Exception {
    try (WatchService watch = FileSystems.getDefault().newWatchService()) {
      output.register(watch, StandardWatchEventKinds.ENTRY_CREATE);
      for (int step = 0; committed().size() <= before; step++) {
        assertThat(step).as("steps without a file that is committed").isLessThan(400);
        WatchKey key = watch.poll(100, TimeUnit.MILLISECONDS);
        if (key == null) {
          mesh.answerOne();
        } else {
          key.pollEvents();
          key.reset();
        }
      }
    }
  }

  private List<Path> committed() throws IOException {
    if (!Files.isDirectory(output)) {
      return List.of();
    }
    try (Stream<Path> files = Files.list(output)) {
      return files
          .filter(file -> file.getFileName().toString().startsWith("scores-"))
          .sorted()
          .toList();
    }
  }

  /**
   * Returns what is committed, by file and line; fails where a row is there twice. Words of
   * unreadable rows are left out.
   */
  private Map<String, JsonNode> rows() throws IOException {
    Map<String, JsonNode> rows = new LinkedHashMap<>();
    for (Path file : committed()) {
      for (String line : Files.readAllLines(file)) {
        ObjectNode row = (ObjectNode) JSON.readTree(line);
        String place = row.path("file").asText() + ":" + row.path("line").asLong();
        if (row.has("failure")) {
          assertThat(row.path("failure").path("message").asText()).isNotBlank();
          ((ObjectNode) row.path("failure")).remove("message");
          row.remove(List.of("file", "line"));
        }
        assertThat(rows.put(place, row)).as("%s is there twice", place).isNull();
      }
    }
    return rows;
  }
}
