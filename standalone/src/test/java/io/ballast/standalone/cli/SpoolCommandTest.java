package io.ballast.standalone.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.ballast.kit.call.Caller;
import io.ballast.kit.call.Lane;
import io.ballast.policy.adapter.spool.FileSpool;
import io.ballast.policy.core.feedback.FeedbackCommand;
import io.ballast.policy.core.feedback.FeedbackKind;
import io.ballast.policy.core.feedback.Payload;
import io.ballast.policy.core.outage.Spooled;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** spool shows what was set aside of a spool, and brings what is whole of it back. */
class SpoolCommandTest {
  private static final Instant AT = Instant.parse("2026-11-29T16:00:00Z");
  private static final String DAMAGED = "0000000000000000001.spool.damaged";

  @TempDir Path home;

  private Cli.Result spool(String... args) {
    String[] all = new String[1 + args.length];
    all[0] = "spool";
    System.arraycopy(args, 0, all, 1, args.length);
    return Cli.run(home, Map.of(), all);
  }

  private Path folder() {
    return home.resolve(".ballast/policy-spool");
  }

  private FileSpool server() {
    return new FileSpool(folder(), 1 << 20, () -> AT);
  }

  /** Three events, of which the second is damaged and the first is in the database by now. */
  private void damageOne() throws IOException {
    try (FileSpool spool = server()) {
      for (String key : new String[] {"first", "second", "third"}) {
        spool.keep(
            new Spooled.Feedback(
                new FeedbackCommand(
                    new Caller("request", "tenant", Lane.INTERACTIVE, key),
                    new UUID(0, 9),
                    FeedbackKind.FOLLOW_UP,
                    AT,
                    Payload.of(("a secret of " + key).getBytes(StandardCharsets.UTF_8)),
                    "f".repeat(64)),
                new UUID(1, key.length())));
      }
    }
    Path file = folder().resolve("0000000000000000001.spool");
    byte[] bytes = Files.readAllBytes(file);
    String text = new String(bytes, StandardCharsets.ISO_8859_1);
    bytes[text.indexOf("a secret of second")] ^= 1;
    Files.write(file, bytes);
    try (FileSpool spool = server()) {
      spool.remove(spool.first().orElseThrow());
      assertThat(spool.waiting()).isZero();
    }
  }

  @Test
  void whatIsWholeIsShownAndReplayedAndItsTextsAreNot() throws IOException {
    damageOne();

    Cli.Result shown = spool("damaged", "--json");
    JsonNode file = shown.json().path("files").path(0);
    assertThat(file.path("file").asText()).endsWith(DAMAGED);
    assertThat(file.path("events").asInt()).isEqualTo(2);
    assertThat(file.path("searched_events").asInt()).isZero();
    assertThat(file.path("damage_at_byte").asLong())
        .isBetween(8L, file.path("size_bytes").asLong());
    assertThat(spool("damaged").out())
        .containsPattern(DAMAGED + " +[0-9,]+ +at byte [0-9,]+ +0 +2 +0 +0")
        .doesNotContain("secret");

    Cli.Result replayed = spool("replay", DAMAGED);
    assertThat(replayed.exit()).as(replayed.err()).isZero();
    assertThat(replayed.out())
        .contains("0 decisions and 2 events wait for the database: start the policy-server")
        .contains("0000000000000000001.spool.replayed holds texts");
    try (FileSpool spool = server()) {
      assertThat(spool.waiting()).isEqualTo(2);
      assertThat(spool.waiting("tenant", "first")).isPresent();
      assertThat(spool.waiting("tenant", "third")).isPresent();
    }
    assertThat(spool("damaged").out()).contains("none is damaged in " + folder());
  }

  @Test
  void whatIsNoDamagedFileOfTheSpoolStaysAsItIs() throws IOException {
    damageOne();
    Path elsewhere = Files.copy(folder().resolve(DAMAGED), home.resolve(DAMAGED));
    Path notes = Files.writeString(folder().resolve("notes.txt"), "mine");

    assertThat(spool("replay", elsewhere.toString()).exit()).isEqualTo(2);
    assertThat(spool("replay", "notes.txt").exit()).isEqualTo(2);
    assertThat(elsewhere).exists();
    assertThat(notes).hasContent("mine");
  }

  @Test
  void whileTheServerIsUpItIsRefusedWithTheMend() throws IOException {
    damageOne();
    try (FileSpool spool = server()) {
      spool.prepare();
      Cli.Result result = spool("replay", DAMAGED);
      assertThat(result.exit()).isEqualTo(4);
      assertThat(result.err())
          .contains("is used by another server; nothing is lost: stop the policy-server");
    }
    assertThat(folder().resolve(DAMAGED)).exists();
  }

  @Test
  void whereThereIsNoneNothingFails() {
    assertThat(spool("damaged").out()).contains("none is damaged in " + folder());
    assertThat(spool("damaged").exit()).isZero();
    Cli.Result absent = spool("replay", DAMAGED);
    assertThat(absent.exit()).isEqualTo(2);
    assertThat(absent.err())
        .contains(DAMAGED + " is no damaged file of " + folder() + "; ./mesh spool damaged");
    assertThat(spool().exit()).isEqualTo(2);
  }
}
