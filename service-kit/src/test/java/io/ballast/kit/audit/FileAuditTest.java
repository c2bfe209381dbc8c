package io.ballast.kit.audit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.digest.Sha256;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.file.OwnerOnly;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A file keeps a chain over restarts, and whatever somebody alters in it is found and named. */
class FileAuditTest {
  private static final InstantSource CLOCK =
      InstantSource.fixed(Instant.parse("2026-11-30T06:00:00.5Z"));
  private static final PinnedVersion ONE = new PinnedVersion("taste", "1", "1".repeat(64));
  private static final PinnedVersion TWO = new PinnedVersion("taste", "2", "2".repeat(64));

  @TempDir Path folder;

  private Path file;
  private FileAudit audit;

  @BeforeEach
  void open() {
    file = folder.resolve("data").resolve("audit.jsonl");
    audit = reopened();
  }

  private FileAudit reopened() {
    return new FileAudit("reward", file, CLOCK);
  }

  private static Act act(String subject) {
    return new Act("test", "shop", "Ada", subject, "r-1", Map.of("b", "2", "a", "1"));
  }

  private void appendThree() {
    for (String subject : List.of("first", "second", "third")) {
      var unused = audit.append(act(subject));
    }
  }

  private static JsonNode content(AuditEntry entry) {
    try {
      return new ObjectMapper().readTree(entry.content());
    } catch (JsonProcessingException e) {
      throw new AssertionError(entry.content(), e);
    }
  }

  private static List<String> actions(FileAudit of) {
    return of.after(0, 100).stream().map(entry -> content(entry).path("action").asText()).toList();
  }

  /** What a reader of the trail finds wrong first. */
  private static Optional<String> flaw(FileAudit of) {
    AuditChain chain = new AuditChain();
    return of.after(0, 100).stream().flatMap(entry -> chain.add(entry).stream()).findFirst();
  }

  @Test
  void nobodyButItsOwnerReadsIt() throws IOException {
    appendThree();
    assertThat(OwnerOnly.isOpenToOthers(file)).isFalse();
    assertThat(OwnerOnly.isOpenToOthers(folder.resolve("data"))).isFalse();
  }

  @Test
  void anEntryHasWhatTheApiSaysAndIsOnDiskWhenItIsTold() throws IOException {
    AuditEntry entry = audit.append(act("first"));

    JsonNode content = content(entry);
    assertThat(content.properties())
        .extracting(Map.Entry::getKey)
        .containsExactly(
            "sequence",
            "at",
            "action",
            "tenant",
            "actor",
            "principal",
            "proof",
            "on_behalf_of",
            "subject",
            "request_id",
            "details");
    assertThat(content.path("sequence").asLong()).isEqualTo(1);
    assertThat(content.path("at").asText()).isEqualTo("2026-11-30T06:00:00.500000Z");
    assertThat(content.path("principal").asText()).isEqualTo("the server itself");
    assertThat(content.path("proof").asText()).isEqualTo("process");
    assertThat(content.path("details").toString()).isEqualTo("{\"a\":\"1\",\"b\":\"2\"}");
    assertThat(entry.previousSha256()).isEqualTo(AuditEntry.BEGINNING);
    assertThat(entry.sha256()).isEqualTo(entry.computedSha256());
    assertThat(Files.readAllLines(file)).containsExactly(AuditLine.of(entry));
  }

  @Test
  void aRestartGoesOnWithTheChain() {
    appendThree();
    FileAudit again = reopened();
    var unused = again.append(act("fourth"));

    assertThat(again.flaw()).isEmpty();
    assertThat(flaw(again)).isEmpty();
    assertThat(again.after(0, 100))
        .extracting(entry -> content(entry).path("subject").asText())
        .containsExactly("first", "second", "third", "fourth");
    assertThat(again.after(1, 2)).extracting(AuditEntry::sequence).containsExactly(2L, 3L);
    assertThat(again.after(4, 100)).isEmpty();
    assertThat(again.acts("te")).hasSize(4).contains(act("first"));
    assertThat(again.acts("training.")).isEmpty();
  }

  @Test
  void whicheverByteIsChangedItsEntryIsNamed() throws IOException {
    appendThree();
    byte[] whole = Files.readAllBytes(file);
    int line = 1;
    for (int i = 0; i < whole.length; i++) {
      byte[] changed = whole.clone();
      changed[i] = (byte) (changed[i] ^ 1);
      Files.write(file, changed);
      assertThat(flaw(audit).orElse("none"))
          .as("byte %d of line %d", i, line)
          .startsWith("entry " + line + " ");
      line += whole[i] == '\n' ? 1 : 0;
    }
    assertThat(line).isEqualTo(4);
  }

  @Test
  void whatWasAlteredIsKnownAtTheStartAndWhatFollowsIsStillTold() throws IOException {
    appendThree();
    String text = Files.readString(file);
    Files.writeString(file, text.replace("second", "Second"));

    FileAudit again = reopened();
    assertThat(again.flaw()).contains("entry 2 is not what was hashed");
    assertThat(again.append(act("fourth")).sequence()).isEqualTo(4);
    assertThat(flaw(again)).contains("entry 2 is not what was hashed");

    Files.writeString(file, text);
    assertThat(reopened().flaw()).isEmpty();
  }

  @Test
  void aLineThatIsTakenOutOrPutInIsNamed() throws IOException {
    appendThree();
    List<String> lines = Files.readAllLines(file);
    Files.write(file, List.of(lines.get(0), lines.get(2)));
    assertThat(reopened().flaw())
        .contains("entry 2 does not follow entry 1: it was made after another one");

    Files.write(file, List.of(lines.get(0), "", lines.get(1), lines.get(2)));
    assertThat(reopened().flaw().orElse("none")).startsWith("entry 2 ");
    Files.write(file, List.of(lines.get(0), lines.get(0), lines.get(1), lines.get(2)));
    assertThat(reopened().flaw().orElse("none")).startsWith("entry 2 ");
  }

  @Test
  void whatAProcessDidNotLiveToWriteIsCutOffAndThatIsTold() throws IOException {
    appendThree();
    byte[] whole = Files.readAllBytes(file);
    byte[] half = "{\"trail\":\"rew".getBytes(StandardCharsets.UTF_8);
    Files.write(file, half, StandardOpenOption.APPEND);

    FileAudit again = reopened();

    assertThat(flaw(again)).isEmpty();
    assertThat(again.after(0, 100)).hasSize(4);
    JsonNode cut = content(again.after(3, 1).getFirst());
    assertThat(cut.path("action").asText()).isEqualTo("audit.cut");
    assertThat(cut.path("details").path("bytes").asText()).isEqualTo(Integer.toString(half.length));
    assertThat(cut.path("details").path("sha256").asText()).isEqualTo(Sha256.of(half));
    assertThat(Arrays.copyOf(Files.readAllBytes(file), whole.length)).isEqualTo(whole);
    assertThat(reopened().after(0, 100)).as("and nothing is left of it").hasSize(4);
  }

  /** What is told of what was cut off, as "bytes sha256". */
  private static List<String> cuts(FileAudit of) {
    return of.acts("audit.cut").stream()
        .map(act -> act.details().get("bytes") + " " + act.details().get("sha256"))
        .toList();
  }

  private static String cut(byte[] bytes) {
    return bytes.length + " " + Sha256.of(bytes);
  }

  private void append(byte[] bytes) {
    try {
      Files.write(file, bytes, StandardOpenOption.APPEND);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void whatIsCutOffIsToldAlsoWhereTheProcessEndsBefore() throws IOException {
    appendThree();
    byte[] whole = Files.readAllBytes(file);
    byte[] half = {'{', '"', (byte) 0xe4}; // no UTF-8
    byte[] ofThat = "{\"trail\":\"rew".getBytes(StandardCharsets.UTF_8);
    append(half);
    InstantSource ends =
        () -> {
          throw new IllegalStateException("the process ends");
        };
    InstantSource endsWhileItWrites =
        () -> {
          append(ofThat);
          throw new IllegalStateException("the process ends");
        };
    for (InstantSource clock : List.of(ends, endsWhileItWrites)) {
      assertThatThrownBy(() -> new FileAudit("reward", file, clock)).hasMessage("the process ends");
    }

    FileAudit again = reopened();

    byte[] both = Arrays.copyOf(half, half.length + ofThat.length);
    System.arraycopy(ofThat, 0, both, half.length, ofThat.length);
    assertThat(cuts(again)).containsExactly(cut(both));
    assertThat(flaw(again)).isEmpty();
    assertThat(Arrays.copyOf(Files.readAllBytes(file), whole.length)).isEqualTo(whole);
    assertThat(cuts(reopened())).as("once").hasSize(1);
  }

  @Test
  void whatIsCutOffWhileTheServerRunsIsToldBeforeTheNextEntry() {
    appendThree();
    List<String> failures = new ArrayList<>(List.of("the disk is full"));
    FileAudit running =
        new FileAudit(
            "reward",
            file,
            () -> {
              if (!failures.isEmpty()) {
                throw new IllegalStateException(failures.removeFirst());
              }
              return CLOCK.instant();
            });
    append(new byte[] {'{'});

    assertThatThrownBy(() -> running.append(act("fourth"))).hasMessage("the disk is full");
    var unused = running.append(act("fourth"));

    assertThat(actions(running)).containsExactly("test", "test", "test", "audit.cut", "test");
    assertThat(cuts(running)).containsExactly(cut(new byte[] {'{'}));
  }

  @Test
  void whatWasKeptAndNotYetCutOffIsToldOnce() throws IOException {
    appendThree();
    byte[] half = "{\"trail\":\"rew".getBytes(StandardCharsets.UTF_8);
    append(half);
    Files.write(file.resolveSibling("audit.jsonl.cut"), half);

    assertThat(cuts(reopened())).containsExactly(cut(half));
    assertThat(file.resolveSibling("audit.jsonl.cut")).doesNotExist();
  }

  @Test
  void whatCannotBeKeptElsewhereIsNotCutOff() throws IOException {
    appendThree();
    byte[] half = "{\"trail\":\"rew".getBytes(StandardCharsets.UTF_8);
    append(half);
    byte[] before = Files.readAllBytes(file);
    Path inTheWay = Files.createDirectories(file.resolveSibling("audit.jsonl.cut"));

    assertThatThrownBy(this::reopened)
        .isInstanceOfSatisfying(
            MeshException.class, e -> assertThat(e.fault()).isEqualTo(Fault.PRECONDITION_FAILED));
    assertThat(Files.readAllBytes(file)).isEqualTo(before);

    Files.delete(inTheWay);
    assertThat(cuts(reopened())).containsExactly(cut(half));
  }

  @Test
  void aLastLineWithoutItsEndIsNotTakenAwayUnseen() throws IOException {
    appendThree();
    byte[] whole = Files.readAllBytes(file);
    Files.write(file, Arrays.copyOf(whole, whole.length - 1));

    assertThat(actions(reopened())).containsExactly("test", "test", "audit.cut");
  }

  @Test
  void anEndThatIsTakenAwayWhileTheServerRunsIsTold() throws IOException {
    appendThree();
    String third = audit.after(2, 1).getFirst().sha256();
    Files.write(file, List.of(Files.readAllLines(file).getFirst()));

    var unused = audit.append(act("fourth"));

    assertThat(actions(audit)).containsExactly("test", "audit.lost", "test");
    assertThat(content(audit.after(1, 1).getFirst()).path("details").toString())
        .isEqualTo("{\"entries\":\"3\",\"sha256\":\"%s\"}".formatted(third));
    assertThat(audit.flaw()).contains("what followed entry 1 is gone, to entry 3");
    assertThat(flaw(audit)).as("the chain itself is whole").isEmpty();
  }

  @Test
  void whatCannotBeWrittenIsNotTold() throws IOException {
    Files.createDirectories(file); // no file of this name can be written
    assertThatThrownBy(() -> audit.append(act("first")))
        .isInstanceOfSatisfying(
            MeshException.class, e -> assertThat(e.fault()).isEqualTo(Fault.OVERLOADED))
        .hasMessage("the audit trail cannot be kept: its file may not be written");
    assertThatThrownBy(this::reopened)
        .isInstanceOfSatisfying(
            MeshException.class, e -> assertThat(e.fault()).isEqualTo(Fault.PRECONDITION_FAILED))
        .hasMessageContaining(file.toString());

    Files.delete(file);
    assertThat(audit.append(act("first")).sequence()).isEqualTo(1);
    assertThat(flaw(audit)).isEmpty();
  }

  @Test
  void aConfigurationIsToldWhenItChangedAlsoWhileNoServerRan() {
    audit.configured(configuration("a", "operator: ada", "trainer: bob"));
    audit.configured(configuration("a", "operator: ada", "trainer: bob"));
    FileAudit again = reopened();
    again.configured(configuration("a", "operator: ada", "trainer: bob"));
    again.configured(configuration("a", "operator: ada", "operator: bob"));

    List<AuditEntry> entries = again.after(0, 100);
    assertThat(actions(again)).containsExactly("configuration", "configuration");
    assertThat(content(entries.get(0)).path("subject").asText()).isEqualTo("reward");
    assertThat(content(entries.get(0)).path("details").has("rights_added")).isFalse();
    JsonNode changed = content(entries.get(1)).path("details");
    assertThat(changed.path("rights").asText()).isEqualTo("operator: ada\noperator: bob");
    assertThat(changed.path("rights_added").asText()).isEqualTo("operator: bob");
    assertThat(changed.path("rights_removed").asText()).isEqualTo("trainer: bob");
  }

  private static Configuration configuration(String sha256, String... rights) {
    return new Configuration(sha256, new TreeSet<>(Set.of(rights)));
  }

  @Test
  void turnsAreToldInTheirOrderAndOnceOverARestart() {
    audit.serving(Map.of("taste", ONE), List.of(ONE));
    assertThat(turns(audit)).as("as the properties say").isEmpty();
    audit.serving(Map.of("taste", ONE), List.of(TWO));
    audit.serving(Map.of("taste", ONE), List.of(TWO));
    FileAudit again = reopened();
    assertThat(again.served()).containsExactly("taste");
    again.serving(Map.of("taste", TWO), List.of(TWO));
    again.serving(Map.of("taste", TWO), List.of(ONE));

    assertThat(turns(again)).containsExactly("1 to 2", "2 to 1");
    assertThat(flaw(again)).isEmpty();
    JsonNode first = content(again.after(0, 1).getFirst());
    assertThat(first.path("actor").asText()).isEqualTo("the operator's serving file");
    assertThat(first.path("details").path("from_sha256").asText()).isEqualTo("1".repeat(64));
    assertThat(first.path("details").path("to_sha256").asText()).isEqualTo("2".repeat(64));
  }

  private static List<String> turns(FileAudit of) {
    return of.acts("model.turn").stream()
        .map(act -> act.details().get("from") + " to " + act.details().get("to"))
        .toList();
  }
}
