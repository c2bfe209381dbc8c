package io.ballast.policy.adapter.spool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.kit.error.MeshException;
import io.ballast.kit.file.OwnerOnly;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Records come back in their order, whole or not at all, wherever a crash cut the files. */
class SegmentLogTest {
  private static final int ONE_FILE = 1 << 20;
  private static final long NO_LIMIT = Long.MAX_VALUE;
  private static final Instant AT = Instant.parse("2026-11-29T16:00:00.123Z");

  @TempDir Path root;

  @Test
  void whatIsAppendedComesBackInItsOrderAfterAnotherStart() throws Exception {
    try (SegmentLog log = open(root, 1)) { // every record begins a file
      append(log, "one", "two", "three");
      assertThat(log.waiting()).isEqualTo(3);
      assertThat(log.oldest()).contains(AT);
      assertThat(files(root)).hasSizeGreaterThan(1);
    }
    List<String> told = new ArrayList<>();
    try (SegmentLog log = SegmentLog.open(root, 1, record -> told.add(text(record)))) {
      assertThat(told).containsExactly("one", "two", "three");
      append(log, "four");
      assertThat(drain(log)).containsExactly("one", "two", "three", "four");
      assertThat(log.bytes()).isZero();
      assertThat(files(root)).as("no file is left without a record that is wanted").isEmpty();
      append(log, "five");
      assertThat(drain(log)).containsExactly("five");
    }
  }

  @Test
  void nobodyButItsOwnerReadsWhatWaits() throws Exception {
    Path folder = root.resolve("data/policy-spool");
    try (SegmentLog log = open(folder, 1)) {
      append(log, "a prompt", "another");
      assertThat(files(folder)).hasSize(2);
      for (Path file : files(folder)) {
        assertThat(OwnerOnly.isOpenToOthers(file)).as(file.toString()).isFalse();
      }
      assertThat(OwnerOnly.isOpenToOthers(folder)).isFalse();
      assertThat(OwnerOnly.isOpenToOthers(root.resolve("data"))).isFalse();
    }
  }

  @Test
  void aFileIsThereAsLongAsOneOfItsRecordsIsWanted() throws Exception {
    try (SegmentLog log = open(root, ONE_FILE)) {
      append(log, "one", "two");
      assertThat(take(log)).contains("one");
    }
    try (SegmentLog log = open(root, ONE_FILE)) {
      assertThat(drain(log)).as("a crash brings back what was taken").containsExactly("one", "two");
    }
  }

  @Test
  void whereverTheLastFileIsCutWholeRecordsStay() throws Exception {
    List<String> records = List.of("first", "", "third, which is longer than the others");
    Path whole = root.resolve("whole");
    List<Long> ends = new ArrayList<>();
    try (SegmentLog log = open(whole, ONE_FILE)) {
      for (String record : records) {
        append(log, record);
        ends.add(log.bytes());
      }
    }
    byte[] bytes = Files.readAllBytes(files(whole).getFirst());
    assertThat((long) bytes.length).isEqualTo(ends.getLast());
    for (int cut = 0; cut <= bytes.length; cut++) {
      Path folder = Files.createDirectory(root.resolve("cut" + cut));
      Path file = folder.resolve(files(whole).getFirst().getFileName().toString());
      Files.write(file, Arrays.copyOf(bytes, cut));
      long end = cut;
      int kept = (int) ends.stream().filter(e -> e <= end).count();

      try (SegmentLog log = open(folder, ONE_FILE)) {
        append(log, "later");
      }
      try (SegmentLog log = open(folder, ONE_FILE)) {
        List<String> expected = new ArrayList<>(records.subList(0, kept));
        expected.add("later");
        assertThat(drain(log)).as("cut at %s", cut).isEqualTo(expected);
      }
      assertThat(kept(folder)).as("cut at %s", cut).isEmpty();
    }
  }

  @Test
  void aRecordInWhichAnyByteDiffersIsNone() throws Exception {
    Path whole = root.resolve("whole");
    long good;
    try (SegmentLog log = open(whole, ONE_FILE)) {
      append(log, "good");
      good = log.bytes();
      append(log, "bad");
    }
    byte[] bytes = Files.readAllBytes(files(whole).getFirst());
    for (int i = (int) good; i < bytes.length; i++) {
      Path folder = Files.createDirectory(root.resolve("flip" + i));
      byte[] flipped = bytes.clone();
      flipped[i] ^= 1;
      Files.write(folder.resolve(files(whole).getFirst().getFileName().toString()), flipped);

      try (SegmentLog log = open(folder, ONE_FILE)) {
        assertThat(drain(log)).as("byte %s", i).containsExactly("good");
      }
    }
  }

  @Test
  void whereAWholeRecordFollowsItIsDamageInTheLastFileToo() throws Exception {
    Path whole = root.resolve("whole");
    long good;
    long bad;
    try (SegmentLog log = open(whole, ONE_FILE)) {
      append(log, "good");
      good = log.bytes();
      append(log, "bad");
      bad = log.bytes();
      append(log, "acknowledged, and behind it");
    }
    byte[] bytes = Files.readAllBytes(files(whole).getFirst());
    for (int i = (int) good; i < bad; i++) {
      Path folder = Files.createDirectory(root.resolve("flip" + i));
      byte[] flipped = bytes.clone();
      flipped[i] ^= 1;
      Files.write(folder.resolve(files(whole).getFirst().getFileName().toString()), flipped);

      try (SegmentLog log = open(folder, ONE_FILE)) {
        assertThat(drain(log)).as("byte %s", i).containsExactly("good");
      }
      assertThat(kept(folder))
          .as("byte %s", i)
          .singleElement()
          .satisfies(file -> assertThat(file).hasBinaryContent(flipped));
    }
  }

  @Test
  void zerosAtTheEndAreWhatACrashLeaves() throws Exception {
    try (SegmentLog log = open(root, ONE_FILE)) {
      append(log, "good");
    }
    Path file = files(root).getFirst();
    byte[] bytes = Files.readAllBytes(file);
    Files.write(file, Arrays.copyOf(bytes, bytes.length + 4_096)); // longer, and never written

    try (SegmentLog log = open(root, ONE_FILE)) {
      assertThat(drain(log)).containsExactly("good");
    }
    assertThat(kept(root)).isEmpty();
  }

  @Test
  void aDamagedFileBeforeTheLastIsKeptBesideTheLog() throws Exception {
    try (SegmentLog log = open(root, 64)) {
      append(log, "one, longer than what a file takes at most, so that the next is another's");
      append(log, "two");
    }
    Path first = files(root).getFirst();
    byte[] damaged = Files.readAllBytes(first);
    damaged[damaged.length - 1] ^= 1;
    Files.write(first, damaged);

    try (SegmentLog log = open(root, 64)) {
      assertThat(drain(log)).containsExactly("two");
    }
    assertThat(kept(root)).singleElement().isEqualTo(Path.of(first + ".damaged"));
    assertThat(kept(root).getFirst()).hasBinaryContent(damaged);
  }

  @Test
  void whatWouldTakeMoreThanItMayIsRefusedAndTakenLater() throws Exception {
    try (SegmentLog log = open(root, ONE_FILE)) {
      append(log, "one");
      long limit = log.bytes() + SegmentFile.RECORD_BYTES + 2;
      assertThatThrownBy(() -> log.append(bytes("two"), AT, limit))
          .isInstanceOf(MeshException.class)
          .hasMessageContaining("fills its %,d bytes".formatted(limit));
      log.append(bytes("2"), AT, limit);
      assertThat(drain(log)).containsExactly("one", "2");
    }
  }

  @Test
  void ofManyWhoAppendAtOnceNobodysRecordIsLostOrDoubled() throws Exception {
    int writers = 16;
    int each = 50;
    List<String> taken = new ArrayList<>();
    try (SegmentLog log = open(root, 4_096);
        ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<?>> done = new ArrayList<>();
      for (int w = 0; w < writers; w++) {
        int writer = w;
        done.add(
            threads.submit(
                () -> {
                  for (int i = 0; i < each; i++) {
                    append(log, writer + "/" + i);
                  }
                  return null;
                }));
      }
      while (!done.stream().allMatch(Future::isDone)) {
        take(log).ifPresent(taken::add); // while others append
      }
      for (Future<?> one : done) {
        one.get();
      }
      taken.addAll(drain(log));
      assertThat(files(root)).isEmpty();
    }
    assertThat(taken).hasSize(writers * each).doesNotHaveDuplicates();
    for (int w = 0; w < writers; w++) {
      String writer = w + "/";
      List<String> own = taken.stream().filter(record -> record.startsWith(writer)).toList();
      assertThat(own)
          .isEqualTo(Stream.iterate(0, i -> i + 1).limit(each).map(i -> writer + i).toList());
    }
  }

  @Test
  void aFolderIsOneLogsAtATime() throws Exception {
    try (SegmentLog log = open(root, ONE_FILE)) {
      assertThatThrownBy(() -> open(root, ONE_FILE))
          .isInstanceOf(IOException.class)
          .hasMessage(root + " is used by another server");
      append(log, "one");
    }
  }

  private static SegmentLog open(Path folder, int segmentBytes) throws IOException {
    return SegmentLog.open(folder, segmentBytes, record -> {});
  }

  private static void append(SegmentLog log, String... records) throws IOException {
    for (String record : records) {
      log.append(bytes(record), AT, NO_LIMIT);
    }
  }

  private static Optional<String> take(SegmentLog log) throws IOException {
    Optional<byte[]> first = log.first();
    if (first.isPresent()) {
      log.removeFirst();
    }
    return first.map(SegmentLogTest::text);
  }

  private static List<String> drain(SegmentLog log) throws IOException {
    List<String> records = new ArrayList<>();
    Optional<String> next = take(log);
    while (next.isPresent()) {
      records.add(next.get());
      next = take(log);
    }
    return records;
  }

  private static List<Path> files(Path folder) throws IOException {
    return files(folder, SegmentFile.SUFFIX);
  }

  /** What is kept beside the log for its damage. */
  private static List<Path> kept(Path folder) throws IOException {
    return files(folder, ".damaged");
  }

  private static List<Path> files(Path folder, String ending) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.filter(path -> path.toString().endsWith(ending)).sorted().toList();
    }
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static String text(byte[] bytes) {
    return new String(bytes, StandardCharsets.UTF_8);
  }
}
