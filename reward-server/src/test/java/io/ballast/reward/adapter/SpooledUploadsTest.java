package io.ballast.reward.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.reward.core.training.JudgementUploads.FileName;
import io.ballast.reward.core.training.JudgementUploads.Upload;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.GZIPOutputStream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** However a file ends, nothing of it stays and the next may begin. */
class SpooledUploadsTest {
  private static final String PAIR =
      "{\"prompt\": \"p\", \"chosen\": \"a\", \"rejected\": \"b\"}\n";

  private static final FileName PAIRS = new FileName("", "pairs.jsonl");
  private static final FileName LOVE = new FileName("love", "l.jsonl");
  private static final FileName HELP = new FileName("help", "h.jsonl");

  @TempDir private Path data = Path.of(".");

  private Path folder() {
    return data.resolve("here/uploads");
  }

  private SpooledUploads uploads() {
    return new SpooledUploads(folder(), 1_000, 10);
  }

  private static ByteBuffer bytes(String text) {
    return ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
  }

  @Test
  void whatWasReadIsGone() {
    SpooledUploads uploads = uploads();
    try (Upload upload = uploads.begin()) {
      upload.write(PAIRS, bytes(PAIR.substring(0, 7)));
      upload.write(PAIRS, bytes(PAIR.substring(7)));
      assertThat(folder()).isNotEmptyDirectory();
      assertThat(upload.read(PAIRS, false).judgements()).hasSize(1);
    }
    assertNextBegins(uploads);
  }

  @Test
  void whatComesAfterAFileWasReadIsAnotherAndAllHaveOneLimit() {
    SpooledUploads uploads = uploads();
    FileName cost = new FileName("cost", "c.jsonl");
    try (Upload upload = uploads.begin()) {
      upload.write(LOVE, bytes(PAIR.repeat(2)));
      assertThat(upload.read(LOVE, false).judgements()).hasSize(2);
      assertThat(upload.read(new FileName("none", "n.jsonl"), false).judgements()).isEmpty();
      upload.write(cost, bytes(PAIR.repeat(8)));
      assertThat(upload.read(cost, false).judgements()).hasSize(8);
      upload.write(HELP, bytes(PAIR));
      assertRefused(
          Fault.MALFORMED_REQUEST,
          "help: h.jsonl: with the files before it more than 10 judgements or 1,000 characters,"
              + " the limit",
          () -> upload.read(HELP, false));
      assertRefused(
          Fault.MALFORMED_REQUEST,
          "help: h.jsonl: with the files before it more than 1,000 bytes, the limit",
          () -> upload.write(HELP, bytes("\n".repeat(1_000))));
    }
    assertNextBegins(uploads);
  }

  @Test
  void allCharactersOfTheFilesBeforeCountWhateverIsKeptOfThem() throws IOException {
    SpooledUploads uploads = uploads();
    String row = "{\"prompt\": \"p\", \"remark\": \"%s\"}\n".formatted("x".repeat(560));
    try (Upload upload = uploads.begin()) {
      upload.write(LOVE, zipped(PAIR + row));
      assertThat(upload.read(LOVE, true).judgements()).hasSize(1);
      upload.write(HELP, zipped(PAIR + row));
      assertRefused(
          Fault.MALFORMED_REQUEST,
          "help: h.jsonl: with the files before it more than 10 judgements or 1,000 characters,"
              + " the limit",
          () -> upload.read(HELP, true));
    }
    assertNextBegins(uploads);
  }

  private static ByteBuffer zipped(String text) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (GZIPOutputStream zip = new GZIPOutputStream(bytes)) {
      zip.write(text.getBytes(StandardCharsets.UTF_8));
    }
    return ByteBuffer.wrap(bytes.toByteArray());
  }

  @Test
  void oneFileIsOpenAtATimeHoweverOftenItIsClosed() {
    SpooledUploads uploads = uploads();
    Upload first = uploads.begin();
    assertRefused(Fault.OVERLOADED, "another file of judgements is coming", uploads::begin);
    first.close();
    Upload second = uploads.begin();
    first.close();
    assertThat(folder()).as("the second's").isNotEmptyDirectory();
    assertRefused(Fault.OVERLOADED, "another file of judgements is coming", uploads::begin);
    second.close();
    assertNextBegins(uploads);
  }

  @Test
  void aFileThatCannotBeBegunKeepsNoPlace() throws Exception {
    SpooledUploads uploads = uploads();
    Path parent = Files.writeString(data.resolve("here"), "a file where a folder should be");
    assertRefused(Fault.OVERLOADED, "file: cannot be kept: ", uploads::begin);
    Files.delete(parent);
    assertNextBegins(uploads);
  }

  @Test
  void aWriteThatFailsLeavesNothing() {
    SpooledUploads uploads = uploads();
    try (Upload upload = uploads.begin()) {
      Thread.currentThread().interrupt(); // the system's own way to end a write
      assertRefused(
          Fault.OVERLOADED,
          "file: cannot be kept: ClosedByInterruptException",
          () -> upload.write(PAIRS, bytes(PAIR)));
    }
    assertThat(Thread.interrupted()).as("and it stays known").isTrue();
    assertNextBegins(uploads);
  }

  @Test
  void aFileThatIsRefusedLeavesNothing() {
    SpooledUploads uploads = uploads();
    try (Upload upload = uploads.begin()) {
      assertRefused(
          Fault.MALFORMED_REQUEST,
          "pairs.jsonl: more than 1,000 bytes, the limit",
          () -> upload.write(PAIRS, ByteBuffer.allocate(1_001)));
    }
    assertUnreadable(uploads, "pairs.jsonl: row 11: more than 10 judgements", PAIR.repeat(11));
    assertUnreadable(uploads, "pairs.jsonl: 1 bad row: row 1: ", "no JSON\n");
    assertNextBegins(uploads);
  }

  private void assertUnreadable(SpooledUploads uploads, String message, String rows) {
    try (Upload upload = uploads.begin()) {
      upload.write(PAIRS, bytes(rows));
      assertRefused(Fault.MALFORMED_REQUEST, message, () -> upload.read(PAIRS, false));
    }
  }

  @Test
  void aFileThatIsNoWholeGzipIsRefused() {
    SpooledUploads uploads = uploads();
    try (Upload upload = uploads.begin()) {
      upload.write(PAIRS, ByteBuffer.wrap(new byte[] {0x1f, (byte) 0x8b, 8}));
      assertRefused(
          Fault.MALFORMED_REQUEST,
          "pairs.jsonl.gz: no whole file: ",
          () -> upload.read(new FileName("", "pairs.jsonl.gz"), false));
    }
    assertNextBegins(uploads);
  }

  @Test
  void whatAProcessThatWasKilledHasLeftIsDeleted() throws Exception {
    Files.createDirectories(folder());
    Files.writeString(folder().resolve("upload1.jsonl"), PAIR);
    assertNextBegins(uploads());
  }

  private void assertNextBegins(SpooledUploads uploads) {
    assertThat(folder()).doesNotExist();
    uploads.begin().close();
    assertThat(folder()).doesNotExist();
  }

  private static void assertRefused(Fault fault, String message, ThrowingCallable call) {
    assertThatThrownBy(call)
        .hasMessageStartingWith(message)
        .isInstanceOfSatisfying(
            MeshException.class, thrown -> assertThat(thrown.fault()).isEqualTo(fault));
  }
}
